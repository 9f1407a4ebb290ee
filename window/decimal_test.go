package window

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// bigDecimal reads d with math/big.
func bigDecimal(d decimal) *big.Int {
	n := new(big.Int)
	for _, w := range []uint64{d.hi, d.mid, d.lo} {
		n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(w))
	}
	if int64(d.hi) < 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 192))
	}
	return n
}

func wideOf(n *big.Int) (w wide) {
	n = new(big.Int).Set(n)
	mask := new(big.Int).SetUint64(math.MaxUint64)
	for i := range w {
		w[i] = new(big.Int).And(n, mask).Uint64()
		n.Rsh(n, 64)
	}
	return w
}

// anyDecimal draws decimals of every length, with trailing zeros or without.
func anyDecimal(t *rapid.T) decimal {
	word := rapid.Uint64()
	d := decimal{lo: word.Draw(t, "lo")}
	if words := rapid.IntRange(1, 3).Draw(t, "words"); words > 1 {
		d.mid = word.Draw(t, "mid")
		if words > 2 {
			d.hi = word.Draw(t, "hi")
		}
	}
	if by := rapid.IntRange(0, 18).Draw(t, "zeros"); by > 0 {
		m, _ := d.abs()
		_, r := m.divide(pow10[by])
		if m.lo >= r {
			m.lo -= r
			d = m
		}
	}
	return d
}

func TestDecimalValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDecimal(t)
		r := new(big.Rat).SetFrac(bigDecimal(d), new(big.Int).SetUint64(pow10[18]))
		if got, want := d.value(), valueOf(r); got != want {
			t.Fatalf("%s is %+v, want %+v", r.FloatString(18), got, want)
		}
	})
}

func TestDecimalOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDecimal(t)
		n := rapid.Uint64Range(1, 1<<60).Draw(t, "n")
		if rapid.Bool().Draw(t, "few") {
			n = n%1000 + 1
		}
		r := new(big.Rat).SetFrac(bigDecimal(d), new(big.Int).Mul(new(big.Int).SetUint64(pow10[18]), new(big.Int).SetUint64(n)))
		if got, want := event.FloatValue(d.over(n)), nearest(r); got != want {
			t.Fatalf("%s is %+v, want %+v", r, got, want)
		}
	})
}

// TestWideOver draws fractions of all sizes that callers have, some exactly between two float64s.
func TestWideOver(t *testing.T) {
	bits := func(t *rapid.T, most int) *big.Int {
		words := rapid.SliceOfN(rapid.Byte(), 1, most/8).Draw(t, "bytes")
		return new(big.Int).SetBytes(words)
	}
	rapid.Check(t, func(t *rapid.T) {
		num, den := bits(t, 368), bits(t, 240)
		if den.Sign() == 0 {
			den.SetInt64(1)
		}
		if rapid.Bool().Draw(t, "tie") { // an odd integer of 54 bits, times den
			half := new(big.Int).SetUint64(1<<53 | rapid.Uint64Range(0, 1<<53-1).Draw(t, "half") | 1)
			den = bits(t, 200)
			den.Add(den, big.NewInt(1))
			num = half.Mul(half, den)
			num.Add(num, big.NewInt(int64(rapid.IntRange(-1, 1).Draw(t, "off"))))
		}
		x, y := wideOf(num), wideOf(den)
		want, _ := new(big.Rat).SetFrac(num, den).Float64()
		if got := x.over(&y); got != want {
			t.Fatalf("%s / %s = %b, want %b", num, den, got, want)
		}
	})
}

// TestProduct multiplies words of ones, zeros and anything: all the carries there can be.
func TestProduct(t *testing.T) {
	words := rapid.SliceOfN(rapid.OneOf(rapid.Just(uint64(math.MaxUint64)), rapid.Just(uint64(0)), rapid.Uint64()), 1, 4)
	value := func(ws []uint64) *big.Int {
		n := new(big.Int)
		for i := len(ws) - 1; i >= 0; i-- {
			n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(ws[i]))
		}
		return n
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := words.Draw(t, "a"), words.Draw(t, "b")
		if got, want := product(a, b), wideOf(new(big.Int).Mul(value(a), value(b))); got != want {
			t.Fatalf("%x times %x is %x, want %x", a, b, got, want)
		}
	})
}

func TestDecimalEdges(t *testing.T) {
	sum := func(vals ...event.Value) event.Value {
		v, _ := sumAggregate{}.Fold(vals)
		return v
	}
	f := func(got, want event.Value) {
		t.Helper()
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	tenth := dec(1, 1)
	f(sum(tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth), event.IntValue(1))
	f(sum(dec(1001, 1), dec(2002, 1)), dec(3003, 1)) // 100.10 + 200.20 is 300.30
	f(sum(event.IntValue(math.MinInt64)), event.IntValue(math.MinInt64))
	f(sum(event.IntValue(math.MaxInt64), event.IntValue(1)), event.FloatValue(1<<63))
	f(sum(event.IntValue(math.MinInt64), event.IntValue(-1)), event.FloatValue(-1<<63))
	f(sum(event.IntValue(math.MinInt64), event.IntValue(math.MinInt64), event.IntValue(math.MaxInt64), event.IntValue(math.MaxInt64)), event.IntValue(-2))
	f(sum(dec(999_999_999_999_999_999, 18), dec(1, 18)), event.IntValue(1))
	f(sum(dec(-1, 18)), dec(-1, 18))
	f(sum(event.IntValue(1), dec(1, 18)), event.IntValue(1)) // 1.000000000000000001 has 19 digits, and 1 is its nearest float64
	f(sum(event.IntValue(1), dec(1, 17)), dec(100_000_000_000_000_001, 17))
}
