package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/rules"
)

// small lets every window with more than three entries have a companion.
const small = 3

// TestBigOracle holds windows of hundreds of entries against the brute force.
func TestBigOracle(t *testing.T) {
	for seed := range 2 + thorough {
		s := rapid.Custom(oracle.RandomLong).Example(seed)
		want, err := s.Run()
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		for _, from := range []int{64, small} {
			rows, lives := foldAs(t, s, way{2, 50}, func(e *engine.Engine) { e.SetBig(from, 1<<20) })
			differ(t, "rows", oracle.WriteRows(want.Rows), rows, s)
			differ(t, "alerts", oracle.WriteAlerts(want.Alerts), lives, s)
		}
	}
}

// TestBigOnOff holds companions of small windows, many and few that push each other out, to the values found without.
func TestBigOnOff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		if rapid.IntRange(0, 3).Draw(t, "long") == 0 {
			s = oracle.RandomLong(t)
		}
		rows, lives := foldAs(t, s, way{1, 7}, func(e *engine.Engine) { e.SetBig(small, 0) })
		for _, room := range []int64{1 << 20, 1500} {
			r, l := foldAs(t, s, way{1, 7}, func(e *engine.Engine) { e.SetBig(small, room) })
			if !bytes.Equal(rows, r) || !bytes.Equal(lives, l) {
				differ(t, "rows", rows, r, s)
				differ(t, "alerts", lives, l, s)
				t.Fatalf("not the same bytes\n%s", s)
			}
		}
	})
}

const bigRule = `rules:
  r:
    event: A
    by: k
    let: {v: "%s over 1h"}
    when: %s
`

// bigEngine returns an engine with a rule whose one fact is given, and the batch of events of one key at steady distance,
// of which n fill the hour.
func bigEngine(tb testing.TB, fact string, n, events int) (*engine.Engine, []*engine.Batch) {
	when := "v == 7.5"
	if fact == "unseen(s)" {
		when = "v && type == 'B'"
	}
	set, err := rules.LoadBytes("rules.yml", fmt.Appendf(nil, bigRule, fact, when), rules.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := engine.NewPlan(set, event.Spec{}, engine.TimeSpec{}, engine.NewUnits())
	if err != nil {
		tb.Fatal(err)
	}
	e := engine.New(p, engine.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	var lines [][]byte
	for i := range events {
		t := 1_700_000_000_000 + int64(i)*3_600_000/int64(n)
		lines = append(lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a","x":%d.%02d,"s":"%d"}`, t, random.IntN(1000), random.IntN(100), random.IntN(n)))
	}
	return e, batches(lines, e.Partition(event.Position{Stream: "events.jsonl"}), 1000)
}

// BenchmarkBig is the cost of an event for facts over a window of 1 hour that holds 100, 10,000 or 100,000 events.
func BenchmarkBig(b *testing.B) {
	for _, fact := range []string{"count", "max(x)", "distinct(s)", "p95(x)", "unseen(s)"} {
		for _, n := range []int{100, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", fact, n), func(b *testing.B) {
				e, warm := bigEngine(b, fact, n, n+n/4+b.N)
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
