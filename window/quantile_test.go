package window

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

func floatBits(f float64) int64 { return int64(math.Float64bits(f)) }

// TestQuantileReference: values that NumPy's percentile and R's quantile (type 7) give.
func TestQuantileReference(t *testing.T) {
	f := func(q float64, want float64, xs ...float64) {
		t.Helper()
		vals := make([]event.Value, len(xs))
		for i, x := range xs {
			vals[i] = event.FloatValue(x)
		}
		v, exact := Quantile(q).Fold(vals)
		if got, _ := v.Float64(); got != want || !exact {
			t.Errorf("quantile %v of %v is %v (%v), want %v", q, xs, got, exact, want)
		}
	}
	f(0.5, 3.5, 10, 7, 4, 3, 2, 1) // NumPy's manual
	f(0.25, 3.25, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	f(0.75, 7.75, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	f(0.1, 1.3, 1, 2, 3, 4) // pandas' manual: quantile(.1) is 1.3
	f(0.5, 2.5, 1, 2, 3, 4)
	f(0.1, 3.7, 1, 10, 100, 100) // and of its second column
	f(0.5, 55, 1, 10, 100, 100)
	f(0.95, 8.299999999999999, 4, 2, 5, 4, 9, 5, 7, 4)
	f(0, 1, 3, 2, 1)
	f(1, 3, 3, 2, 1)
	f(0.99, 7, 7)
	f(0.5, 0, math.MaxFloat64, -math.MaxFloat64)
}

// TestQuantileLaws: monotonic in q, between the extremes, the same in any order.
func TestQuantileLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(numbersWithTwins(), 1, 100).Draw(t, "values")
		low, high := rapid.Float64Range(0, 1).Draw(t, "low"), rapid.Float64Range(0, 1).Draw(t, "high")
		if low > high {
			low, high = high, low
		}
		at := func(q float64, vals []event.Value) float64 {
			v, _ := Quantile(q).Fold(vals)
			f, ok := v.Float64()
			if !ok {
				t.Fatalf("no quantile %v", q)
			}
			return f
		}
		xs := make([]float64, len(vals))
		for i, v := range vals {
			xs[i], _ = v.Float64()
		}
		a, b := at(low, vals), at(high, vals)
		if a > b || a < slices.Min(xs) || b > slices.Max(xs) {
			t.Fatalf("quantile %v is %v, %v is %v", low, a, high, b)
		}
		if again := at(low, shuffled(t, vals)); again != a {
			t.Fatalf("quantile %v is %v, in another order %v", low, a, again)
		}
	})
}

// TestQuantileMixed: what is no number is not there.
func TestQuantileMixed(t *testing.T) {
	v, _ := Quantile(0.5).Fold([]event.Value{event.StringValue("1"), event.IntValue(4), {}, event.BoolValue(true), dec(55, 1)})
	if v != event.FloatValue(4.75) {
		t.Errorf("median is %v", v)
	}
}

func BenchmarkQuantileFold(b *testing.B) {
	a := Quantile(0.95)
	vals := make([]event.Value, 60)
	for i := range vals {
		vals[i] = event.IntValue(int64(i * 7919 % 101))
	}
	b.ReportAllocs()
	for range b.N {
		a.Fold(vals)
	}
}
