package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

// TestStoredTables folds a table with a compound key, which a rule reads, and reads it back from the store by the version
// of the rules that is kept there.
func TestStoredTables(t *testing.T) {
	set, err := rules.LoadBytes("rules.yml", []byte(`
tables:
  stock:
    key: [place, item]
    on:
      Came: {n: += n, note: note}
      Went: {n: -= n}
  unread:
    key: place
    on: {Came: {last: item}}
rules:
  short:
    event: Went
    by: [place, item]
    when: stock.n < 0
`), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if p, err := StoredPlan(s, ""); p != nil || err != nil {
		t.Errorf("before anything is folded: %v, %v", p, err)
	}
	units, err := LoadUnits(s)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(set, event.Spec{}, TimeSpec{}, units)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Recover(plan, units, s, Options{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	const places = 5000 // more than are in memory at once
	b := &Batch{Partition: e.Partition(event.Position{Stream: "log", Kind: event.LogPosition})}
	add := func(format string, args ...any) {
		at := len(b.Buf)
		b.Buf = fmt.Appendf(b.Buf, format, args...)
		b.Lines = append(b.Lines, Line{Start: at, End: len(b.Buf), Offset: int64(len(b.Lines))})
	}
	for i := range places {
		add(`{"type":"Came","time":%d,"place":"p%d","item":"x","n":%d.5,"note":"né \"w\""}`, 1_700_000_000+i, i, i)
	}
	add(`{"type":"Went","time":1700010000,"place":"p7","item":"x","n":0.1}`)
	if _, err := e.Step(b); err != nil {
		t.Fatal(err)
	}
	pending := e.Flush()
	pending.Batch.SetRules(plan.Fingerprint(), plan.Version())
	if err := s.Commit(pending.Batch, true); err != nil {
		t.Fatal(err)
	}
	e.Committed(pending)

	p, err := StoredPlan(s, "")
	if err != nil || p == nil || p.Fingerprint() != plan.Fingerprint() {
		t.Fatalf("StoredPlan = %v, %v", p, err)
	}
	f := func(table string, key []string, want string) {
		t.Helper()
		r, ok, err := p.TableRow(s, table, key)
		if got := rowText(&r); got != want || ok != (want != "") || err != nil {
			t.Errorf("TableRow(%s, %q) = %s, %v, %v, want %s", table, key, got, ok, err, want)
		}
	}
	f("stock", []string{"p7", "x"}, `p7/x n=7.4 note="né \"w\""`)
	f("stock", []string{"p3", "x"}, `p3/x n=3.5 note="né \"w\""`)
	f("stock", []string{"p3", "y"}, "")
	f("stock", []string{"p3"}, "")
	f("unread", []string{"p3"}, `p3 last="x"`)
	f("nothing", []string{"p3"}, "")

	seen := map[string]bool{}
	if err := p.TableRows(s, "stock", func(r TableRow) (bool, error) { seen[rowText(&r)] = true; return true, nil }); err != nil {
		t.Error(err)
	}
	if len(seen) != places || !seen[`p7/x n=7.4 note="né \"w\""`] {
		t.Errorf("TableRows finds %d rows, want %d", len(seen), places)
	}
	n := 0
	if err := p.TableRows(s, "unread", func(TableRow) (bool, error) { n++; return n < 3, nil }); err != nil || n != 3 {
		t.Errorf("TableRows goes on: %d rows, %v", n, err)
	}
}

func rowText(r *TableRow) string {
	parts := []string{strings.Join(r.Key, "/")}
	for _, f := range r.Fields {
		parts = append(parts, f.Name+"="+string(event.AppendJSON(nil, f.Value)))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
