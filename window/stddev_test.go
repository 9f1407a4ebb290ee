package window

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// twoPass is the standard deviation by its definition, with math/big.
func twoPass(vals []event.Value) float64 {
	n := big.NewRat(int64(len(vals)), 1)
	mean := new(big.Rat).Quo(ratSum(vals), n)
	squares := new(big.Rat)
	for _, v := range vals {
		d := new(big.Rat).Sub(rat(v), mean)
		squares.Add(squares, d.Mul(d, d))
	}
	variance := squares.Quo(squares, big.NewRat(int64(len(vals)-1), 1))
	root := new(big.Float).SetPrec(300).SetRat(variance)
	f, _ := root.Sqrt(root).Float64()
	return f
}

// isNear reports whether got is want or one of the float64s around it.
func isNear(got, want float64) bool {
	return got >= math.Nextafter(want, math.Inf(-1)) && got <= math.Nextafter(want, math.Inf(1))
}

func TestStddevAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(exactNumbers(), 2, 20).Draw(t, "values")
		v, exact := stddevAggregate{}.Fold(vals)
		got, _ := v.Float64()
		if want := twoPass(vals); !exact || !isNear(got, want) {
			t.Fatalf("got %v (%v), want %v", got, exact, want)
		}
	})
}

// TestStddevOffset: spreads of cents around a large value, where sums of squares in float64 lose everything.
func TestStddevOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Int64Range(-9e15, 9e15).Draw(t, "offset")
		vals := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 9), func(d int64) event.Value { return number(offset*100+d, 2) }), 2, 30).Draw(t, "values")
		v, _ := stddevAggregate{}.Fold(vals)
		if got, _ := v.Float64(); !isNear(got, twoPass(vals)) {
			t.Fatalf("got %v, want %v", got, twoPass(vals))
		}
	})
}

// TestStddevWithFloats: mixtures come within a few roundings of the definition, merged and unmerged.
func TestStddevWithFloats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.OneOf(floats(), rapid.Map(rapid.Int64Range(-1e8, 1e8), func(n int64) event.Value { return number(n, 2) }))
		vals := rapid.SliceOfN(some, 2, 20).Draw(t, "values")
		vals = append(vals, floats().Draw(t, "float"))
		a := stddevAggregate{}
		want := twoPass(vals)
		off := 1e-9 * (1 + want)

		v, exact := a.Fold(vals)
		if got, _ := v.Float64(); exact || math.Abs(got-want) > off {
			t.Fatalf("got %v (%v), want %v", got, exact, want)
		}
		cut := rapid.IntRange(0, len(vals)).Draw(t, "cut")
		acc := accumulate(a, vals[:cut])
		a.Merge(acc, accumulate(a, vals[cut:]))
		v, _ = a.Value(acc)
		if got, _ := v.Float64(); math.Abs(got-want) > off {
			t.Fatalf("merged %v, want %v", got, want)
		}
		gone := floats().Draw(t, "gone")
		a.Add(acc, gone)
		a.Sub(acc, gone)
		v, _ = a.Value(acc)
		x, _ := gone.Float64()
		if got, _ := v.Float64(); math.Abs(got*got-want*want) > 1e-12*x*x+1e3*off*(1+want) { // its square leaves rounding
			t.Fatalf("after adding and taking away %v, want %v", got, want)
		}
	})
}

func TestStddevExamples(t *testing.T) {
	f := func(want event.Value, vals ...event.Value) {
		t.Helper()
		if got, _ := (stddevAggregate{}).Fold(vals); got != want {
			t.Errorf("stddev of %v is %+v, want %+v", vals, got, want)
		}
	}
	tenth := dec(1, 1)
	f(event.IntValue(0), tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth)
	f(event.FloatValue(2.138089935299395), ints(2, 4, 4, 4, 5, 5, 7, 9)...) // sqrt(32 / 7)
	f(event.FloatValue(math.Sqrt2), ints(9, 11)...)
	f(event.Value{}, ints(3)...)
	f(event.Value{})
	one := event.FloatValue(1.5)
	f(event.Value{}, one)
	f(event.IntValue(0), one, one, one)
}

// TestStddevNIST takes samples of NIST's Statistical Reference Datasets. The certified values of NumAcc1 to NumAcc4 are
// met to the last digit, which no computation in float64 does.
func TestStddevNIST(t *testing.T) {
	f := func(name string, want float64, vals ...event.Value) {
		t.Helper()
		v, exact := stddevAggregate{}.Fold(vals)
		if got, _ := v.Float64(); got != want || !exact {
			t.Errorf("stddev of %s is %v, certified %v", name, got, want)
		}
	}
	around := func(middle, low, high event.Value) []event.Value {
		vals := []event.Value{middle}
		for range 500 {
			vals = append(vals, low, high)
		}
		return vals
	}
	f("NumAcc1", 1, ints(10000001, 10000003, 10000002)...)
	f("NumAcc2", 0.1, around(dec(12, 1), dec(11, 1), dec(13, 1))...)
	f("NumAcc3", 0.1, around(dec(10000002, 1), dec(10000001, 1), dec(10000003, 1))...)
	f("NumAcc4", 0.1, around(dec(100000002, 1), dec(100000001, 1), dec(100000003, 1))...)
}

func ints(ns ...int64) []event.Value {
	vals := make([]event.Value, len(ns))
	for i, n := range ns {
		vals[i] = event.IntValue(n)
	}
	return vals
}
