package verify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/verify"
)

// house is a log with orders of three customers, and a state that was folded from it.
type house struct {
	*testing.T
	log   *journal.Log
	state *state.Store
	rules *rules.Set
}

func newHouse(t *testing.T, text string) *house {
	h := &house{T: t}
	var err error
	h.log, err = journal.Open("log", journal.Options{FS: vfs.NewMem()})
	h.must(err)
	t.Cleanup(func() { h.must(h.log.Close()) })
	h.rules, err = rules.LoadBytes("rules.yml", []byte(text), rules.Options{})
	h.must(err)
	for i := range 12 {
		line := fmt.Sprintf(`{"type":"Order","time":"2026-01-01T10:%02d:00Z","id":"e%d","c":"c%d"}`, i, i, i%3)
		_, err := h.log.Append(context.Background(), journal.Event, []byte(line))
		h.must(err)
	}
	h.state = h.store()
	h.must(engine.Replay(context.Background(), engine.ReplayOptions{Log: h.log, To: h.log.NextOffset(), Store: h.state, Rules: h.rules}))
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) store() *state.Store {
	s, err := state.Open("state", state.Options{FS: vfs.NewMem(), Cache: 1 << 20, MemTable: 1 << 20})
	h.must(err)
	h.Cleanup(func() { h.must(s.Close()) })
	return s
}

// change does something to the state behind the log's back.
func (h *house) change(f func(k *alert.Book) error) {
	k := alert.NewBook(h.state)
	h.must(f(k))
	b := h.state.NewBatch()
	_, err := k.Flush(b)
	h.must(err)
	h.must(h.state.Commit(b, true))
}

func (h *house) alerts() []*alert.Alert {
	list, err := alert.List(h.state, alert.Query{Oldest: true})
	h.must(err)
	return list
}

func (h *house) check(all bool, alerts ...*alert.Alert) []verify.Finding {
	found, err := verify.Check(context.Background(), verify.Options{Log: h.log, State: h.state, Rules: h.rules, Scratch: h.store()}, alerts, all, 0, 0)
	h.must(err)
	return found
}

const burst = "rules: {burst: {event: Order, by: c, let: {n: count over 10m}, when: n > 2, alert: '{{c}}: {{n}}'}}"

func TestCheck(t *testing.T) {
	h := newHouse(t, burst)
	alerts := h.alerts()
	if len(alerts) != 3 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, f := range h.check(true, alerts...) {
		if f.Outcome != verify.Equal {
			t.Errorf("%s: %s %s %v", f.Alert.ID, f.Outcome, f.Why, f.Differences)
		}
	}
	changed, other := alerts[0], *alerts[1]
	h.change(func(k *alert.Book) error { // other values than the log says, and an alert that it does not know
		other.ID, other.Opened = strings.Repeat("f", 32), other.Opened+1
		k.Open(other)
		v := changed.Values[0]
		v.Value.N = 99
		return k.Update(changed.ID, changed.Updated, changed.Evaluations, []alert.Value{v}, "")
	})
	found := h.check(true, h.alerts()...)
	if len(found) != 4 {
		t.Fatalf("%d findings", len(found))
	}
	for _, f := range found {
		switch f.Alert.ID {
		case changed.ID:
			if f.Outcome != verify.Differs || len(f.Differences) != 1 || f.Differences[0].Member != "values.n" ||
				f.Differences[0].Kept != "99" || f.Differences[0].Derived != "3" {
				t.Errorf("%s %s %+v", f.Outcome, f.Why, f.Differences)
			}
			m := mask.New([]mask.Field{{Path: "c"}}, []byte(strings.Repeat("k", 32)))
			if masked := f.Masked(m); masked.Alert.Key[0] == "c0" || len(masked.Differences) != 1 {
				t.Errorf("masked it is %v %+v", masked.Alert.Key, masked.Differences)
			}
		case other.ID:
			want := "the log does not say that it opened; nearest to it for this rule and key is " + alerts[1].ID
			if f.Outcome != verify.Differs || !strings.HasPrefix(f.Why, want) {
				t.Errorf("%s %s", f.Outcome, f.Why)
			}
		default:
			if f.Outcome != verify.Equal {
				t.Errorf("%s: %s %s %v", f.Alert.ID, f.Outcome, f.Why, f.Differences)
			}
		}
	}
}

// TestCheckUnkept has an alert in the log that the state does not have.
func TestCheckUnkept(t *testing.T) {
	h := newHouse(t, burst)
	gone := h.alerts()[0]
	b := h.state.NewBatch()
	b.DeleteAlert(state.AlertRow{ID: gone.ID, Opened: gone.Opened})
	h.must(h.state.Commit(b, true))
	found := h.check(true, h.alerts()...)
	if len(found) != 3 || found[2].Outcome != verify.Unkept || found[2].Alert.ID != gone.ID {
		t.Errorf("%+v", found)
	}
	if found := h.check(false, h.alerts()[0]); len(found) != 1 || found[0].Outcome != verify.Equal {
		t.Errorf("%+v", found)
	}
}

// TestCheckGone has a log whose rules nobody knows, and one that is damaged: the alerts cannot be derived, and it is said why.
func TestCheckGone(t *testing.T) {
	h := newHouse(t, burst)
	other, err := rules.LoadBytes("rules.yml", []byte(strings.Replace(burst, "n > 2", "n > 3", 1)), rules.Options{})
	h.must(err)
	a := *h.alerts()[0]
	a.Rules = "0123"
	h.rules = other
	for _, f := range h.check(false, &a) {
		if f.Outcome != verify.Unknown || f.Why != "the rules that made it (version 0123) are not kept" {
			t.Errorf("%s %s", f.Outcome, f.Why)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := verify.Check(ctx, verify.Options{Log: h.log, State: h.state, Rules: h.rules, Scratch: h.store()}, h.alerts(), true, 0, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := h.log.Append(context.Background(), journal.TimeAdvanced, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	h.state = h.store()
	_ = engine.Replay(context.Background(), engine.ReplayOptions{Log: h.log, To: 12, Store: h.state, Rules: h.rules})
	b := h.state.NewBatch()
	c, _, err := h.state.Checkpoint()
	h.must(err)
	c.Partitions[0].Read++ // as if the state had read what cannot be read
	b.SetCheckpoint(c)
	h.must(h.state.Commit(b, true))
	for _, f := range h.check(true, h.alerts()...) {
		if f.Outcome != verify.Unknown || !strings.Contains(f.Why, "TimeAdvanced record") {
			t.Errorf("%s %s", f.Outcome, f.Why)
		}
	}
}
