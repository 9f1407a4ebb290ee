package detector

import "math"

// RobustZScore is the modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, ASQC Quality Press,
// 1993): the deviation of x from the median of the baseline, in units of the median absolute deviation from it (MAD).
//
//	0.6745 · (x - median) / MAD
//
// 0.6745 is the upper quartile of the standard normal distribution: it makes the score that of ZScore where the baseline
// is normal. They call a value beyond 3.5 a potential outlier.
//
// MAD is 0 when more than half of the baseline is the same value, as in counts it often is. Then the mean absolute
// deviation from the median (MeanAD) takes its place, as is common practice:
//
//	(x - median) / (1.253314 · MeanAD)
//
// 1.253314 is sqrt(π/2), which does for MeanAD what 0.6745 does for MAD. There is none for an empty baseline.
func RobustZScore(x float64, baseline []float64) (score float64, ok bool) {
	if len(baseline) == 0 {
		return 0, false
	}
	var few [stackSize]float64
	xs := append(few[:0], baseline...)
	median := medianOf(xs)
	for i, b := range xs {
		xs[i] = math.Abs(b - median)
	}
	return RobustZScoreOf(x, median, medianOf(xs), mean(xs))
}

// RobustZScoreOf is RobustZScore against a baseline of which the median is known, and the median and the mean of the
// absolute deviations from it.
func RobustZScoreOf(x, median, mad, meanAD float64) (score float64, ok bool) {
	if mad != 0 {
		return finite(madFactor * (x - median) / mad)
	}
	return inUnits(x-median, meanADFactor*meanAD)
}

const (
	madFactor    = 0.6745
	meanADFactor = 1.253314
)
