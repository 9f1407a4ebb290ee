package window

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// The generators and the brute force, with math/big, that the tests of all aggregates share.

func dec(n int64, scale uint8) event.Value {
	return event.Value{Kind: event.Decimal, N: n, Scale: scale}
}

// number makes the canonical Int or Decimal of n times 10^-scale.
func number(n int64, scale uint8) event.Value {
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if scale == 0 {
		return event.IntValue(n)
	}
	return dec(n, scale)
}

// exactNumbers draws Ints over all of int64 and Decimals of up to 18 digits, often money.
func exactNumbers() *rapid.Generator[event.Value] {
	const digits18 = 999_999_999_999_999_999
	return rapid.Custom(func(t *rapid.T) event.Value {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return event.IntValue(rapid.Int64().Draw(t, "int"))
		case 1:
			return event.IntValue(rapid.Int64Range(-5, 5).Draw(t, "small"))
		case 2:
			return number(rapid.Int64Range(-digits18, digits18).Draw(t, "digits"), uint8(rapid.IntRange(1, 18).Draw(t, "scale")))
		}
		return number(rapid.Int64Range(-100_000, 100_000).Draw(t, "cents"), 2)
	})
}

// floats draws Floats that no decimal of 18 digits would be kept for.
func floats() *rapid.Generator[event.Value] {
	return rapid.Custom(func(t *rapid.T) event.Value {
		f := rapid.Float64Range(-1e6, 1e6).Draw(t, "float")
		return event.Value{Kind: event.Float, N: int64(math.Float64bits(f + 1e-7))}
	})
}

func rat(v event.Value) *big.Rat {
	if v.Kind == event.Float {
		return new(big.Rat).SetFloat64(math.Float64frombits(uint64(v.N)))
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Scale)), nil)
	return new(big.Rat).SetFrac(big.NewInt(v.N), ten)
}

func ratSum(vals []event.Value) *big.Rat {
	s := new(big.Rat)
	for _, v := range vals {
		s.Add(s, rat(v))
	}
	return s
}

// valueOf returns the Value that a rational must become: Int, Decimal or nearest Float.
func valueOf(r *big.Rat) event.Value {
	limit := big.NewInt(1e18)
	for scale := range uint8(19) {
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		x := new(big.Rat).Mul(r, new(big.Rat).SetInt(ten))
		if !x.IsInt() {
			continue
		}
		n := x.Num()
		if scale == 0 && n.IsInt64() {
			return event.IntValue(n.Int64())
		}
		if scale > 0 && n.CmpAbs(limit) < 0 {
			return dec(n.Int64(), scale)
		}
		break
	}
	return nearest(r)
}

func nearest(r *big.Rat) event.Value {
	f, _ := r.Float64()
	return event.FloatValue(f)
}

func shuffled(t *rapid.T, vals []event.Value) []event.Value {
	seed := rapid.Uint64().Draw(t, "order")
	out := append([]event.Value(nil), vals...)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// accumulate adds the values to a fresh accumulator.
func accumulate(a Aggregate, vals []event.Value) []byte {
	acc := make([]byte, a.Size())
	for _, v := range vals {
		a.Add(acc, v)
	}
	return acc
}

// withAccumulator are the names of the aggregates that have one.
var withAccumulator = []string{"count", "sum", "avg", "min", "max", "stddev", "ratio"}

// argument draws values that the aggregate can use.
func argument(name string) *rapid.Generator[event.Value] {
	if name == "ratio" {
		return rapid.Map(rapid.Bool(), event.BoolValue)
	}
	return exactNumbers()
}

func TestByName(t *testing.T) {
	for _, name := range []string{"count", "sum", "avg", "min", "max", "stddev", "distinct", "ratio", "first", "last"} {
		if a := ByName(name, 0); a == nil || a.Name() != name {
			t.Errorf("ByName(%q) = %v", name, a)
		}
	}
	if a := ByName("mean", 0); a == nil || a.Name() != "avg" {
		t.Errorf("mean is %v", a)
	}
	for name, q := range map[string]float64{"p50": 0.5, "p99.9": 0.999, "median": 0.5, "p1": 0.01} {
		if a := ByName(name, q); a == nil || a.Name() != name || a.Size() != 0 {
			t.Errorf("ByName(%q, %v) = %v", name, q, a)
		}
	}
	for _, name := range []string{"", "previous", "gap", "rate", "unseen", "p", "px", "total"} {
		if a := ByName(name, 0.5); a != nil {
			t.Errorf("ByName(%q) = %v, want none", name, a)
		}
	}
	for _, q := range []float64{-0.1, 1.1, math.NaN()} {
		if a := ByName("p50", q); a != nil {
			t.Errorf("ByName(p50, %v) = %v, want none", q, a)
		}
		if a := Quantile(q); a != nil {
			t.Errorf("Quantile(%v) = %v, want none", q, a)
		}
	}
	for q, name := range map[float64]string{0.5: "p50", 0.57: "p57", 0.999: "p99.9", 0.01: "p1"} {
		if got := Quantile(q).Name(); got != name {
			t.Errorf("Quantile(%v) is named %s, want %s", q, got, name)
		}
	}
}

func TestEmpty(t *testing.T) {
	zero, missing := event.IntValue(0), event.Value{}
	want := map[string]event.Value{
		"count": zero, "sum": zero, "distinct": zero,
		"avg": missing, "min": missing, "max": missing, "stddev": missing, "ratio": missing, "p50": missing, "first": missing, "last": missing,
	}
	for name, v := range want {
		a := ByName(name, 0.5)
		if got, exact := a.Fold(nil); got != v || !exact {
			t.Errorf("%s of nothing is %v, want %v", name, got, v)
		}
		if a.Size() == 0 {
			continue
		}
		if got, exact := a.Value(make([]byte, a.Size())); got != v || !exact {
			t.Errorf("an empty accumulator of %s is %v, want %v", name, got, v)
		}
	}
}

// TestRefused feeds every aggregate with what it does not accept: nothing may change.
func TestRefused(t *testing.T) {
	all := []event.Value{
		{}, event.BoolValue(true), event.IntValue(3), dec(5, 1), event.FloatValue(1e300), event.StringValue("7"),
		{Kind: event.Object, S: "{}"}, {Kind: event.List, S: "[]"},
	}
	for _, name := range withAccumulator {
		a := ByName(name, 0)
		for _, v := range all {
			acc := make([]byte, a.Size())
			a.Add(acc, v)
			changed := string(acc) != string(make([]byte, a.Size()))
			if changed != Accepts(name, v) {
				t.Errorf("%s of %v: changed %v, accepted %v", name, v, changed, Accepts(name, v))
			}
		}
	}
	if Accepts("distinct", all[6]) || Accepts("distinct", all[7]) || !Accepts("distinct", all[5]) || Accepts("p50", all[5]) || !Accepts("last", all[7]) {
		t.Error("Accepts of distinct, p50 or last is wrong")
	}
}

// TestOrder: the accumulator of exact values does not depend on their order, bit by bit.
func TestOrder(t *testing.T) {
	for _, name := range withAccumulator {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a := ByName(name, 0)
			vals := rapid.SliceOfN(argument(name), 0, 20).Draw(t, "values")
			mixed := shuffled(t, vals)
			if one, other := accumulate(a, vals), accumulate(a, mixed); string(one) != string(other) {
				t.Fatalf("%x in order, %x in another", one, other)
			}
		}))
	}
}

// TestMerge: however values are divided into accumulators, merging gives the one of all of them.
func TestMerge(t *testing.T) {
	for _, name := range withAccumulator {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a := ByName(name, 0)
			parts := rapid.SliceOfN(rapid.SliceOfN(argument(name), 0, 6), 3, 3).Draw(t, "parts")
			x, y, z := accumulate(a, parts[0]), accumulate(a, parts[1]), accumulate(a, parts[2])
			all := accumulate(a, append(append(append([]event.Value(nil), parts[0]...), parts[1]...), parts[2]...))

			left := append([]byte(nil), x...)
			a.Merge(left, y)
			a.Merge(left, z)
			right := append([]byte(nil), y...)
			a.Merge(right, z)
			a.Merge(right, x)
			if string(left) != string(all) || string(right) != string(all) {
				t.Fatalf("(x+y)+z = %x, (y+z)+x = %x, all = %x", left, right, all)
			}
		}))
	}
}

// TestSub: what is taken away leaves no trace; when all is gone, the accumulator is all zero, floats or not.
func TestSub(t *testing.T) {
	for _, name := range withAccumulator {
		a := ByName(name, 0)
		if !a.Invertible() {
			continue
		}
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			some := argument(name)
			if name != "ratio" {
				some = rapid.OneOf(exactNumbers(), exactNumbers(), floats())
			}
			kept := rapid.SliceOfN(argument(name), 0, 8).Draw(t, "kept")
			gone := rapid.SliceOfN(some, 0, 8).Draw(t, "gone")
			acc := accumulate(a, append(append([]event.Value(nil), gone...), kept...))
			for _, v := range shuffled(t, gone) {
				a.Sub(acc, v)
			}
			if want := accumulate(a, kept); string(acc) != string(want) {
				t.Fatalf("%x is left, want %x", acc, want)
			}
			for _, v := range kept {
				a.Sub(acc, v)
			}
			if string(acc) != string(make([]byte, a.Size())) {
				t.Fatalf("%x is left of nothing", acc)
			}
		}))
	}
}

// TestFold: Fold is adding in order, with floats too, to the bit.
func TestFold(t *testing.T) {
	for _, name := range withAccumulator {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a := ByName(name, 0)
			some := argument(name)
			if name != "ratio" && name != "min" && name != "max" {
				some = rapid.OneOf(exactNumbers(), floats())
			}
			vals := rapid.SliceOfN(some, 0, 20).Draw(t, "values")
			added, exactAdded := a.Value(accumulate(a, vals))
			folded, exactFolded := a.Fold(vals)
			if added != folded || exactAdded != exactFolded {
				t.Fatalf("added %v %v, folded %v %v", added, exactAdded, folded, exactFolded)
			}
		}))
	}
}

// TestExample is one key's minute with every aggregate: 2 4 4 4 5 5 7 9 in order of time 4 2 5 4 5 9 4 7.
func TestExample(t *testing.T) {
	ann := ints(4, 2, 5, 4, 5, 9, 4, 7)
	over4 := make([]event.Value, len(ann))
	for i, v := range ann {
		over4[i] = event.BoolValue(v.N > 4)
	}
	f := func(name string, q float64, want event.Value) {
		t.Helper()
		vals := ann
		if name == "ratio" {
			vals = over4
		}
		if got, exact := ByName(name, q).Fold(vals); got != want || !exact {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
	f("count", 0, event.IntValue(8))
	f("sum", 0, event.IntValue(40))
	f("avg", 0, event.IntValue(5))
	f("min", 0, event.IntValue(2))
	f("max", 0, event.IntValue(9))
	f("stddev", 0, event.FloatValue(math.Sqrt(32.0/7)))
	f("distinct", 0, event.IntValue(5))
	f("ratio", 0, event.FloatValue(0.5))
	f("median", 0.5, event.FloatValue(4.5))
	f("p10", 0.1, event.FloatValue(3.4000000000000004)) // the rank 0.1 * 7 is 0.7000000000000001
	f("first", 0, event.IntValue(4))
	f("last", 0, event.IntValue(7))
}

// TestAllocation: nothing on the way of an event allocates, nor does folding a small window.
func TestAllocation(t *testing.T) {
	vals := []event.Value{number(1999, 2), event.IntValue(-7), dec(12345678901234567, 17), event.FloatValue(1.0 / 3)}
	f := func(what string, op func()) {
		t.Helper()
		if n := testing.AllocsPerRun(10, op); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
	for _, name := range []string{"count", "sum", "avg", "min", "max", "stddev", "ratio", "median", "first", "last"} {
		a := ByName(name, 0.5)
		acc, other := make([]byte, a.Size()), make([]byte, a.Size())
		f(name, func() {
			for _, v := range vals {
				a.Add(acc, v)
				a.Value(acc)
			}
			a.Merge(acc, other)
			for _, v := range vals {
				a.Sub(acc, v)
			}
		})
		f(name+" folded", func() { a.Fold(vals) })
	}
}

// TestHasFloats: sum, avg and stddev say that the order counts, through merging, until the last float is gone.
func TestHasFloats(t *testing.T) {
	for _, name := range append([]string{"median", "first", "distinct"}, withAccumulator...) {
		a := ByName(name, 0.5)
		ordered := name == "sum" || name == "avg" || name == "stddev"
		third, seven := event.FloatValue(1.0/3), event.IntValue(7)
		acc, other := accumulate(a, []event.Value{seven}), accumulate(a, []event.Value{seven, third, third})
		if a.HasFloats(acc) || a.HasFloats(other) != ordered {
			t.Errorf("%s: floats in exact %v, in floats %v", name, a.HasFloats(acc), a.HasFloats(other))
		}
		a.Merge(acc, other)
		if a.HasFloats(acc) != ordered {
			t.Errorf("%s: floats in merged %v", name, a.HasFloats(acc))
		}
		if !ordered {
			continue
		}
		if merged, _ := a.Value(acc); !isNear(floatOf(merged), floatOf(firstOf(a.Fold([]event.Value{seven, seven, third, third})))) {
			t.Errorf("%s merged is %v", name, merged)
		}
		a.Sub(acc, third)
		a.Sub(acc, third)
		if a.HasFloats(acc) || string(acc) != string(accumulate(a, []event.Value{seven, seven})) {
			t.Errorf("%s: %x is left", name, acc)
		}
	}
}

func floatOf(v event.Value) float64 {
	f, _ := v.Float64()
	return f
}

func firstOf(v event.Value, _ bool) event.Value { return v }

func BenchmarkAggregate(b *testing.B) {
	vals := make([]event.Value, 1024)
	for i := range vals {
		vals[i] = number(int64(i*7919%100_000), 2)
	}
	for _, name := range withAccumulator {
		a := ByName(name, 0)
		acc := make([]byte, a.Size())
		other := make([]byte, a.Size())
		run := func(op string, f func(v event.Value)) {
			b.Run(name+"/"+op, func(b *testing.B) {
				b.ReportAllocs()
				for i := range b.N {
					f(vals[i&1023])
				}
			})
		}
		arg := func(v event.Value) event.Value {
			if name == "ratio" {
				return event.BoolValue(v.N&1 == 0)
			}
			return v
		}
		for _, v := range vals {
			a.Add(acc, arg(v))
		}
		run("value", func(event.Value) { a.Value(acc) })
		run("add", func(v event.Value) { a.Add(acc, arg(v)) })
		if a.Invertible() {
			run("sub", func(v event.Value) { a.Sub(acc, arg(v)) })
		}
		run("merge", func(event.Value) { a.Merge(acc, other) })
	}
}
