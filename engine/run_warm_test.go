package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/state"
)

// coldRules is what runs first; warmRules has facts of every kind more. Their alerts hold the values of the newest
// judgement of each key.
const coldRules = `
rules:
  base:
    event: A
    by: k
    let: {n: count over 2m}
    when: n > 0
`

const warmRules = `
tables:
  sums:
    key: k
    on:
      A: {total: += x}
rules:
  base:
    event: A
    by: k
    let: {n: count over 2m, far: sum(x) over 10m}
    when: n > 0
  slide:
    event: A
    by: k
    let: {n: count over 3m, p: p90(x) over 3m, d: distinct(s) over 5m, was: avg(x) over 2m before 1m, prev: previous over 9m, before_: prev.x}
    when: n > 0
  beat:
    event: A
    by: k
    let: {n: count each 1m, usual: 'mean(count each 1m) over 8m', hop: sum(x) over 4m each 1m}
    when: n > 0
  visit:
    event: A
    by: k
    let: {n: count over session 20s max 2m}
    when: n > 0
  fan:
    event: A
    by: k
    let: {n: count over 1m, others: distinct(k) over 4m by s}
    when: n > 0
  owes:
    event: A
    by: k
    let: {n: count over 1m, total: sums.total + 0}
    when: n > 0
`

// warmLines are events of some keys over an hour, partly late.
func warmLines(seed uint64, n int) (lines [][]byte) {
	r := rand.New(rand.NewPCG(seed, 5))
	at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(time.Duration(r.IntN(5000)) * time.Millisecond)
		late := time.Duration(0)
		if r.IntN(6) == 0 {
			late = time.Duration(r.IntN(8000)) * time.Millisecond
		}
		lines = append(lines, fmt.Appendf(nil, `{"type":"A","id":"e%d","time":%d,"k":"k%d","s":"s%d","x":%d}`, i, at.Add(-late).UnixMilli(), r.IntN(9), r.IntN(12), r.IntN(100)))
	}
	return lines
}

// newestValues returns the values of the newest judgement, by rule and key, of alerts that were updated at a time or later.
func newestValues(t testing.TB, fs vfs.FS, from int64) map[string]string {
	t.Helper()
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := alert.List(store, alert.Query{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, a := range list {
		if a.Updated < from {
			continue
		}
		var x struct{ Values json.RawMessage }
		doc, _ := a.MarshalJSON()
		if err := json.Unmarshal(doc, &x); err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprint(a.Rule, a.Key)] = fmt.Sprint(a.Updated, string(x.Values))
	}
	return all
}

// TestWarm changes rules in the middle of a stream: with windows filled from the log the new ones say what they say that
// have been there from the beginning, in both orders, and with partitions; the old ones go on until then. A replay finds
// the same to the byte.
func TestWarm(t *testing.T) {
	for way := range 4 {
		t.Run(fmt.Sprint(way), func(t *testing.T) {
			lines, text := warmLines(uint64(way), 1400), warmRules
			if way > 1 { // without a new table the folding begins at a mark
				text = warmRules[strings.Index(warmRules, "rules:"):strings.Index(warmRules, "  owes:")]
			}
			always := warmWorld(t, way, text)
			feedAll(t, always, lines, nil)
			w := warmWorld(t, way, coldRules)
			w.warm = (engine.WarmOptions{}).NearTheEnd(int64(1 + way%2*300))
			w.load = func() (*rules.Set, error) { return loadRules(t, text), nil }
			feedAll(t, w, lines, func(l *live) { l.service.Reload() })
			from := lines[len(lines)*3/4]
			compareWarm(t, newestValues(t, w.fs, timeIn(from)), newestValues(t, always.fs, timeIn(from)))
			expectSame(t, liveAlerts(t, w.fs), replayed(t, w, engine.ReplayOptions{}))
			if at := warmFrom(t, w.fs); (at > 0) != (way > 1) {
				t.Errorf("the folding began at log@%d", at)
			}
		})
	}
}

// warmFrom returns from which offset on windows were filled, as the log says; -1 if none were.
func warmFrom(t *testing.T, fs vfs.FS) int64 {
	from := int64(-1)
	records, _ := logged(t, fs)
	for _, r := range records {
		var x struct {
			Warm *struct{ From struct{ At int64 } }
		}
		if r.Kind == journal.RulesLoaded && json.Unmarshal(r.Payload, &x) == nil && x.Warm != nil {
			from = x.Warm.From.At
		}
	}
	return from
}

func compareWarm(t *testing.T, got, want map[string]string) {
	t.Helper()
	rulesSeen := map[string]bool{}
	for at, v := range want {
		if got[at] != v {
			t.Errorf("%s is\n%s\nwant\n%s", at, got[at], v)
		}
		rulesSeen[at[:strings.IndexByte(at, '[')]] = true
	}
	if len(got) != len(want) || len(rulesSeen) < 5 {
		t.Errorf("%d values of %d rules, want %d", len(got), len(rulesSeen), len(want))
	}
}

func timeIn(line []byte) int64 {
	var x struct{ Time int64 }
	_ = json.Unmarshal(line, &x)
	return x.Time
}

// warmWorld reads one partition or two, in either order.
func warmWorld(t *testing.T, way int, text string) *world {
	w := newWorld(t, vfs.NewMem())
	w.rules = text
	w.spec.ByTime, w.spec.Disorder, w.spec.Idle = way%2 == 1, 5000, 10*3600_000
	w.segment = 20_000
	return w
}

// feedAll feeds lines, a second for ten of them; in the middle something happens.
func feedAll(t *testing.T, w *world, lines [][]byte, middle func(*live)) {
	synctest.Test(t, func(t *testing.T) {
		in, more := feed("shop")
		in.Live = false
		w.inputs = []engine.Input{in}
		l := start(t, w)
		for i, x := range lines {
			if more <- x; i%10 == 0 {
				time.Sleep(time.Second)
			}
			if i == len(lines)/2 && middle != nil {
				synctest.Wait()
				middle(l)
			}
		}
		synctest.Wait()
		time.Sleep(time.Second)
		l.halt()
		if t.Failed() {
			t.Log(l.said)
		}
	})
	w.inputs = nil
}

// TestWarmCrash starts with other rules, whose windows are filled from the log first, and cuts the power before
// the k-th write to the state of that start, for some k. Going on from what is left ends as if nothing had happened.
func TestWarmCrash(t *testing.T) {
	lines := warmLines(7, 900)
	for i := range lines { // many keys, so that rows are rewritten in more than one commit
		lines[i] = regexp.MustCompile(`"k":"k[0-9]+"`).ReplaceAll(lines[i], fmt.Appendf(nil, `"k":"k%d"`, i*i%700))
	}
	half := len(lines) * 2 / 3
	first := vfs.NewCrashableMem()
	w := warmStart(t, first, lines[:half], coldRules)
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	always := warmStart(t, vfs.NewMem(), lines[:half], warmRules)
	if err := always.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	always = warmStart(t, always.fs, lines, warmRules)
	if err := always.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	from := timeIn(lines[half+50])
	want := newestValues(t, always.fs, from)
	all := warmCrashAt(t, 0, first, lines, from, want)
	crashes := 2
	if thorough >= 10 {
		crashes = 8
	}
	for i := range crashes {
		warmCrashAt(t, 1+all*i/crashes, first, lines, from, want)
	}
}

// warmCrashAt crashes before the k-th write and goes on; 0: not at all. It returns how many writes there were.
func warmCrashAt(t *testing.T, k int, first *vfs.MemFS, lines [][]byte, from int64, want map[string]string) int {
	if t.Failed() {
		return 1
	}
	mem := first.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	var mu sync.Mutex
	var writes int
	var crashed *vfs.MemFS
	w := warmStart(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.Contains(op.Path, "data/state") {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == k {
			crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
		}
		return nil
	})), lines, warmRules)
	w.warm = &engine.WarmOptions{}
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if crashed != nil {
		w = warmStart(t, crashed, lines, warmRules)
		w.warm = &engine.WarmOptions{}
		if err := w.run(context.Background()); err != nil {
			t.Fatalf("after a crash at write %d: %v", k, err)
		}
	}
	compareWarm(t, newestValues(t, w.fs, from), want)
	if k == 0 {
		expectSame(t, liveAlerts(t, w.fs), replayed(t, w, engine.ReplayOptions{}))
	}
	if t.Failed() {
		t.Errorf("after a crash at write %d", k)
	}
	return writes
}

// warmStart is a world that reads lines to their end.
func warmStart(t *testing.T, fs vfs.FS, lines [][]byte, text string) *world {
	w := newWorld(t, fs)
	w.rules, w.spec.Disorder = text, 5000
	w.inputs = []engine.Input{input("shop", lines, 30)}
	return w
}

// TestWarmWaits reads rules whose windows are filled slowly: the old ones go on and it is said how far that is; other rules
// that are read meanwhile take the place of those that wait.
func TestWarmWaits(t *testing.T) {
	w := warmWorld(t, 0, coldRules)
	lines := warmLines(3, 600)
	synctest.Test(t, func(t *testing.T) {
		w.warm = (engine.WarmOptions{Share: 0.001}).NearTheEnd(1)
		text := warmRules
		w.load = func() (*rules.Set, error) { return loadRules(t, text), nil }
		w.clock = &slowClock{}
		in, more := feed("shop")
		in.Live = false
		w.inputs = []engine.Input{in}
		l := start(t, w)
		for _, x := range lines {
			more <- x
		}
		synctest.Wait()
		old := l.service.Figures().Rules
		said, err := l.service.ReloadNow(t.Context())
		if err != nil || said.Version != old || said.Filling == "" {
			t.Fatalf("%+v, %v", said, err)
		}
		f := l.service.Figures()
		if f.Rules != old || f.Filling == nil || f.Filling.Version != said.Filling || f.Filling.At >= f.Filling.To || len(f.Filling.Rules) != 6 {
			t.Errorf("%s runs, filling %+v", f.Rules, f.Filling)
		}
		text = strings.Replace(coldRules, "n > 0", "n > 1", 1)
		said, err = l.service.ReloadNow(t.Context())
		if err != nil || said.Version == old || said.Filling != "" {
			t.Errorf("%+v, %v", said, err)
		}
		if f := l.service.Figures(); f.Filling != nil {
			t.Errorf("filling %+v", f.Filling)
		}
		l.halt()
		if said.Version != l.service.Figures().Rules || strings.Contains(l.said.String(), "level=ERROR") {
			t.Errorf("%s runs, %s", l.service.Figures().Rules, l.said)
		}
	})
}

// slowClock is a clock by which everything takes long.
type slowClock struct {
	wall
	ticks atomic.Int64
}

func (c *slowClock) Now() time.Time {
	return c.wall.Now().Add(time.Duration(c.ticks.Add(1)) * 10 * time.Millisecond)
}
