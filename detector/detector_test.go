package detector

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// scores checks one detector call by call; a want of NaN means no score.
func scores(t *testing.T, f Func) func(x float64, baseline []float64, want float64) {
	return func(x float64, baseline []float64, want float64) {
		t.Helper()
		got, ok := f(x, baseline)
		if ok == math.IsNaN(want) || ok && math.Abs(got-want) > 1e-12*max(1, math.Abs(want)) {
			t.Errorf("score of %v against %v is %v (%v), want %v", x, baseline, got, ok, want)
		}
	}
}

var none = math.NaN()

func repeat(x float64, n int) []float64 { return slices.Repeat([]float64{x}, n) }

func TestNames(t *testing.T) {
	if !slices.IsSorted(Names()) {
		t.Error("names are not sorted")
	}
	for _, name := range Names() {
		if ByName(name) == nil {
			t.Errorf("no detector %s", name)
		}
	}
	if ByName("median") != nil || ByName("") != nil {
		t.Error("a detector that is none")
	}
}

// TestLaws holds for every detector.
func TestLaws(t *testing.T) {
	values := rapid.Float64Range(-1e9, 1e9)
	for _, name := range Names() {
		f := ByName(name)
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			x := values.Draw(t, "x")
			baseline := rapid.SliceOfN(rapid.OneOf(values, rapid.Just(7.0)), 0, 200).Draw(t, "baseline")
			before := slices.Clone(baseline)
			score, ok := f(x, baseline)
			if !slices.Equal(before, baseline) {
				t.Fatal("the baseline was changed")
			}
			if !ok && score != 0 || math.IsNaN(score) || math.IsInf(score, 0) {
				t.Fatalf("score %v, %v", score, ok)
			}
			if len(baseline) == 0 && ok {
				t.Fatal("a score against nothing")
			}
			// Twice everything is as unusual; powers of two change no rounding.
			doubled := make([]float64, len(baseline))
			for i, b := range baseline {
				doubled[i] = 2 * b
			}
			if again, okAgain := f(2*x, doubled); again != score || okAgain != ok {
				t.Fatalf("score %v, of twice everything %v", score, again)
			}
		}))
	}
}

// TestNoSpread: equal values, whose mean must not miss them by a rounding, leave a score to an equal value only.
func TestNoSpread(t *testing.T) {
	for _, name := range []string{"zscore", "robust_zscore", "ewma"} {
		f := scores(t, ByName(name))
		for n := 2; n < 200; n++ {
			f(0.1, repeat(0.1, n), 0)
			f(0.3, repeat(0.1, n), none)
		}
	}
}

func TestNotFinite(t *testing.T) {
	for _, name := range Names() {
		f := scores(t, ByName(name))
		f(1e300, []float64{0, 0, 0, 1e-300}, none)
		f(math.NaN(), []float64{1, 2, 3}, none)
		f(math.Inf(1), []float64{1, 2, 3}, none)
	}
}

func BenchmarkDetector(b *testing.B) {
	baseline := make([]float64, 60)
	for i := range baseline {
		baseline[i] = float64(i * 7919 % 101)
	}
	for _, name := range Names() {
		f := ByName(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				f(70, baseline)
			}
		})
	}
}
