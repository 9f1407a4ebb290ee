package window

import (
	"encoding/binary"
	"math"
	"math/bits"

	"kelpie/event"
)

// decimal is an integer times 10^-18 in 192 bits, two's complement, least word first. An Int or a Decimal is below 2^123
// in these units, so 2^60 of them can be added in any order without loss.
type decimal [3]uint64

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
	_ = acc[23]
	hi, lo, neg := magnitude(v)
	neg ^= flip // -x is ^x + 1
	w0, c := bits.Add64(binary.LittleEndian.Uint64(acc), lo^neg, neg&1)
	w1, c := bits.Add64(binary.LittleEndian.Uint64(acc[8:]), hi^neg, c)
	w2, _ := bits.Add64(binary.LittleEndian.Uint64(acc[16:]), neg, c)
	binary.LittleEndian.PutUint64(acc, w0)
	binary.LittleEndian.PutUint64(acc[8:], w1)
	binary.LittleEndian.PutUint64(acc[16:], w2)
}

// mergeDecimal adds the decimal at the beginning of other to the one at the beginning of acc.
func mergeDecimal(acc, other []byte) {
	a, b := loadDecimal(acc), loadDecimal(other)
	var c uint64
	for i := range a {
		a[i], c = bits.Add64(a[i], b[i], c)
		putWord(acc, 8*i, a[i])
	}
}

func loadDecimal(acc []byte) decimal {
	_ = acc[23]
	return decimal{getWord(acc, 0), getWord(acc, 8), getWord(acc, 16)}
}

// abs returns the absolute value, and whether d is negative.
func (d decimal) abs() (m decimal, negative bool) {
	if int64(d[2]) >= 0 {
		return d, false
	}
	var b uint64
	m[0], b = bits.Sub64(0, d[0], 0)
	m[1], b = bits.Sub64(0, d[1], b)
	m[2], _ = bits.Sub64(0, d[2], b)
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
	small := m[1]|m[2] == 0
	switch {
	case small && scale == 0 && (m[0] <= math.MaxInt64 || negative && m[0] == 1<<63):
		return event.IntValue(signed(m[0], negative))
	case small && scale > 0 && m[0] < pow10[18]:
		return event.Value{Kind: event.Decimal, N: signed(m[0], negative), Scale: scale}
	}
	return event.FloatValue(d.over(1))
}

// shortest divides as many tens as it can out of a nonnegative d, by halving, and returns the scale that is left.
func (d decimal) shortest() (m decimal, scale uint8) {
	m, scale = d, decimalScale
	for _, step := range [...]uint8{16, 8, 4, 2, 1} {
		if step > scale || bits.TrailingZeros64(m[0]) < int(step) {
			continue
		}
		if q, r := m.divide(pow10[step]); r == 0 {
			m, scale = q, scale-step
		}
	}
	return m, scale
}

// cents returns a nonnegative d times 100 if that is an integer of 64 bits, as most sums are.
func (d decimal) cents() (c uint64, ok bool) {
	if d[2] != 0 || d[1] >= pow10[16] {
		return 0, false
	}
	c, r := bits.Div64(d[1], d[0], pow10[16])
	return c, r == 0
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
	num, den := wide{d[0], d[1], d[2]}, wide{}
	den[1], den[0] = bits.Mul64(n, pow10[decimalScale])
	return num.over(&den)
}

// divide divides a nonnegative d by a word.
func (d decimal) divide(by uint64) (q decimal, r uint64) {
	q[2], r = bits.Div64(0, d[2], by)
	q[1], r = bits.Div64(r, d[1], by)
	q[0], r = bits.Div64(r, d[0], by)
	return q, r
}

func signed(m uint64, negative bool) int64 {
	if negative {
		return -int64(m)
	}
	return int64(m)
}
