package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/state"
)

// crashRules have rows of every kind: events, panes, sessions, instances that open, resolve and wait, and a table.
const crashRules = `
tables:
  tab:
    key: k
    on:
      A: {sum: += x, n: += 1}
      B: {lim: x}
rules:
  burst:
    event: A
    by: k
    let: {n: count over 2s, texts: distinct(s) over 3s, begin: first(s) over 2s}
    when: n > 2
  minute:
    event: [A, B]
    by: g
    let: {n: count each 2s, half: p50(x) each 2s}
    when: n > 1
  visit:
    event: A
    by: [k, g]
    let: {n: count over session 1s}
    when: n > 1
  held:
    event: A
    by: k
    for: 1s
    when: tab.sum > 3
`

// keeper folds with a store and keeps the alerts with their messages beside the rows, as the service does.
type keeper struct {
	t      testing.TB
	engine *engine.Engine
	store  *state.Store
	book   *alert.Book
}

// keep folds all of the scenario from where the store stands, with a commit every three batches.
func keep(t testing.TB, fs vfs.FS, s oracle.Scenario) error {
	store, err := state.Open("state", state.Options{FS: fs, Seed: 1, Cache: 1 << 20, MemTable: 1 << 20, PageSize: smallPage})
	if err != nil {
		return err
	}
	k := &keeper{t: t, store: store, book: alert.NewBook(store)}
	return errors.Join(k.fold(s), store.Close())
}

func (k *keeper) fold(s oracle.Scenario) error {
	units, err := engine.LoadUnits(k.store)
	if err != nil {
		return err
	}
	k.engine, err = engine.Recover(planOf(k.t, s, units), units, k.store, engine.Options{Shards: 2})
	if err != nil {
		return err
	}
	if s.Options.Limit > 0 {
		k.engine.SetLimit(s.Options.Limit, 0)
	}
	n := k.engine.Partition(event.Position{Stream: "events.jsonl"})
	from := max(k.engine.Next(n), 1)
	if from > int64(len(s.Lines)) {
		return nil // it had ended
	}
	for i, b := range batches(s.Lines[from-1:], n, 4) {
		for j := range b.Lines {
			b.Lines[j].Offset += from - 1
		}
		if err := k.take(k.engine.Step(b)); err != nil {
			return err
		}
		if i%3 == 2 {
			if err := k.commit(i%2 == 0); err != nil {
				return err
			}
		}
	}
	if err := k.take(k.engine.End(false)); err != nil {
		return err
	}
	return k.commit(true)
}

func (k *keeper) take(fx *engine.Effects, err error) error {
	if err != nil {
		return err
	}
	for _, c := range fx.Changes {
		switch c.Kind {
		case engine.Opened:
			k.book.Open(alert.Alert{ID: c.ID, Rule: c.Rule.Name, Key: c.Key, Opened: c.Opened, Mode: c.Rule.Mode,
				Opener: alert.Opener{Event: c.EventID, Position: c.Position, Window: c.Window}})
		case engine.Resolved:
			if err := k.book.Resolve(c.ID, c.At, c.Reason); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *keeper) commit(sync bool) error {
	p := k.engine.Flush()
	epoch, err := k.book.Flush(p.Batch)
	if err != nil {
		return err
	}
	if err := k.store.Commit(p.Batch, sync); err != nil {
		return err
	}
	k.engine.Committed(p)
	k.book.Committed(epoch)
	k.engine.Trim(0)
	return nil
}

// kept is what is in a state in the end, each thing as text by its name: rows, alerts and messages.
func kept(t *testing.T, fs vfs.FS) map[string]string {
	t.Helper()
	store, err := state.Open("state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	all := map[string]string{}
	for dim := range uint16(16) {
		err := store.ScanRows(dim, -1, func(hash uint64, key, row []byte) error {
			all[fmt.Sprintf("row %d/%q", dim, key)] = fmt.Sprintf("%x", row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := store.Alerts(state.AlertQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		all["alert "+r.ID] = string(r.Data)
	}
	err = store.Outbox(0, func(m state.Message) (bool, error) {
		all["message "+m.Kind+" of "+m.Alert] += string(m.Payload) // one that is there twice differs
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCrashAtEveryWrite cuts the power before the k-th write of the state, for every k, with none, some or all of what
// was not synced; every tenth with the race detector. Going on from what is left ends in the same rows, byte for byte, the
// same alerts and the same messages.
func TestCrashAtEveryWrite(t *testing.T) {
	for _, byTime := range []bool{false, true} {
		t.Run(fmt.Sprintf("byTime=%t", byTime), func(t *testing.T) {
			s := crashScenario(byTime)
			fs := vfs.NewMem()
			if err := keep(t, fs, s); err != nil {
				t.Fatal(err)
			}
			want := kept(t, fs)
			k := 1
			for crashOnce(t, s, k, want) && !t.Failed() {
				k += 10 / thorough
			}
			t.Logf("about %d writes, %d things kept", k, len(want))
			for _, kind := range []string{"row ", "alert ", "message resolved"} {
				if n := len(slices.DeleteFunc(slices.Collect(maps.Keys(want)), func(s string) bool { return !strings.HasPrefix(s, kind) })); n < 3 {
					t.Errorf("%d of %q are too few to say anything", n, kind)
				}
			}
		})
	}
}

// crashScenario has lines of few keys, out of order by up to two seconds.
func crashScenario(byTime bool) oracle.Scenario {
	s := oracle.Scenario{RulesYAML: crashRules, Options: oracle.Options{ByTime: byTime, Disorder: 1000}}
	if !byTime {
		s.Options.Limit = 2 // sketches are in the rows, too
	}
	random := rand.New(rand.NewPCG(7, 7))
	at := int64(1_700_000_000_000)
	for i := range 160 {
		at += random.Int64N(900)
		s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"%c","time":%d,"id":"e%d","k":"%c","g":"%c","x":%d.%d,"s":"%c"}`,
			"AAAB"[random.IntN(4)], at-random.Int64N(2)*random.Int64N(2000), i, "abc"[random.IntN(3)], "uv"[random.IntN(2)],
			random.IntN(3), random.IntN(10), "pqr"[random.IntN(3)]))
	}
	return s
}

// crashOnce crashes before the k-th write and goes on; it reports whether there were as many.
func crashOnce(t *testing.T, s oracle.Scenario, k int, want map[string]string) bool {
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var writes int
	var left *vfs.MemFS
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == k {
			left = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
		}
		return nil
	}))
	if err := keep(t, fs, s); err != nil {
		t.Fatal(err)
	}
	if left == nil {
		return false
	}
	if err := keep(t, left, s); err != nil {
		t.Fatalf("after a crash at write %d: %v", k, err)
	}
	got := kept(t, left)
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("after a crash at write %d: %s is\n%s\nwant\n%s", k, name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("after a crash at write %d: %s is new: %s", k, name, got[name])
		}
	}
	return true
}
