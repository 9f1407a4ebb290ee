package detector

import "testing"

func TestZScore(t *testing.T) {
	f := scores(t, ZScore)
	f(9, []float64{2, 4, 4, 4, 5, 5, 7, 9}, 1.8708286933869707) // 4 / sqrt(32 / 7)
	f(5, []float64{2, 4, 4, 4, 5, 5, 7, 9}, 0)
	f(12, []float64{9, 11}, 1.4142135623730951)
	f(1, []float64{1}, none)
	f(1, nil, none)

	// The sample of Seo, A Review and Comparison of Methods for Detecting Outliers in Univariate Data Sets (2006):
	// two wild values hide each other, neither reaches 3. TestRobustZScore finds both.
	seo := []float64{3.2, 3.4, 3.7, 3.7, 3.8, 3.9, 4, 4, 4.1, 4.2, 4.7, 4.8, 14, 15}
	f(14, seo, 2.213054620863873)
	f(15, seo, 2.472324618287255)
}

// TestZScoreAccuracy takes the hardest samples of NIST's Statistical Reference Datasets: the certified mean and standard
// deviation of NumAcc4 are 10000000.2 and 0.1, of NumAcc3 1000000.2 and 0.1, of NumAcc1 10000002 and 1.
func TestZScoreAccuracy(t *testing.T) {
	f := func(x float64, baseline []float64, want, off float64) {
		t.Helper()
		got, ok := ZScore(x, baseline)
		if !ok || got < want-off || got > want+off {
			t.Errorf("score of %v is %v (%v), want %v", x, got, ok, want)
		}
	}
	around := func(middle, low, high float64) []float64 {
		xs := []float64{middle}
		for range 500 {
			xs = append(xs, low, high)
		}
		return xs
	}
	f(10000005, []float64{10000001, 10000003, 10000002}, 3, 0)
	f(1000000.7, around(1000000.2, 1000000.1, 1000000.3), 5, 1e-8)
	f(10000000.7, around(10000000.2, 10000000.1, 10000000.3), 5, 1e-7)
}
