package detector

import "testing"

func TestRobustZScore(t *testing.T) {
	f := scores(t, RobustZScore)
	// Seo's sample (see TestZScore): median 4, MAD 0.3.
	seo := []float64{3.2, 3.4, 3.7, 3.7, 3.8, 3.9, 4, 4, 4.1, 4.2, 4.7, 4.8, 14, 15}
	f(14, seo, 0.6745*10/0.3)
	f(15, seo, 0.6745*11/0.3)
	f(4, seo, 0)
	f(3.4, seo, -0.6745*0.6/0.3)
	// Median 2.45, MAD 0.15; by ZScore 8.2 and 8.3 would score 1.87 and 1.91.
	masked := []float64{2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3}
	f(8.2, masked, 0.6745*5.75/0.15)
	f(8.3, masked, 0.6745*5.85/0.15)

	f(5, nil, none)
	f(5, []float64{5}, 0)
	f(6, []float64{5}, none)
}

// TestRobustZScoreWithoutMAD: more than half of the baseline is one value.
func TestRobustZScoreWithoutMAD(t *testing.T) {
	f := scores(t, RobustZScore)
	f(100, []float64{10, 10, 10, 10, 10, 10, 10, 100}, 90/(1.253314*90/8))
	f(1, []float64{0, 0, 0, 1}, 4/1.253314)
	f(-1, []float64{0, 0, 0, 1}, -4/1.253314)
	f(0, []float64{0, 0, 0, 1}, 0)
}
