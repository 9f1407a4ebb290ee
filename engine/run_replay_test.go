package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// otherRules are serviceRules with another threshold, another window, a rule less and a rule more.
var otherRules = strings.NewReplacer(
	"orders: count over 10m", "orders: count over 5m",
	"when: requests > 3", "when: requests > 4",
	"  quiet:\n", "  loud:\n",
).Replace(serviceRules)

// replayed folds the log on fs once more and returns its alerts, each as the JSON document that people are shown, by id.
func replayed(t testing.TB, w *world, o engine.ReplayOptions) map[string]string {
	t.Helper()
	log, err := journal.Open("data/log", journal.Options{FS: w.fs, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	store := emptyStore(t)
	defer store.Close()
	o.Log, o.Store, o.Inputs = log, store, w.inputs
	if o.To == 0 {
		o.To = log.NextOffset()
	}
	if err := engine.Replay(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	return documents(t, store)
}

func emptyStore(t testing.TB) *state.Store {
	t.Helper()
	store, err := state.Open("replay", state.Options{FS: vfs.NewMem(), Cache: 1 << 20, MemTable: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// documents returns the alerts of a store as JSON, by id.
func documents(t testing.TB, store *state.Store) map[string]string {
	t.Helper()
	list, err := alert.List(store, alert.Query{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, a := range list {
		doc, err := a.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		all[a.ID] = string(doc)
	}
	return all
}

// liveAlerts returns the alerts in the state on fs.
func liveAlerts(t testing.TB, fs vfs.FS) map[string]string {
	t.Helper()
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	return documents(t, store)
}

// expectSame compares what was live with what a replay says, to the byte.
func expectSame(t testing.TB, live, again map[string]string) {
	t.Helper()
	for id, doc := range live {
		if again[id] != doc {
			t.Errorf("alert %s was\n%s\nand is in a replay\n%s", id, doc, again[id])
		}
	}
	for id, doc := range again {
		if live[id] == "" {
			t.Errorf("a replay finds an alert that was not there: %s", doc)
		}
	}
}

// TestReplayAfterCrash cuts the power at the k-th write while lines come out of order and the rules change, goes on, partly with
// other rules, and folds the log once more: alerts, ids, values and times are the same, to the byte.
func TestReplayAfterCrash(t *testing.T) {
	lines := shopLines(t, 300, 11)
	step := 5
	if thorough < 10 {
		step = 19
	}
	for k := 1; replayAfterCrash(t, k, lines) && !t.Failed(); k += step {
	}
}

// replayAfterCrash reports whether there were as many writes.
func replayAfterCrash(t *testing.T, k int, lines [][]byte) bool {
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var writes int
	var crashed *vfs.MemFS
	w := reloadWorld(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == k {
			crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
		}
		return nil
	})), lines, k)
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if crashed == nil {
		live := liveAlerts(t, mem)
		if len(live) < 10 {
			t.Errorf("%d alerts are too few to say anything", len(live))
		}
		w.fs = mem
		expectSame(t, live, replayed(t, w, engine.ReplayOptions{}))
		return false
	}
	w = reloadWorld(t, crashed, lines, k)
	if k%4 > 1 {
		w.rules = otherRules
	}
	if err := w.run(context.Background()); err != nil {
		t.Fatalf("after a crash at write %d: %v", k, err)
	}
	expectSame(t, liveAlerts(t, crashed), replayed(t, w, engine.ReplayOptions{Shards: 1 + k%3}))
	if t.Failed() {
		t.Errorf("after a crash at write %d", k)
	}
	return true
}

// reloadWorld is a crashWorld whose rules change when its first input has given some batches.
func reloadWorld(t *testing.T, fs vfs.FS, lines [][]byte, way int) *world {
	w := crashWorld(t, fs, lines, way)
	parts := w.inputs
	w.inputs = []engine.Input{input("shop", lines[:len(lines)/2], 5), input("branch", lines[len(lines)/2:], 7)}
	w.inputs[0].Partition, w.inputs[1].Partition = parts[0].Partition, parts[1].Partition
	if way%3 > 0 { // so that much of the log is to be folded again
		w.commit = time.Hour
	}
	w.load = func() (*rules.Set, error) { return loadRules(t, otherRules), nil }
	var service *engine.Service
	w.started = func(s *engine.Service) { service = s }
	open := w.inputs[0].Open
	w.inputs[0].Open = func(resume func(string) (journal.Progress, bool)) (source.Source, error) {
		s, err := open(resume)
		return &reloading{Source: s, left: 12, reload: func() { _, _ = service.ReloadNow(context.Background()) }}, err
	}
	return w
}

// reloading is a source that has the rules read again when it has given some batches.
type reloading struct {
	source.Source
	left   int
	reload func()
}

func (r *reloading) Fetch(ctx context.Context) (*source.Batch, error) {
	if r.left--; r.left == 0 {
		r.reload()
	}
	return r.Source.Fetch(ctx)
}

// TestReplayOfSilence is live: events come out of order, then nothing for long, so that time goes on by ticks; the rules change
// twice, and somebody resolves an alert by hand.
func TestReplayOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		next := otherRules
		w.load = func() (*rules.Set, error) { return loadRules(t, next), nil }
		l := start(t, w)
		for i := range 120 {
			more <- order(fmt.Sprint("c", i%7), fmt.Sprint("r", i%3))
			time.Sleep(time.Duration(i*i%1900) * time.Millisecond)
			switch i {
			case 40, 80:
				synctest.Wait()
				l.service.Reload()
				synctest.Wait()
				next = serviceRules
				time.Sleep(12 * time.Minute)
			case 100:
				synctest.Wait()
				for _, doc := range openAlerts(t, w.fs) {
					if err := l.service.Command(context.Background(), engine.Command{Kind: journal.AlertResolved, Alert: doc, By: "eve"}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		time.Sleep(2 * time.Minute)
		l.halt()
		live := liveAlerts(t, w.fs)
		if len(live) < 30 {
			t.Fatalf("%d alerts", len(live))
		}
		expectSame(t, live, replayed(t, w, engine.ReplayOptions{}))

		few := map[string]string{}
		for id, doc := range live {
			if strings.Contains(doc, `"rule":"burst"`) {
				few[id] = doc
			}
		}
		if len(few) < 5 || len(few) == len(live) {
			t.Fatalf("%d of %d alerts are of one rule", len(few), len(live))
		}
		expectSame(t, few, replayed(t, w, engine.ReplayOptions{Only: []string{"burst"}}))
	})
}

// openAlerts returns the ids of the alerts that are open.
func openAlerts(t testing.TB, fs vfs.FS) (ids []string) {
	t.Helper()
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := alert.List(store, alert.Query{State: alert.Firing})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return ids
}

// TestReplayOfExport folds the events of a log, as lines by themselves, sorted by their time, with order: time: what is found
// is what the service found in whatever order they had come.
func TestReplayOfExport(t *testing.T) {
	w := newWorld(t, vfs.NewMem())
	w.spec.ByTime, w.spec.Disorder = true, 60_000
	w.inputs = []engine.Input{input("shop", shopLines(t, 1500, 13), 40)}
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	live, _, _ := found(t, w.fs)
	_, lines := logged(t, w.fs)
	slices.SortStableFunc(lines, func(a, b []byte) int { return strings.Compare(timeOf(a), timeOf(b)) })

	p, err := engine.NewPlan(loadRules(t, w.rules), event.Spec{}, w.spec, engine.NewUnits())
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(p, engine.Options{Shards: 2, KeepUpdates: true})
	all := map[string]*alert.Alert{}
	take := func(fx *engine.Effects, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range fx.Changes {
			follow(all, &fx.Changes[i])
		}
	}
	part := e.Partition(event.Position{Stream: "export.jsonl", Kind: event.FilePosition})
	for i, l := range lines {
		take(e.Step(&engine.Batch{Partition: part, Buf: l, Lines: []engine.Line{{End: len(l), Offset: int64(i + 1)}}}))
	}
	take(e.End(false))
	again := map[string]string{}
	for id, a := range all {
		again[id] = withoutPosition(describe(a))
	}
	for id := range live {
		live[id] = withoutPosition(live[id])
	}
	if len(live) < 20 {
		t.Errorf("%d alerts are too few to say anything", len(live))
	}
	expectSame(t, live, again)
}

// timeOf returns the time of a line as it is written there.
func timeOf(line []byte) string {
	var x struct{ Time string }
	_ = json.Unmarshal(line, &x) // a line that is no event is anywhere
	return x.Time
}

var position = regexp.MustCompile(`(log@|export\.jsonl:)[0-9]+`)

func withoutPosition(s string) string { return position.ReplaceAllString(s, "") }
