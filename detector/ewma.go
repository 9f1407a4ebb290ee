package detector

import "math"

// EWMA is the deviation of x from the exponentially weighted moving average of the baseline, in units of the
// exponentially weighted standard deviation: unlike ZScore it follows a baseline that drifts. With λ = 0.3, and b₁ the
// oldest value,
//
//	m₁ = b₁    m = m' + λ·(b - m')
//	v₁ = 0     v = (1 - λ)·(v' + λ·(b - m')²)
//	score = (x - m) / sqrt(v / (1 - Σw²))
//
// where w are the weights that the values have in m (λ·(1-λ)^k, k steps back; (1-λ)^(n-1) for the first), so that the
// divisor makes v unbiased, as n - 1 does in ZScore. In pandas: ewm(alpha=0.3, adjust=False), mean and std.
//
// The average is Roberts' (Technometrics 1, 1959). Hunter (Journal of Quality Technology 18, 1986) takes λ between 0.2 and
// 0.3 and reads m as the forecast of the next value, x - m as its error, which is what is judged here. The variance with
// the same weights is MacGregor and Harris' (Journal of Quality Technology 25, 1993).
// There is none for fewer than two values.
func EWMA(x float64, baseline []float64) (score float64, ok bool) {
	if len(baseline) < 2 {
		return 0, false
	}
	m, v, weights := baseline[0], 0.0, 1.0
	for _, b := range baseline[1:] {
		d := b - m
		m += float64(ewmaLambda * d)
		v = float64((1 - ewmaLambda) * (v + float64(ewmaLambda*float64(d*d))))
		weights = float64(ewmaLambda*ewmaLambda) + float64((1-ewmaLambda)*(1-ewmaLambda)*weights)
	}
	return inUnits(x-m, math.Sqrt(v/(1-weights)))
}

// ewmaLambda is the weight of the newest value.
const ewmaLambda = 0.3
