package engine_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
)

// seriesFunctions are those that are read from a tally.
var seriesFunctions = []string{"zscore", "robust_zscore", "ratio_to_mean", "ratio_to_median", "mean", "median", "p95", "min", "max", "sum", "stddev", "count"}

// TestTallies holds series of some dozens of buckets, whose tallies go along, to the brute force: with late events, keys that
// are silent, values that are no small integers, and with tallies that push each other out or are made anew each time.
func TestTallies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Scenario{Options: oracle.Options{
			Disorder: rapid.SampledFrom([]int64{0, 2000, 5000}).Draw(t, "disorder"),
			Lateness: rapid.SampledFrom([]int64{0, 0, 3000}).Draw(t, "lateness"),
			Drain:    true,
		}}
		var let strings.Builder
		for i := range rapid.IntRange(1, 3).Draw(t, "facts") {
			bucket := rapid.SampledFrom([]string{"count", "count", "sum(x)", "sum(y)", "count(y) where x > 2"}).Draw(t, "bucket")
			fmt.Fprintf(&let, "\n      f%d: '%s(%s each 1s) over %ds%s'", i, rapid.SampledFrom(seriesFunctions).Draw(t, "function"), bucket,
				rapid.IntRange(2, 40).Draw(t, "buckets"), rapid.SampledFrom([]string{"", "", " before 3s"}).Draw(t, "before"))
		}
		on := rapid.SampledFrom([]string{"event", "close", "[event, close]"}).Draw(t, "on")
		s.RulesYAML = fmt.Sprintf("rules:\n  r:\n    event: A\n    by: k\n    on: %s\n    let:%s\n    when: f0 > 1\n", on, let.String())
		at := int64(1_700_000_000_000)
		for range rapid.IntRange(1, 150).Draw(t, "events") {
			at += rapid.SampledFrom([]int64{0, 100, 400, 1000, 1000, 3000, 20_000}).Draw(t, "step")
			back := rapid.SampledFrom([]int64{0, 0, 0, 0, 900, 3000, 30_000}).Draw(t, "back")
			y := rapid.SampledFrom([]string{"1", "-2", "0.5", "3000000000", `"no"`}).Draw(t, "y")
			s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":%d,"x":%d,"y":%s}`,
				at-back, rapid.IntRange(1, 2).Draw(t, "k"), rapid.IntRange(-1, 9).Draw(t, "x"), y))
		}
		want, err := s.Run()
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		w := way{rapid.SampledFrom([]int{1, 2}).Draw(t, "shards"), 10}
		var first []byte
		for _, room := range []int64{1 << 20, 600, 0} {
			rows, lives := foldAs(t, s, w, func(e *engine.Engine) { e.SetBig(small, room) })
			differ(t, "rows", oracle.WriteRows(want.Rows), rows, s)
			differ(t, "alerts", oracle.WriteAlerts(want.Alerts), lives, s)
			if first == nil {
				first = rows
			}
			if !bytes.Equal(first, rows) {
				t.Fatalf("with room %d other bytes: %s\n%s", room, firstOther(first, rows), s)
			}
		}
	})
}

// BenchmarkSeries is the cost of an event that is judged against a series of many buckets, each of which holds an event.
func BenchmarkSeries(b *testing.B) {
	for _, fact := range []string{"zscore(count each 1s)", "robust_zscore(count each 1s)"} {
		for _, n := range []int{100, 10_000, 90_000} {
			b.Run(fmt.Sprintf("%s/%d", fact, n), func(b *testing.B) {
				e, warm := seriesEngine(b, fmt.Sprintf("%s over %ds", fact, n), n+n/4+b.N)
				for i, batch := range warm {
					if i == (n+n/4)/1000 {
						b.ResetTimer()
					}
					if _, err := e.Step(batch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// seriesEngine returns an engine with a rule whose one fact is a series, and the batches of events of one key, two a second.
func seriesEngine(tb testing.TB, fact string, events int) (*engine.Engine, []*engine.Batch) {
	s := oracle.Scenario{RulesYAML: fmt.Sprintf("rules:\n  r:\n    event: A\n    by: k\n    on: event\n    let: {v: '%s'}\n    when: v == 7.5\n", fact)}
	for i := range events {
		s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a"}`, 1_700_000_000_000+int64(i)*500))
	}
	e := engine.New(planOf(tb, s, engine.NewUnits()), engine.Options{})
	return e, batches(s.Lines, e.Partition(event.Position{Stream: "events.jsonl"}), 1000)
}
