// Package detector judges a value against a series of earlier ones: how unusual is it?
//
// A rule writes it as a fact, robust_zscore(count each 1m) over 1h: the value is that of the bucket being judged, the
// baseline the values of the buckets before it, in order of time. The value is never in its own baseline.
//
// Each detector is a pure function in a file of its own, with its formula and source. They agree on this:
//   - A score is signed: above 0 the value is greater than the baseline would have it, for the ratios above 1.
//   - There is no score (ok is false) for an empty or too short baseline, and where no finite one exists. A rule then
//     abstains, as for anything missing. Against a baseline without any spread only an equal value has a score: 0.
//   - The same input gives the same bits on every processor: no product is fused with a sum.
package detector

import "math"

// Func returns the score of x against the baseline, which it does not change. ok is false if there is none.
type Func func(x float64, baseline []float64) (score float64, ok bool)

// ByName returns the detector with this name in the rule language, nil if there is none.
func ByName(name string) Func {
	switch name {
	case "ratio_to_mean":
		return RatioToMean
	case "ratio_to_median":
		return RatioToMedian
	case "zscore":
		return ZScore
	case "robust_zscore":
		return RobustZScore
	case "ewma":
		return EWMA
	}
	return nil
}

// Names returns the names that ByName knows, sorted.
func Names() []string {
	return []string{"ewma", "ratio_to_mean", "ratio_to_median", "robust_zscore", "zscore"}
}

// finite returns score, which is one only if it is finite.
func finite(score float64) (float64, bool) {
	if math.IsNaN(score) || math.IsInf(score, 0) {
		return 0, false
	}
	return score, true
}

// inUnits returns the deviation in units of the spread. Without spread only no deviation has a score.
func inUnits(deviation, spread float64) (score float64, ok bool) {
	if spread == 0 && deviation == 0 {
		return 0, true
	}
	return finite(deviation / spread)
}
