package window

import (
	"math"
	"slices"
	"strconv"

	"kelpie/event"
)

// quantileAggregate interpolates linearly between ranks: type 7 of Hyndman and Fan (The American Statistician 50, 1996),
// as pandas, NumPy and percentile_cont do. It is defined on float64s, so it is exact for any number and in any order.
type quantileAggregate struct {
	foldOnly
	name string
	q    float64
}

// Quantile returns the aggregate for the quantile q, from 0 to 1; nil for any other q. Its name is p50 for 0.5.
func Quantile(q float64) Aggregate {
	if !(q >= 0 && q <= 1) {
		return nil
	}
	return quantileAggregate{name: "p" + strconv.FormatFloat(math.Round(q*1e6)/1e4, 'g', -1, 64), q: q}
}

func (a quantileAggregate) Name() string { return a.name }

func (a quantileAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var few [64]float64 // keeps small windows off the heap
	xs := few[:0]
	if len(vals) > len(few) {
		xs = make([]float64, 0, len(vals))
	}
	for _, v := range vals {
		if x, ok := v.Float64(); ok {
			xs = append(xs, x)
		}
	}
	if len(xs) == 0 {
		return event.Value{}, true
	}
	slices.Sort(xs)
	below, above, share := rankOf(a.q, len(xs))
	return event.FloatValue(interpolate(xs[below], xs[above], share)), true
}

// rankOf returns between which ranks (from 0) of n sorted values the quantile lies, and how far on the way.
func rankOf(q float64, n int) (below, above int, share float64) {
	h := float64(q * float64(n-1))
	below = min(int(h), n-1)
	return below, min(below+1, n-1), h - float64(below)
}

// interpolate returns the point from a to b at share, 0 to 1. It reckons from the nearer end, so that it is monotonic
// and meets both ends exactly.
func interpolate(a, b, share float64) float64 {
	d := b - a
	switch {
	case math.IsInf(d, 0):
		return float64(a*(1-share)) + float64(b*share)
	case share < 0.5:
		return a + float64(d*share)
	}
	return b - float64(d*(1-share))
}
