package detector

import "math"

// ZScore is the deviation of x from the mean of the baseline, in units of the baseline's standard deviation (of the
// sample, as stddev in rules):
//
//	(x - mean) / sqrt(Σ(b - mean)² / (n - 1))
//
// For a normal baseline 3 is passed by chance once in 740 values, on either side taken alone. The rule of three sigmas is
// Shewhart's (Economic Control of Quality of Manufactured Product, 1931). There is none for fewer than two values. Wild
// values in the baseline widen the spread and hide others; RobustZScore resists that.
func ZScore(x float64, baseline []float64) (score float64, ok bool) {
	if len(baseline) < 2 {
		return 0, false
	}
	m := mean(baseline)
	squares := 0.0
	for _, b := range baseline {
		squares += float64((b - m) * (b - m))
	}
	return ZScoreOf(x, m, math.Sqrt(squares/float64(len(baseline)-1)))
}

// ZScoreOf is ZScore against a baseline of which mean and standard deviation are known.
func ZScoreOf(x, mean, stddev float64) (score float64, ok bool) { return inUnits(x-mean, stddev) }
