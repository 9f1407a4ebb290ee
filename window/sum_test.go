package window

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

func TestSumAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(exactNumbers(), 0, 30).Draw(t, "values")
		got, exact := sumAggregate{}.Fold(vals)
		if want := valueOf(ratSum(vals)); got != want || !exact {
			t.Fatalf("sum %+v (%v), want %+v", got, exact, want)
		}
	})
}

// TestSumWithFloats: the exact part, rounded once, plus the floats in order.
func TestSumWithFloats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(rapid.OneOf(exactNumbers(), floats()), 0, 20).Draw(t, "values")
		vals = append(vals, floats().Draw(t, "float"))
		var decimals []event.Value
		sum := 0.0
		for _, v := range vals {
			if v.Kind == event.Float {
				f, _ := v.Float64()
				sum += f
			} else {
				decimals = append(decimals, v)
			}
		}
		whole, _ := ratSum(decimals).Float64()
		got, exact := sumAggregate{}.Fold(vals)
		if want := event.FloatValue(whole + sum); got != want || exact {
			t.Fatalf("sum %+v (%v), want %+v", got, exact, want)
		}
		if !(sumAggregate{}).HasFloats(accumulate(sumAggregate{}, vals)) || (sumAggregate{}).HasFloats(accumulate(sumAggregate{}, decimals)) {
			t.Fatal("HasFloats is wrong")
		}
	})
}

// TestSumOverflow: float64s beyond the largest have no sum, and it comes back when they are gone.
func TestSumOverflow(t *testing.T) {
	a, big := sumAggregate{}, event.FloatValue(math.MaxFloat64)
	acc := accumulate(a, []event.Value{big, event.IntValue(7), big})
	if v, _ := a.Value(acc); !v.IsMissing() {
		t.Errorf("sum is %v", v)
	}
	a.Sub(acc, big)
	a.Sub(acc, big)
	if v, exact := a.Value(acc); v != event.IntValue(7) || !exact {
		t.Errorf("sum is %v, want 7", v)
	}
}

// TestSumField is a table's field: set, added to, subtracted from.
func TestSumField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sum
		acc := make([]byte, SumSize)
		total := []event.Value{}
		for _, v := range rapid.SliceOfN(exactNumbers(), 0, 20).Draw(t, "values") {
			switch rapid.IntRange(0, 4).Draw(t, "op") {
			case 0:
				s.Set(acc, v)
				total = []event.Value{v}
			case 1, 2:
				s.AddTo(acc, v)
				total = append(total, v)
			default:
				s.SubFrom(acc, v)
				if v.N == math.MinInt64 {
					total = append(total, event.IntValue(math.MaxInt64), event.IntValue(1))
					continue
				}
				v.N = -v.N
				total = append(total, v)
			}
		}
		got, exact := s.Value(acc)
		if want := valueOf(ratSum(total)); got != want || !exact {
			t.Fatalf("field %+v (%v), want %+v", got, exact, want)
		}
	})
}

func TestSumFieldFloats(t *testing.T) {
	var s Sum
	acc := make([]byte, SumSize)
	third := event.FloatValue(1.0 / 3)
	if s.Set(acc, event.StringValue("100")) || s.AddTo(acc, event.BoolValue(true)) || s.SubFrom(acc, event.Value{}) {
		t.Error("took what is no number")
	}
	s.SubFrom(acc, third)
	if v, exact := s.Value(acc); v != event.FloatValue(-1.0/3) || exact {
		t.Errorf("0 - 1/3 is %v (%v)", v, exact)
	}
	s.AddTo(acc, third)
	if v, exact := s.Value(acc); v != event.IntValue(0) || exact {
		t.Errorf("-1/3 + 1/3 is %v (%v), and floats were in it", v, exact)
	}
	s.Set(acc, event.IntValue(5))
	if v, exact := s.Value(acc); v != event.IntValue(5) || !exact {
		t.Errorf("set to 5 it is %v (%v)", v, exact)
	}
}

// BenchmarkSumDigits is the sum of numbers with 17 digits, as float64s written out have them.
func BenchmarkSumDigits(b *testing.B) {
	a := sumAggregate{}
	acc := accumulate(a, []event.Value{dec(30000000000000004, 17), dec(12345678901234567, 4), dec(98765432109876543, 6)})
	b.ReportAllocs()
	for range b.N {
		a.Value(acc)
	}
}
