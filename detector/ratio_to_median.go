package detector

import "slices"

// RatioToMedian is how many times the median of the baseline x is:
//
//	x / median(baseline)
//
// Up to half of the baseline may be wild without moving the median far (Hampel, Journal of the American Statistical
// Association 69, 1974). There is none for an empty baseline or one whose median is 0.
func RatioToMedian(x float64, baseline []float64) (score float64, ok bool) {
	if len(baseline) == 0 {
		return 0, false
	}
	var few [stackSize]float64
	return finite(x / medianOf(append(few[:0], baseline...)))
}

// stackSize is up to how many values a sorted copy of a baseline stays off the heap.
const stackSize = 128

// medianOf sorts a non-empty list and returns its median, halfway between the middle two if their number is even. It has
// the same bits as the aggregate median.
func medianOf(xs []float64) float64 {
	slices.Sort(xs)
	half := len(xs) / 2
	if len(xs)%2 == 1 {
		return xs[half]
	}
	return xs[half] - (xs[half]-xs[half-1])/2
}
