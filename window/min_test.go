package window

import (
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// numbersWithTwins draws numbers of all kinds, among them Decimals with the Float that stands nearest to them.
func numbersWithTwins() *rapid.Generator[event.Value] {
	return rapid.OneOf(exactNumbers(), floats(), rapid.Map(exactNumbers(), func(v event.Value) event.Value {
		f, _ := v.Float64()
		return event.FloatValue(f)
	}))
}

// TestCompareNumbers: exact ones by their exact value, anything with a Float by float64.
func TestCompareNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbersWithTwins().Draw(t, "a"), numbersWithTwins().Draw(t, "b")
		want := rat(a).Cmp(rat(b))
		if a.Kind == event.Float || b.Kind == event.Float {
			f, _ := a.Float64()
			g, _ := b.Float64()
			want = cmp.Compare(f, g)
		}
		if got := compareNumbers(a, b); got != want {
			t.Fatalf("%+v against %+v is %d, want %d", a, b, got, want)
		}
	})
}

// TestMinMax takes numbers of all kinds: the value is one of those given, none is beyond it, and the order does not matter.
func TestMinMax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(numbersWithTwins(), 1, 20).Draw(t, "values")
		for sign, a := range map[int]Aggregate{1: minAggregate{}, -1: maxAggregate{}} {
			got, exact := a.Fold(vals)
			found := false
			for _, v := range vals {
				found = found || v == got
				if sign*compareNumbers(v, got) < 0 {
					t.Fatalf("%s is %+v, but there is %+v", a.Name(), got, v)
				}
			}
			if !found || exact == (got.Kind == event.Float) {
				t.Fatalf("%s is %+v (%v)", a.Name(), got, exact)
			}
			mixed := shuffled(t, vals)
			if other, _ := a.Fold(mixed); other != got {
				t.Fatalf("%s is %+v, in another order %+v", a.Name(), got, other)
			}
			cut := rapid.IntRange(0, len(vals)).Draw(t, "cut")
			acc := accumulate(a, mixed[:cut])
			a.Merge(acc, accumulate(a, mixed[cut:]))
			if merged, e := a.Value(acc); merged != got || e != exact {
				t.Fatalf("%s is %+v, merged %+v", a.Name(), got, merged)
			}
		}
	})
}

func TestMinMaxExamples(t *testing.T) {
	f := func(a Aggregate, want event.Value, vals ...event.Value) {
		t.Helper()
		if got, _ := a.Fold(vals); got != want {
			t.Errorf("%s of %v is %+v, want %+v", a.Name(), vals, got, want)
		}
	}
	f(minAggregate{}, dec(-15, 1), event.IntValue(-1), dec(-15, 1), dec(-149, 2))
	f(maxAggregate{}, dec(-99, 2), event.IntValue(-1), dec(-15, 1), dec(-99, 2))
	f(maxAggregate{}, event.IntValue(3), dec(299, 2), event.IntValue(3), dec(3, 1))
	f(minAggregate{}, event.IntValue(1<<53), event.IntValue(1<<53+1), event.IntValue(1<<53)) // one float64
	f(maxAggregate{}, event.IntValue(1<<53+1), event.IntValue(1<<53+1), event.IntValue(1<<53))
	f(minAggregate{}, dec(5, 1), event.Value{Kind: event.Float, N: floatBits(0.5)}, dec(5, 1)) // the exact one of equals
	f(maxAggregate{}, dec(5, 1), event.Value{Kind: event.Float, N: floatBits(0.5)}, dec(5, 1))
}
