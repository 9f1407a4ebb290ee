package engine_test

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

// result is all that a run says: rows and lives as JSON lines.
type result struct{ rows, lives []byte }

// recorder gathers what an engine says. It can be put back to an earlier mark.
type recorder struct {
	rows    []byte
	changes []engine.Change
}

func (r *recorder) take(fx *engine.Effects) {
	for _, row := range fx.Rows {
		r.rows = append(r.rows, row...)
	}
	r.changes = append(r.changes, fx.Changes...)
}

func (r *recorder) result() result {
	var l engine.Lives
	l.Add(r.changes)
	return result{r.rows, l.Append(nil)}
}

// same wants two runs to say the same, byte for byte.
func same(t rapid.TB, s oracle.Scenario, what string, want, got result) {
	t.Helper()
	if !bytes.Equal(want.rows, got.rows) {
		differ(t, what+": rows", want.rows, got.rows, s)
		t.Fatalf("%s: the rows are the same for each rule and key, but not byte for byte:\n%s\nwant\n%s\ngot\n%s", what, s, want.rows, got.rows)
	}
	if !bytes.Equal(want.lives, got.lives) {
		differ(t, what+": lives", want.lives, got.lives, s)
		t.Fatalf("%s: the lives are not the same byte for byte:\n%s\nwant\n%s\ngot\n%s", what, s, want.lives, got.lives)
	}
}

func planOf(t rapid.TB, s oracle.Scenario, units engine.Units) *engine.Plan {
	t.Helper()
	spec := engine.TimeSpec{ByTime: s.Options.ByTime, Disorder: s.Options.Disorder, Lateness: s.Options.Lateness}
	p, err := engine.NewPlan(ruleSet(t, s.RulesYAML), event.Spec{}, spec, units)
	if err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	return p
}

func ruleSet(t rapid.TB, text string) *rules.Set {
	t.Helper()
	set, err := rules.LoadBytes("rules.yml", []byte(text), rules.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return set
}

// run folds a scenario without a store.
func run(t rapid.TB, s oracle.Scenario, w way) result {
	rows, lives := fold(t, s, w)
	return result{rows, lives}
}

// TestCuts wants the same bytes of every way to cut the stream into batches and to spread it over shards.
func TestCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		want := run(t, s, way{1, 1})
		for _, w := range []way{{1, 3}, {1, 1000}, {2, 1}, {2, 1000}, {7, 3}, {7, 1000}} {
			same(t, s, "shards and batch", want, run(t, s, w))
		}
		for _, size := range []int{1, 500, 5000} {
			rows, lives := foldAs(t, s, way{2, 1000}, func(e *engine.Engine) { e.SetStride(size, 2) })
			same(t, s, "strides", want, result{rows, lives})
		}
	})
}

var positions = regexp.MustCompile(`,"position":"[^"]*"`)

// placeless takes the positions away, which another order of arrival changes.
func placeless(r result) result {
	return result{positions.ReplaceAll(r.rows, nil), positions.ReplaceAll(r.lives, nil)}
}

// dated is a line with its event time.
type dated struct {
	at   int64
	line []byte
}

// datedLines returns the scenario's events in order of time, one event a time, and nothing that is no event.
func datedLines(t rapid.TB, s oracle.Scenario) (out []dated) {
	t.Helper()
	d, err := event.NewDecoder(&event.Schema{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range s.Lines {
		var r event.Record
		if len(bytes.TrimSpace(l)) > 0 && d.Decode(l, &r) == nil {
			out = append(out, dated{r.Time, l})
		}
	}
	slices.SortStableFunc(out, func(a, b dated) int { return cmp.Compare(a.at, b.at) })
	return slices.CompactFunc(out, func(a, b dated) bool { return a.at == b.at })
}

func linesOf(d []dated) (lines [][]byte) {
	for _, x := range d {
		lines = append(lines, x.line)
	}
	return lines
}

// TestShuffled holds order: time to its promise: the order of arrival within the disorder changes no row and no alert.
func TestShuffled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		s.Options.ByTime = true
		events := datedLines(t, s)
		s.Lines = linesOf(events)
		arrival := map[int64]int64{}
		for _, e := range events {
			arrival[e.at] = e.at + rapid.Int64Range(0, s.Options.Disorder).Draw(t, "delay")
		}
		slices.SortStableFunc(events, func(a, b dated) int { return cmp.Compare(arrival[a.at], arrival[b.at]) })
		shuffled := s
		shuffled.Lines = linesOf(events)
		w := way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "batch")}
		same(t, shuffled, "shuffled", placeless(run(t, s, way{1, 1})), placeless(run(t, shuffled, w)))
	})
}

// TestPartitions wants of one partition what many give, into which the events are spread by their hash: with order: time
// the rows and alerts do not depend on which partition an event came from, nor on which is read when.
func TestPartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		s.Options.ByTime = true
		events := datedLines(t, s)
		s.Lines = linesOf(events)
		n := rapid.IntRange(2, 5).Draw(t, "partitions")
		parts := make([]*engine.Batch, n)
		next := make([]int, n)
		e := engine.New(planOf(t, s, engine.NewUnits()), engine.Options{Shards: 2, Rows: true})
		for i := range parts {
			parts[i] = &engine.Batch{Partition: e.Partition(event.Position{Stream: "orders", Partition: int32(i), Kind: event.KafkaPosition})}
		}
		for _, x := range events {
			h := fnv.New32()
			h.Write(x.line)
			b := parts[h.Sum32()%uint32(n)]
			at := len(b.Buf)
			b.Buf = append(b.Buf, x.line...)
			b.Lines = append(b.Lines, engine.Line{Start: at, End: len(b.Buf), Offset: int64(len(b.Lines))})
		}
		var r recorder
		for left := len(events); left > 0; {
			i := rapid.IntRange(0, n-1).Draw(t, "partition")
			k := min(rapid.IntRange(1, 20).Draw(t, "batch"), len(parts[i].Lines)-next[i])
			if k == 0 {
				i = slices.IndexFunc(parts, func(b *engine.Batch) bool { return next[b.Partition] < len(b.Lines) })
				k = 1
			}
			b := *parts[i]
			b.Lines = b.Lines[next[i] : next[i]+k]
			next[i] += k
			left -= k
			fx, err := e.Step(&b)
			if err != nil {
				t.Fatal(err)
			}
			r.take(fx)
		}
		fx, err := e.End(s.Options.Drain)
		if err != nil {
			t.Fatal(err)
		}
		r.take(fx)
		same(t, s, "partitions", placeless(run(t, s, way{1, 1})), placeless(r.result()))
	})
}

// TestHopping wants a hopping window as long as its hop to be tumbling.
func TestHopping(t *testing.T) {
	const yaml = `
rules:
  r:
    event: [A, B]
    by: k
    let:
      n: count WINDOW
      total: sum(x) WINDOW
      middle: avg(x) WINDOW
      most: max(x) where s == "p" WINDOW
      spread: stddev(x) WINDOW
      different: distinct(s) WINDOW
      half: p50(x) WINDOW
      share: ratio(x > 1) WINDOW
      begin: first(s) WINDOW
      final: last(x) of C WINDOW
    when: n > 1 || total > 2
`
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		d := rapid.SampledFrom([]string{"500ms", "1s", "3s", "1h", "1d"}).Draw(t, "size")
		tumbling, hopping := s, s
		tumbling.RulesYAML = strings.ReplaceAll(yaml, "WINDOW", "each "+d)
		hopping.RulesYAML = strings.ReplaceAll(yaml, "WINDOW", "over "+d+" each "+d)
		same(t, hopping, "hopping", run(t, tumbling, way{1, 7}), run(t, hopping, way{1, 7}))
	})
}

// What may happen to a durable run between two batches.
const (
	nothing = iota
	commit
	evict   // commit, and take all rows out of memory
	restart // commit, and begin anew
	lose    // begin anew where the last commit was, and read on from there: what came after it is read twice
)

// durable folds a scenario with a store, and lets happens decide what happens after each batch.
type durable struct {
	rapid.TB
	s        oracle.Scenario
	w        way
	store    *state.Store
	engine   *engine.Engine
	tune     func(e *engine.Engine) // of each engine that begins
	mute     bool                   // no rows are written
	all      []*engine.Batch
	recorder recorder // what has been said
	rows     int      // bytes of it that the last commit stands behind
	changes  int
}

// smallPage is a size of pages at which rows of a few events have some.
const smallPage = 32

func newDurable(t rapid.TB, s oracle.Scenario, w way) *durable {
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1, Cache: 1 << 20, MemTable: 1 << 20, PageSize: smallPage})
	if err != nil {
		t.Fatal(err)
	}
	return &durable{TB: t, s: s, w: w, store: store, tune: func(*engine.Engine) {}}
}

// recover begins where the store was committed last, with nothing in memory.
func (d *durable) recover() {
	d.Helper()
	units, err := engine.LoadUnits(d.store)
	if err != nil {
		d.Fatal(err)
	}
	d.engine, err = engine.Recover(planOf(d, d.s, units), units, d.store, engine.Options{Shards: d.w.shards, Rows: !d.mute})
	if err != nil {
		d.Fatalf("%v\n%s", err, d.s)
	}
	d.tune(d.engine)
	d.recorder.rows, d.recorder.changes = d.recorder.rows[:d.rows], d.recorder.changes[:d.changes]
	n := d.engine.Partition(event.Position{Stream: "events.jsonl"})
	from := max(d.engine.Next(n), 1)
	d.all = batches(d.s.Lines[from-1:], n, d.w.batch)
	for _, b := range d.all {
		for i := range b.Lines {
			b.Lines[i].Offset += from - 1
		}
	}
}

func (d *durable) commit() {
	p := d.engine.Flush()
	if err := d.store.Commit(p.Batch, false); err != nil {
		d.Fatal(err)
	}
	d.engine.Committed(p)
	d.rows, d.changes = len(d.recorder.rows), len(d.recorder.changes)
}

func (d *durable) take(fx *engine.Effects, err error) {
	if err != nil {
		d.Fatalf("%v\n%s", err, d.s)
	}
	d.recorder.take(fx)
}

// run folds to the end.
func (d *durable) run(happens func() int) result {
	defer d.store.Close()
	d.recover()
	for len(d.all) > 0 {
		b := d.all[0]
		d.all = d.all[1:]
		d.take(d.engine.Step(b))
		switch happens() {
		case commit:
			d.commit()
		case evict:
			d.commit()
			d.engine.Trim(0)
		case restart:
			d.commit()
			d.recover()
		case lose:
			d.recover()
		}
	}
	d.take(d.engine.End(d.s.Options.Drain))
	return d.recorder.result()
}

// TestReplayIsLive wants a run that is interrupted, and goes on from its store, to say what one run says. The events that
// waited in memory (order: time) are read again.
func TestReplayIsLive(t *testing.T) {
	durably(t, nothing, commit, restart)
}

// TestEvicted wants rows that leave memory whenever they may to change nothing.
func TestEvicted(t *testing.T) {
	durably(t, evict)
}

// TestReadTwice wants the same of runs in which the same positions are read again, because what had been made of them was
// lost before it was committed.
func TestReadTwice(t *testing.T) {
	durably(t, nothing, nothing, commit, evict, restart, lose)
}

// durably compares runs with a store, in which one of the things happens after each batch, with one in memory.
func durably(t *testing.T, things ...int) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		w := way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 3, 10}).Draw(t, "batch")}
		losses := 5
		d := newDurable(t, s, w)
		d.mute = rapid.Bool().Draw(t, "mute")
		got := d.run(func() int {
			what := rapid.SampledFrom(things).Draw(t, "happens")
			if what == lose {
				if losses--; losses < 0 {
					return nothing
				}
			}
			return what
		})
		want := run(t, s, way{1, 1})
		if d.mute {
			want.rows = nil
		}
		same(t, s, "durable", want, got)
	})
}

// TestEvictedTimer has a timer that finds nothing due any more in a row that leaves memory then: what is due later in
// the row is still seen.
func TestEvictedTimer(t *testing.T) {
	s := oracle.Scenario{Options: oracle.Options{Disorder: 5000}, RulesYAML: `
rules:
  r:
    event: A
    by: g
    let: {n: count over 2s}
    when: n > 0
    resolve: x > 1
    for: 1s
`}
	for i, e := range []struct{ second, key, x string }{
		{"01", "u", "1"}, {"02", "u", "1"}, {"03", "v", "1"}, {"04", "v", "1"}, {"04", "u", "1"}, {"05", "u", "1"}, {"08", "u", "1"},
		{"09", "u", "1"}, {"10", "u", "1"}, {"11", "v", "2"}, {"12", "u", "1"}, {"13", "u", "1"}, {"14", "u", "1"}, {"15", "u", "1"},
		{"16", "u", "1"}, {"17", "v", "1"}, {"18", "u", "3"}, {"19", "u", "1"}, {"39", "v", "2"},
	} {
		s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":"2023-11-14T00:00:%sZ","id":"e%d","g":%q,"x":%s}`, e.second, i+1, e.key, e.x))
	}
	w := way{1, 1}
	same(t, s, "evicted", run(t, s, w), newDurable(t, s, w).run(func() int { return evict }))
}
