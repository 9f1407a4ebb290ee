package window

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// TestTally holds a tally that values came to and went from to the aggregates over what is left.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tally Tally
		var left []int64
		value := rapid.OneOf(rapid.Int64Range(-3, 5), rapid.Int64Range(-TallyMax, TallyMax), rapid.Just(int64(0)))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(left) > 0 && rapid.IntRange(0, 2).Draw(t, "take") == 0 {
				i := rapid.IntRange(0, len(left)-1).Draw(t, "which")
				tally.Add(left[i], -1)
				left = slices.Delete(left, i, i+1)
				continue
			}
			v, times := value.Draw(t, "value"), rapid.Int64Range(0, 4).Draw(t, "times")
			tally.Add(v, times)
			left = append(left, slices.Repeat([]int64{v}, int(times))...)
		}
		if tally.N() != int64(len(left)) {
			t.Fatalf("%d values, want %d", tally.N(), len(left))
		}
		if len(left) == 0 {
			return
		}
		vals := make([]event.Value, len(left))
		for i, v := range left {
			vals[i] = event.IntValue(v)
		}
		is := func(name string, got float64, near float64) {
			want, ok := foldOf(name, vals)
			if !ok || math.Abs(got-want) > near*max(1, math.Abs(want)) {
				t.Fatalf("%s of %v is %v, want %v", name, left, got, want)
			}
		}
		is("sum", float64(tally.Sum()), 0)
		is("avg", tally.Mean(), 0)
		is("min", float64(tally.Min()), 0)
		is("max", float64(tally.Max()), 0)
		for q, name := range map[float64]string{0.5: "median", 0.95: "p95", 0.1: "p10"} {
			want, _ := ByName(name, q).Fold(vals)
			if x, _ := want.Float64(); x != tally.Quantile(q) {
				t.Fatalf("%s of %v is %v, want %v", name, left, tally.Quantile(q), x)
			}
		}
		if s, ok := tally.Stddev(); ok {
			is("stddev", s, 1e-15)
		} else if len(left) > 1 {
			t.Fatal("no deviation")
		}
		median, mad, mean := tally.Deviations()
		var off []event.Value
		sum := 0.0
		for _, v := range left {
			off = append(off, event.FloatValue(math.Abs(float64(v)-median)))
			sum += math.Abs(float64(v) - median)
		}
		if want, _ := ByName("median", 0.5).Fold(off); !event.Equal(want, event.FloatValue(mad)) {
			t.Fatalf("mad of %v is %v, want %v", left, mad, want)
		}
		if want := sum / float64(len(left)); math.Abs(mean-want) > 1e-12*max(1, want) {
			t.Fatalf("mean distance of %v is %v, want %v", left, mean, want)
		}
	})
}

// foldOf folds values by the aggregate of a name.
func foldOf(name string, vals []event.Value) (float64, bool) {
	v, _ := ByName(name, 0).Fold(vals)
	return v.Float64()
}
