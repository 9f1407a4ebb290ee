package detector

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// nist is the example of the NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4, behind its starting value 50.
var nist = []float64{50, 52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1}

// TestEWMA compares with the explicit weights, computed with fractions.
func TestEWMA(t *testing.T) {
	f := scores(t, EWMA)
	f(55, nist, 1.847932948821357)
	f(12, []float64{3, 5, 4, 6, 4}, 6.473115798526175)
	f(3, []float64{1, 2}, 2.4041630560342613)
	ramp := make([]float64, 60)
	for i := range ramp {
		ramp[i] = float64(i + 1)
	}
	f(70, ramp, 4.013213521083518)
	f(1, []float64{1}, none)
	f(1, nil, none)
}

// TestEWMAHandbook: the average is where the handbook has it after each value, so that this value has no score but 0.
func TestEWMAHandbook(t *testing.T) {
	averages := []float64{50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99}
	for i, average := range averages {
		baseline := nist[:i+2]
		low, _ := EWMA(average-0.005, baseline)
		high, _ := EWMA(average+0.005, baseline)
		if low > 0 || high < 0 {
			t.Errorf("after %d values the average is not %v", i+1, average)
		}
	}
}

// TestEWMAWeights is a second way to the same numbers: sums over explicit weights.
func TestEWMAWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.Float64Range(-1000, 1000)
		baseline := rapid.SliceOfN(values, 2, 40).Draw(t, "baseline")
		x := values.Draw(t, "x")
		var m, v, squares float64
		weight := func(i int) float64 {
			back := math.Pow(0.7, float64(len(baseline)-1-i))
			if i == 0 {
				return back
			}
			return 0.3 * back
		}
		for i, b := range baseline {
			m += weight(i) * b
			squares += weight(i) * weight(i)
		}
		for i, b := range baseline {
			v += weight(i) * (b - m) * (b - m)
		}
		spread := math.Sqrt(v / (1 - squares))
		if spread < 1e-6 {
			return
		}
		got, ok := EWMA(x, baseline)
		if want := (x - m) / spread; !ok || math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
			t.Fatalf("score %v, want %v", got, want)
		}
	})
}
