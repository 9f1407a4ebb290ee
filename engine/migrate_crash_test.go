package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/state"
)

// Three versions of rules; from each to the next one facts go on, begin and end, and so do rules with open alerts.
var crashVersions = []string{`
tables:
  tab:
    key: k
    on:
      A: {sum: += x}
rules:
  gone:
    event: A
    by: k
    let: {n: count over 1h}
    when: n > 0
  kept:
    event: A
    by: k
    let: {n: count over 1h, total: sum(x) over 1h, most: max(x) over 1h}
    when: n > 1
`, `
tables:
  tab:
    key: k
    on:
      A: {sum: += x}
rules:
  kept:
    event: A
    by: k
    let: {n: count over 1h, total: sum(x) over 1h, least: min(x) over 1h, near: count over 1h by g}
    when: n > 1 && tab.sum > 0
  more:
    event: A
    by: k
    let: {total: sum(x) over 1h, bucket: sum(x) each 1h}
    on: event
    when: total > 1
`, `
rules:
  kept:
    event: A
    by: g
    let: {n: count over 1h}
    when: n > 1
  more:
    event: A
    by: k
    let: {total: sum(x) over 1h, n: count over 1h}
    when: total > 2
`}

// crashKeys is how many rows there are: they are rewritten in several chunks.
const crashKeys = 600 + 50*thorough

// aged is a file system with a state that the first version has made, and the events that come after it.
func aged(t *testing.T) (fs *vfs.MemFS, rest oracle.Scenario) {
	var lines [][]byte
	for i := range crashKeys + 40 {
		lines = append(lines, fmt.Appendf(nil, `{"type":"A","time":%d,"id":"e%d","k":"k%d","g":"g%d","x":%d}`,
			1_700_000_000_000+i, i, i%crashKeys, i%7, 1+i%3))
	}
	s := oracle.Scenario{RulesYAML: crashVersions[0], Lines: lines}
	fs = vfs.NewCrashableMem()
	k := &migrator{t: t, s: s, fs: fs}
	k.open()
	if err := k.recover(crashVersions[0]); err != nil {
		t.Fatal(err)
	}
	k.fold(0, crashKeys)
	k.commit()
	k.close()
	return fs, s
}

// migrator folds with a store whose rules change.
type migrator struct {
	t       *testing.T
	s       oracle.Scenario
	fs      vfs.FS
	store   *state.Store
	engine  *engine.Engine
	records recorder
	ended   []string
}

func (k *migrator) open() {
	var err error
	k.store, err = state.Open("state", state.Options{FS: k.fs, Seed: 1, Cache: 1 << 20, MemTable: 1 << 20, PageSize: smallPage})
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *migrator) close() {
	if err := k.store.Close(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *migrator) recover(yaml string) error {
	units, err := engine.LoadUnits(k.store)
	if err != nil {
		return err
	}
	p, err := engine.NewPlan(ruleSet(k.t, yaml), event.Spec{}, engine.TimeSpec{}, units)
	if err != nil {
		return err
	}
	k.engine, err = engine.Recover(p, units, k.store, engine.Options{Rows: true})
	if err != nil {
		return err
	}
	for _, c := range k.engine.Dropped() {
		k.ended = append(k.ended, fmt.Sprintf("%s %s %s %d\n", c.Rule.Name, c.Key, c.ID, c.At))
	}
	return nil
}

func (k *migrator) fold(from, to int) {
	n := k.engine.Partition(event.Position{Stream: "events.jsonl"})
	for _, b := range batches(k.s.Lines[from:to], n, 500) {
		for i := range b.Lines {
			b.Lines[i].Offset += int64(from)
		}
		fx, err := k.engine.Step(b)
		if err != nil {
			k.t.Fatal(err)
		}
		k.records.take(fx)
	}
}

func (k *migrator) commit() {
	p := k.engine.Flush()
	if err := k.store.Commit(p.Batch, true); err != nil {
		k.t.Fatal(err)
	}
	k.engine.Committed(p)
}

// outcome goes on with the rest of the events under the last of the versions, after going through the others, and returns
// all that is said.
func outcome(t *testing.T, fs vfs.FS, s oracle.Scenario, versions ...int) string {
	k := &migrator{t: t, s: s, fs: fs}
	k.open()
	defer k.close()
	for i, v := range versions {
		if err := k.recover(crashVersions[v]); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue // what it drops is told with the first commit, whatever the rules are by then
		}
	}
	k.fold(crashKeys, len(s.Lines))
	k.commit()
	slices.Sort(k.ended)
	k.ended = slices.Compact(k.ended)
	r := k.records.result()
	return fmt.Sprintf("%s%s%d ended\n%s", r.rows, r.lives, len(k.ended), strings.Join(k.ended, ""))
}

// TestCrashWhileRewriting cuts the power before the k-th write of a rewriting, for many k, with none, some or all of what was not
// synced. Whatever the rules are then, it ends as if nothing had happened.
func TestCrashWhileRewriting(t *testing.T) {
	base, s := aged(t)
	clean := func() *vfs.MemFS { return base.CrashClone(vfs.CrashCloneCfg{}) }
	direct, through := make([]string, 3), make([]string, 3)
	for v := range crashVersions {
		direct[v] = outcome(t, clean(), s, v)
		through[v] = outcome(t, clean(), s, 1, v)
	}
	if !strings.Contains(direct[1], fmt.Sprintf("\n%d ended\n", crashKeys)) {
		t.Fatalf("not all alerts of the rule that is gone have ended:\n%s", direct[1])
	}
	for i := 1; ; i += 1 + 400/thorough { // a share of them
		crashed := crashAtWrite(t, clean(), s, i)
		if crashed == nil {
			t.Logf("%d writes", i)
			return
		}
		v := i % 3
		if got := outcome(t, crashed, s, v); got != direct[v] && got != through[v] {
			t.Fatalf("after a crash at write %d, with version %d:\n%s\nwant\n%s\nor\n%s", i, v, got, direct[v], through[v])
		}
	}
}

// crashAtWrite rewrites the rows for the second version, and returns what a crash before the i-th write leaves; nil if there are
// not as many.
func crashAtWrite(t *testing.T, mem *vfs.MemFS, s oracle.Scenario, i int) (crashed *vfs.MemFS) {
	var mu sync.Mutex
	writes := 0
	k := &migrator{t: t, s: s, fs: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == i {
			crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: i / 2 % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(i), 1))})
		}
		return nil
	}))}
	k.open()
	if err := k.recover(crashVersions[1]); err != nil {
		t.Fatal(err)
	}
	k.close()
	return crashed
}
