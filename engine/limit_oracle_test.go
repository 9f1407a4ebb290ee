package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/window"
)

// sketched computes what the sketch of a window's values says.
func sketched(agg string, q float64, vals []event.Value) (event.Value, float64) {
	if agg == "distinct" {
		var s window.DistinctSketch
		for _, v := range vals {
			key, _ := event.AppendKey(nil, v)
			s.Add(window.HashText(key))
		}
		return event.IntValue(s.Estimate()), window.DistinctError
	}
	var s window.QuantileSketch
	for _, v := range slices.Backward(vals) {
		x, _ := v.Float64()
		s.Add(x)
	}
	return s.Quantile(q), window.QuantileError
}

// TestLimitOracle holds facts of all kinds beyond a limit of a few values against the brute force: exact up to the limit,
// beyond it what the sketch of the window's values says, and named so.
func TestLimitOracle(t *testing.T) {
	folded, cases := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		if cases++; cases > 10*thorough {
			return
		}
		s := oracle.Random(t)
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			s = oracle.RandomLong(t)
		}
		s.Options.Limit, s.Options.Sketch = rapid.IntRange(1, 4).Draw(t, "limit"), sketched
		want, err := s.Run()
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		var last *engine.Engine
		w := way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 2, 5, 1000}).Draw(t, "batch")}
		rows, lives := foldAs(t, s, w, func(e *engine.Engine) {
			e.SetLimit(s.Options.Limit, 0)
			e.SetGrain()
			last = e
		})
		folded += last.Folded()
		differ(t, "rows", oracle.WriteRows(want.Rows), rows, s)
		differ(t, "alerts", oracle.WriteAlerts(want.Alerts), lives, s)
	})
	if folded == 0 {
		t.Fatal("nothing was folded")
	}
}

// TestLimitDurable holds a run beyond the limit that is committed, leaves memory, begins anew and reads again what was
// lost to one that goes through, byte for byte, with panes as they are.
func TestLimitDurable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		limit, bits := rapid.IntRange(1, 4).Draw(t, "limit"), rapid.IntRange(0, 2).Draw(t, "bits")
		few := func(e *engine.Engine) { e.SetLimit(limit, bits) }
		rows, lives := foldAs(t, s, way{1, 1}, few)
		d := newDurable(t, s, way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 3, 10}).Draw(t, "batch")})
		d.tune = few
		losses := 5
		got := d.run(func() int {
			what := rapid.SampledFrom([]int{nothing, commit, evict, restart, lose}).Draw(t, "happens")
			if what == lose {
				if losses--; losses < 0 {
					return nothing
				}
			}
			return what
		})
		same(t, s, "durable", result{rows, lives}, got)
	})
}

// TestLimitRoom holds the room of a key to what its limit asks for, whatever the windows: a stream of many times the
// rate does not take twice as much.
func TestLimitRoom(t *testing.T) {
	const rise = 4
	for _, rule := range []string{
		"event: A\n    by: k\n    let: {v: VALUE over 1h}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE over 1h each 5m}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE over 1h each 20s}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE each 1h}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE each 1h}\n    when: v == 7.5\n    on: event",
		"event: A\n    by: k\n    let: {v: VALUE over session 1m}\n    when: v == 7.5\n    on: close",
		"event: A\n    by: k\n    let: {v: \"zscore(VALUE each 5m) over 1h\"}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE over 1h by g}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE of A over 1h}\n    when: v == 7.5",
		"event: A\n    by: k\n    let: {v: VALUE over 1h, m: VALUE each 10m}\n    when: v == 7.5\n    on: [event, close]",
	} {
		for _, value := range []string{"p90(x)", "distinct(s)", "distinct(never)"}[:min(3, thorough)] {
			s := oracle.Scenario{RulesYAML: "rules:\n  r:\n    " + strings.ReplaceAll(rule, "VALUE", value) + "\n", Options: oracle.Options{Lateness: 60_000}}
			room := func(rate int) int64 {
				var last *engine.Engine
				random := rand.New(rand.NewPCG(1, 2))
				for i := range 2 * rate {
					at := 1_700_000_000_000 + int64(i)*3_600_000/int64(rate)
					s.Lines = append(s.Lines[:i], fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a","g":"a","x":%d,"s":"%d"}`, at, 1+random.IntN(8), random.IntN(8)))
				}
				foldAs(t, s, way{1, 100}, func(e *engine.Engine) { e.SetLimit(20, 5); last = e })
				return last.RowBytes()
			}
			if few, many := room(300), room(300*rise); many > 2*few {
				t.Errorf("%s of\n%s\n%d bytes at 300 events an hour, %d at %d", value, s.RulesYAML, few, many, 300*rise)
			}
		}
	}
}
