package detector

import "testing"

func TestRatioToMedian(t *testing.T) {
	f := scores(t, RatioToMedian)
	f(7, []float64{1, 0, 2, 1}, 7)
	f(9, []float64{4, 2, 5, 4, 9, 5, 7, 4}, 2) // the median is 4.5
	f(10, []float64{1e9, 5, 4, -1e9, 6}, 2)
	f(5, []float64{0, 0, 3}, none)
	f(0, []float64{0, 0, 3}, none)
	f(5, nil, none)
	f(8, append(repeat(2, 1000), repeat(4, 1001)...), 2)
}
