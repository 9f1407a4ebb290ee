package detector

import "math"

// RatioToMean is how many times the mean of the baseline x is:
//
//	x / mean(baseline)
//
// There is none for an empty baseline or one whose mean is 0; rules that want an answer then put a floor under the mean
// themselves: current > 10 * max(normal, 3). It is the plainest measure there is and needs no source; one wild value in
// the baseline moves it at will, which RatioToMedian resists.
func RatioToMean(x float64, baseline []float64) (score float64, ok bool) {
	if len(baseline) == 0 {
		return 0, false
	}
	return RatioTo(x, mean(baseline))
}

// RatioTo is RatioToMean or RatioToMedian of a baseline of which the mean or the median is known.
func RatioTo(x, middle float64) (score float64, ok bool) { return finite(x / middle) }

// mean returns the arithmetic mean of a non-empty list, summed with Neumaier's compensation (Zeitschrift für Angewandte
// Mathematik und Mechanik 54, 1974), so that its order hardly matters. It lies between the least and the greatest value,
// whatever the rounding: the mean of equal values is exactly theirs.
func mean(xs []float64) float64 {
	sum, lost := 0.0, 0.0
	least, greatest := xs[0], xs[0]
	for _, x := range xs {
		t := sum + x
		if math.Abs(sum) >= math.Abs(x) {
			lost += (sum - t) + x
		} else {
			lost += (x - t) + sum
		}
		sum = t
		least, greatest = min(least, x), max(greatest, x)
	}
	return min(max((sum+lost)/float64(len(xs)), least), greatest)
}
