package detector

import "testing"

func TestRatioToMean(t *testing.T) {
	f := scores(t, RatioToMean)
	f(7, []float64{1, 0, 2, 1}, 7)
	f(6, []float64{1, 0, 2, 1, 7}, 6/2.2)
	f(0, []float64{4}, 0)
	f(-3, []float64{2, 4}, -1)
	f(5, []float64{0, 0, 0}, none)
	f(0, []float64{0, 0, 0}, none)
	f(5, nil, none)
}

// TestMean: what a plain sum loses, the compensated one keeps.
func TestMean(t *testing.T) {
	f := func(xs []float64, want float64) {
		t.Helper()
		if got := mean(xs); got != want {
			t.Errorf("mean of %v is %v, want %v", xs, got, want)
		}
	}
	f([]float64{1, 1e100, 1, -1e100}, 0.5)
	f(repeat(0.1, 10), 0.1)
	f(repeat(0.1, 49), 0.1)
	f([]float64{1, 2, 3, 4}, 2.5)
}
