package window

import (
	"math"
	"math/bits"

	"kelpie/event"
)

// decimal is an integer times 10^-18 in 192 bits, two's complement. An Int or a Decimal is below 2^123
// in these units, so 2^60 of them can be added in any order without loss.
type decimal struct{ lo, mid, hi uint64 }

// decimalScale is the fixed scale, the largest that event.Decimal has.
const decimalScale = 18

var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// magnitude returns the absolute value of an Int or a Decimal in units of 10^-18, and all ones if it is negative.
func magnitude(v event.Value) (hi, lo, neg uint64) {
	neg = uint64(v.N >> 63)
	hi, lo = bits.Mul64((uint64(v.N)^neg)-neg, pow10[decimalScale-v.Scale])
	return hi, lo, neg
}

// addDecimal adds an Int or a Decimal to the decimal at the beginning of acc; with flip all ones it subtracts.
func addDecimal(acc []byte, v event.Value, flip uint64) {
	d := loadDecimal(acc)
	hi, lo, neg := magnitude(v)
	neg ^= flip // -x is ^x + 1
	w0, c := bits.Add64(d.lo, lo^neg, neg&1)
	w1, c := bits.Add64(d.mid, hi^neg, c)
	w2, _ := bits.Add64(d.hi, neg, c)
	decimal{w0, w1, w2}.store(acc)
}

// mergeDecimal adds the decimal at the beginning of other to the one at the beginning of acc.
func mergeDecimal(acc, other []byte) {
	a, b := loadDecimal(acc), loadDecimal(other)
	w0, c := bits.Add64(a.lo, b.lo, 0)
	w1, c := bits.Add64(a.mid, b.mid, c)
	w2, _ := bits.Add64(a.hi, b.hi, c)
	decimal{w0, w1, w2}.store(acc)
}

func loadDecimal(acc []byte) decimal {
	_ = acc[23]
	return decimal{getWord(acc, 0), getWord(acc, 8), getWord(acc, 16)}
}

func (d decimal) store(acc []byte) {
	_ = acc[23]
	putWord(acc, 0, d.lo)
	putWord(acc, 8, d.mid)
	putWord(acc, 16, d.hi)
}

// abs returns the absolute value, and whether d is negative.
func (d decimal) abs() (m decimal, negative bool) {
	if int64(d.hi) >= 0 {
		return d, false
	}
	var b uint64
	m.lo, b = bits.Sub64(0, d.lo, 0)
	m.mid, b = bits.Sub64(0, d.mid, b)
	m.hi, _ = bits.Sub64(0, d.hi, b)
	return m, true
}

// value returns d as an Int if it is integral and within int64, as a Decimal if it has at most 18 digits, else as the
// nearest float64.
func (d decimal) value() event.Value {
	m, negative := d.abs()
	if c, ok := m.cents(); ok {
		switch {
		case c%100 == 0:
			return event.IntValue(signed(c/100, negative))
		case c%10 == 0 && c/10 < pow10[18]:
			return event.Value{Kind: event.Decimal, N: signed(c/10, negative), Scale: 1}
		case c < pow10[18]:
			return event.Value{Kind: event.Decimal, N: signed(c, negative), Scale: 2}
		}
	}
	m, scale := m.shortest()
	small := m.mid|m.hi == 0
	switch {
	case small && scale == 0 && (m.lo <= math.MaxInt64 || negative && m.lo == 1<<63):
		return event.IntValue(signed(m.lo, negative))
	case small && scale > 0 && m.lo < pow10[18]:
		return event.Value{Kind: event.Decimal, N: signed(m.lo, negative), Scale: scale}
	}
	return event.FloatValue(d.over(1))
}

// shortest divides as many tens as it can out of a nonnegative d, by halving, and returns the scale that is left.
func (d decimal) shortest() (m decimal, scale uint8) {
	m, scale = d, decimalScale
	for _, step := range [...]uint8{16, 8, 4, 2, 1} {
		if step > scale || bits.TrailingZeros64(m.lo) < int(step) {
			continue
		}
		if q, r := m.divide(pow10[step]); r == 0 {
			m, scale = q, scale-step
		}
	}
	return m, scale
}

// cents returns a nonnegative d times 100 if that is an integer of 64 bits, as most sums are. It divides by 10^16 without
// a division: by 2^16 with a shift, by 5^16 with its inverse modulo 2^64, and multiplies back to see whether that was it.
func (d decimal) cents() (c uint64, ok bool) {
	const inverse = 16475523416025833537 // of 5^16
	c = (d.mid<<48 | d.lo>>16) * inverse
	hi, lo := bits.Mul64(c, pow10[16])
	return c, lo == d.lo && hi == d.mid && d.hi == 0
}

// over returns the float64 that is nearest to d/n, rounded once; n is not 0.
func (d decimal) over(n uint64) float64 {
	m, negative := d.abs()
	f := m.quotient(n)
	if negative {
		return -f
	}
	return f
}

// quotient is over for a nonnegative d.
func (d decimal) quotient(n uint64) float64 {
	const exact = 1 << 53 // integers up to it are float64s, and one division rounds once
	if c, ok := d.cents(); ok && c <= exact && n <= exact/100 {
		return float64(c) / float64(n*100)
	}
	num, den := wide{d.lo, d.mid, d.hi}, wide{}
	den[1], den[0] = bits.Mul64(n, pow10[decimalScale])
	return num.over(&den)
}

// divide divides a nonnegative d by a word.
func (d decimal) divide(by uint64) (q decimal, r uint64) {
	q.hi, r = bits.Div64(0, d.hi, by)
	q.mid, r = bits.Div64(r, d.mid, by)
	q.lo, r = bits.Div64(r, d.lo, by)
	return q, r
}

func signed(m uint64, negative bool) int64 {
	if negative {
		return -int64(m)
	}
	return int64(m)
}
