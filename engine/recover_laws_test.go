package engine_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/state"
)

// entry is a record of a log that several partitions share: an event of a partition, that a partition is idle, or a tick.
type entry struct {
	partition int
	kind      string // "event", "idle" or "tick"
	at        int64  // of an event its time, of a tick the watermark; ms
}

func drawEntries(t *rapid.T, partitions int) (all []entry) {
	kinds := rapid.SampledFrom([]string{"event", "event", "event", "event", "idle", "tick"})
	clock := make([]int64, partitions)
	for range rapid.IntRange(1, 30).Draw(t, "entries") {
		x := entry{partition: rapid.IntRange(0, partitions-1).Draw(t, "partition"), kind: kinds.Draw(t, "kind")}
		now := &clock[x.partition]
		*now += rapid.Int64Range(0, 9_000).Draw(t, "later")
		x.at = *now - rapid.SampledFrom([]int64{0, 0, 1_000, 4_000}).Draw(t, "behind")
		all = append(all, x)
	}
	return append(all, entry{kind: "tick", at: 1_000_000})
}

// logFold folds the entries of a log, as a service does.
type logFold struct {
	t      *rapid.T
	engine *engine.Engine
	parts  []int
	rows   []string
}

func newLogFold(t *rapid.T, e *engine.Engine, partitions int) *logFold {
	f := &logFold{t: t, engine: e}
	for i := range partitions {
		f.parts = append(f.parts, e.Partition(event.Position{Stream: "log", Partition: int32(i), Kind: event.LogPosition}))
	}
	return f
}

// fold folds the entries from an offset on. Those below read are in the state, but for events that waited.
func (f *logFold) fold(all []entry, from, read int64) {
	for at := from; at < int64(len(all)); at++ {
		x := all[at]
		fx, err := &engine.Effects{}, error(nil)
		switch {
		case x.kind == "event":
			line := fmt.Appendf(nil, `{"type":"A","time":%d,"k":"x"}`, 1_700_000_000_000+x.at)
			fx, err = f.engine.Step(&engine.Batch{Partition: f.parts[x.partition], Buf: line, Lines: []engine.Line{{End: len(line), Offset: at}}})
		case at < read:
		case x.kind == "idle":
			f.engine.Idle(f.parts[x.partition])
		default:
			fx, err = f.engine.Tick(1_700_000_000_000 + x.at)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		f.engine.Pass(at + 1)
		for _, r := range fx.Rows {
			f.rows = append(f.rows, string(r))
		}
	}
}

// TestRecoverPartitions stops anywhere in a log of several partitions, some of which are idle, and goes on from what was
// committed: the rows are those of a fold that was not stopped, in both orders.
func TestRecoverPartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 3).Draw(t, "partitions")
		all := drawEntries(t, partitions)
		s := oracle.Scenario{
			RulesYAML: "rules: {r: {event: A, by: k, let: {n: count over 1m, m: count each 5s}, on: [event, close], when: n > 1}}",
			Options:   oracle.Options{ByTime: rapid.Bool().Draw(t, "by time"), Disorder: 2_000},
		}
		options := engine.Options{Rows: true, Shards: rapid.IntRange(1, 2).Draw(t, "shards")}
		whole := newLogFold(t, engine.New(planOf(t, s, engine.NewUnits()), options), partitions)
		whole.fold(all, 0, 0)

		stop := rapid.IntRange(0, len(all)).Draw(t, "stop")
		rows, from := foldAndCommit(t, s, options, all, stop, partitions)
		if want := whole.rows; fmt.Sprint(rows) != fmt.Sprint(want) {
			t.Fatalf("stopped before %d, read again from %d:\n%q\nwant\n%q\nlog: %v", stop, from, rows, want, all)
		}
	})
}

// foldAndCommit folds the entries before stop, commits, and goes on with another engine. It returns the rows of both,
// and from where on the log was read again.
func foldAndCommit(t *rapid.T, s oracle.Scenario, o engine.Options, all []entry, stop, partitions int) (rows []string, from int64) {
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1, Cache: 1 << 20, MemTable: 1 << 20, PageSize: smallPage})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i, part := range [][]entry{all[:stop], all} {
		units, err := engine.LoadUnits(store)
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.Recover(planOf(t, s, units), units, store, o)
		if err != nil {
			t.Fatal(err)
		}
		f, read := newLogFold(t, e, partitions), int64(0)
		if i > 0 {
			read = int64(stop)
			from = e.Next(0)
			for p := range partitions {
				from = min(from, e.Next(p))
			}
		}
		f.fold(part, from, read)
		p := e.Flush()
		if err := store.Commit(p.Batch, true); err != nil {
			t.Fatal(err)
		}
		e.Committed(p)
		rows = append(rows, f.rows...)
	}
	return rows, from
}
