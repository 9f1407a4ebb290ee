package event

import (
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// maxDigits is how many significant digits, and how large a scale, a Decimal may have.
const maxDigits = 18

// ParseNumber parses a JSON number's text by the rules of semantics.md: Int, Decimal, Float, or missing
// (too large for a float64, or no JSON number at all).
func ParseNumber(b []byte) Value {
	if len(b) > maxDigits {
		return parseLongNumber(b)
	}
	i, neg := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, neg = 1, true
	}
	first, dot, n := i, -1, int64(0)
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c-'0' < 10:
			n = n*10 + int64(c-'0')
		case c == '.' && dot < 0:
			dot = i
		default:
			return parseLongNumber(b)
		}
	}
	if first == len(b) || b[first] == '0' && first+1 < len(b) && dot != first+1 || dot == first || dot == len(b)-1 {
		return Value{}
	}
	if neg {
		n = -n
	}
	if dot < 0 {
		return Value{Kind: Int, N: n}
	}
	return decimalValue(n, len(b)-dot-1)
}

// decimalValue returns n times 10^-scale; n has at most 18 digits and scale is at most 18.
func decimalValue(n int64, scale int) Value {
	for scale > 0 && n%10 == 0 {
		n /= 10
		scale--
	}
	if scale == 0 {
		return Value{Kind: Int, N: n}
	}
	return Value{Kind: Decimal, N: n, Scale: uint8(scale)}
}

func parseLongNumber(b []byte) Value {
	if end, ok := numberEnd(b, 0); !ok || end != len(b) {
		return Value{}
	}
	d := splitDigits(b)
	switch {
	case d.count == 0:
		return Value{Kind: Int}
	case d.power >= 0 && d.count+d.power <= 19:
		m := d.lead * pow10[d.power]
		if m <= math.MaxInt64 {
			n := int64(m)
			if d.neg {
				n = -n
			}
			return Value{Kind: Int, N: n}
		}
		if d.neg && m == 1<<63 {
			return Value{Kind: Int, N: math.MinInt64}
		}
	case d.power < 0 && d.power >= -maxDigits && d.count <= maxDigits:
		n := int64(d.lead)
		if d.neg {
			n = -n
		}
		return Value{Kind: Decimal, N: n, Scale: uint8(-d.power)}
	}
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64)
	if err != nil {
		return Value{}
	}
	return FloatValue(f)
}

// numberEnd returns where the JSON number at p ends; or, if it is none, where a digit is missing.
func numberEnd(b []byte, p int) (end int, ok bool) {
	if p < len(b) && b[p] == '-' {
		p++
	}
	end = digitsEnd(b, p)
	if end == p {
		return p, false
	}
	if b[p] == '0' {
		end = p + 1
	}
	if p = end; p < len(b) && b[p] == '.' {
		if end = digitsEnd(b, p+1); end == p+1 {
			return end, false
		}
		p = end
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		p++
		if p < len(b) && (b[p] == '+' || b[p] == '-') {
			p++
		}
		if end = digitsEnd(b, p); end == p {
			return end, false
		}
		p = end
	}
	return p, true
}

// digitsEnd returns the offset of the first byte from p on that is no digit.
func digitsEnd(b []byte, p int) int {
	if p+8 <= len(b) {
		x := load(b, p) ^ '0'*lowBits
		if others := (x + (0x7F-9)*lowBits | x) & highBits; others != 0 {
			return p + bits.TrailingZeros64(others)/8
		}
		p += 8
	}
	for p < len(b) && b[p]-'0' < 10 {
		p++
	}
	return p
}

// digits is a JSON number taken apart: its significant digits without leading and trailing zeros.
type digits struct {
	neg   bool
	lead  uint64 // the first 19 of them
	count int    // how many there are; 0 for the number 0
	power int    // the last one counts 10^power
}

// splitDigits takes a valid JSON number apart. Exponents beyond ±2^40 are cut to that.
func splitDigits(b []byte) digits {
	var d digits
	i := 0
	if b[0] == '-' {
		d.neg, i = true, 1
	}
	seen, point, last, zeros := 0, -1, 0, 0 // digits seen, seen at the dot, at the last non-zero, zeros since
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' {
			point = seen
			continue
		}
		if c-'0' > 9 {
			break
		}
		seen++
		if c == '0' {
			if d.count > 0 {
				zeros++
			}
			continue
		}
		for ; zeros > 0; zeros-- {
			d.push(0)
		}
		d.push(uint64(c - '0'))
		last = seen
	}
	if point < 0 {
		point = seen
	}
	d.power = point - last
	if i < len(b) {
		d.power += exponent(b[i+1:])
	}
	return d
}

func (d *digits) push(digit uint64) {
	if d.count < 19 {
		d.lead = d.lead*10 + digit
	}
	d.count++
}

// exponent reads [+-]digits.
func exponent(b []byte) int {
	e, neg := 0, b[0] == '-'
	if neg || b[0] == '+' {
		b = b[1:]
	}
	for _, c := range b {
		if e = e*10 + int(c-'0'); e > 1<<40 {
			e = 1 << 40
		}
	}
	if neg {
		return -e
	}
	return e
}

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

var floatPow10 = [23]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimalFloat returns the float64 that is nearest to n times 10^-scale. Up to 2^53 and 10^22 both sides
// of the division are exact, so that it rounds once.
func decimalFloat(n int64, scale uint8) float64 {
	if n > -1<<53 && n < 1<<53 && scale < 23 {
		return float64(n) / floatPow10[scale]
	}
	var buf [32]byte
	text := strconv.AppendInt(buf[:0], n, 10)
	text = append(text, "e-"...)
	text = strconv.AppendUint(text, uint64(scale), 10)
	f, _ := strconv.ParseFloat(string(text), 64)
	return f
}
