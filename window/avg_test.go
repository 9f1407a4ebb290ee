package window

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// TestAvgAgainstBig: the nearest float64 of the exact quotient.
func TestAvgAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(exactNumbers(), 1, 30).Draw(t, "values")
		got, exact := avgAggregate{}.Fold(vals)
		want := ratSum(vals)
		want.Quo(want, big.NewRat(int64(len(vals)), 1))
		if got != nearest(want) || !exact {
			t.Fatalf("avg %+v (%v), want %+v", got, exact, nearest(want))
		}
	})
}

func TestAvgExamples(t *testing.T) {
	f := func(want event.Value, exact bool, vals ...event.Value) {
		t.Helper()
		if got, e := (avgAggregate{}).Fold(vals); got != want || e != exact {
			t.Errorf("avg of %v is %+v (%v), want %+v", vals, got, e, want)
		}
	}
	tenth := dec(1, 1)
	f(event.FloatValue(0.1), true, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth)
	f(event.FloatValue(0.1), true, tenth, tenth, tenth) // in float64 it is 0.10000000000000002
	f(event.IntValue(5), true, ints(2, 4, 4, 4, 5, 5, 7, 9)...)
	f(event.FloatValue(-10.0/3), true, ints(-3, -3, -4)...)
	f(event.FloatValue((2+1.0/3)/2), false, event.IntValue(2), event.FloatValue(1.0/3))
}
