package figure

import (
	"cmp"
	"math"
	"slices"

	"kelpie/backtest"
)

// dot is a point of a curve.
type dot struct {
	x, y  float64
	point *backtest.VariantResult
}

// knee finds where the curve of a sweep bends: the point that is furthest from the straight line between the ends of the
// curve, both axes taken from 0 to 1 (V. Satopää, J. Albrecht, D. Irwin, B. Raghavan, Finding a "Kneedle" in a Haystack:
// Detecting Knee Points in System Behavior, 2011).
//
// With labels the curve is recall over alerts a day, of the points that no other beats in both, and the knee is where more
// alerts begin to bring less. Without, it is alerts a day over the values of one param, in the order in which they were
// given, and the knee lies on either side of the line. It takes three points.
func knee(res *backtest.Result) (curve string, k *backtest.Chosen) {
	var dots []dot
	curve = "recall over alerts/day"
	side := 1.0
	if res.Labels == nil {
		curve, side = "alerts/day over the values", 0
	}
	for i := range res.Variants {
		p := &res.Variants[i]
		if p.Role != backtest.Point {
			continue
		}
		_, f := p.Swept()
		switch {
		case res.Labels == nil && len(p.Params) > 1:
			return "", nil // a surface
		case res.Labels == nil:
			dots = append(dots, dot{float64(len(dots)), f.PerDay, p})
		case f.Recall() != nil:
			dots = append(dots, dot{f.PerDay, *f.Recall(), p})
		}
	}
	if res.Labels != nil {
		dots = frontier(dots)
	}
	best := furthest(dots, side)
	if best < 0 {
		return "", nil
	}
	d := dots[best]
	_, f := d.point.Swept()
	said := "alerts/day is " + text(f.PerDay)
	if res.Labels != nil {
		said = "recall is " + text(d.y) + ", " + said
	}
	return curve, chosen(d.point, said)
}

// frontier are the dots that no other beats, in order of x: those further right are higher.
func frontier(dots []dot) (out []dot) {
	slices.SortStableFunc(dots, func(a, b dot) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(b.y, a.y)) })
	for _, d := range dots {
		if len(out) == 0 || d.y > out[len(out)-1].y {
			out = append(out, d)
		}
	}
	return out
}

// furthest returns the dot that is furthest from the line between the first and the last: above it for side 1, on either
// side for 0. -1: there is none.
func furthest(dots []dot, side float64) int {
	best, far := -1, 1e-9
	if len(dots) < 3 {
		return best
	}
	first, last := dots[0], dots[len(dots)-1]
	low, high := first.y, first.y
	for _, d := range dots {
		low, high = min(low, d.y), max(high, d.y)
	}
	if high == low || last.x == first.x {
		return best
	}
	for i, d := range dots {
		line := first.y + (d.x-first.x)/(last.x-first.x)*(last.y-first.y)
		off := (d.y - line) / (high - low) // along y: as the line is the same for all, in proportion to the distance
		if side == 0 {
			off = math.Abs(off)
		}
		if off > far {
			best, far = i, off
		}
	}
	return best
}
