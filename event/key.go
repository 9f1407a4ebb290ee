package event

import (
	"math"
	"strconv"
)

// AppendKey appends v's key text (semantics.md, Events): a string is itself, an integral number within int64 its
// plain digits, any other number as ECMAScript's Number::toString, a bool true or false. ok is false for what is no key.
func AppendKey(dst []byte, v Value) (key []byte, ok bool) {
	switch v.Kind {
	case String:
		return append(dst, v.S...), true
	case Int:
		return strconv.AppendInt(dst, v.N, 10), true
	case Decimal:
		if v.N > -1e15 && v.N < 1e15 {
			return appendShortDecimal(dst, v.N, int(v.Scale)), true
		}
		return appendNumber(dst, decimalFloat(v.N, v.Scale)), true
	case Float:
		f := math.Float64frombits(uint64(v.N))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, false
		}
		return appendNumber(dst, f), true
	case Bool:
		return strconv.AppendBool(dst, v.N != 0), true
	}
	return dst, false
}

// appendShortDecimal appends n times 10^-scale as appendNumber does. Up to 15 digits no shorter text reads
// back as the same float64, so the digits are those of n.
func appendShortDecimal(dst []byte, n int64, scale int) []byte {
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], n, 10)
	return appendDigits(dst, digits, len(digits)-scale)
}

// appendNumber appends a finite f as ECMAScript's Number::toString writes it: the shortest digits that
// read back as f, plain from 1e-6 up to below 1e21, else with an exponent.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if f < 0 {
		dst = append(dst, '-')
		f = -f
	}
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, 64) // d.ddde±xx
	mark := len(text) - 1
	for text[mark] != 'e' {
		mark--
	}
	digits := text[:1]
	if mark > 1 {
		digits = append(digits, text[2:mark]...) // closes the gap of the dot
	}
	return appendDigits(dst, digits, 1+exponent(text[mark+1:]))
}

// appendDigits writes 0.digits times 10^point.
func appendDigits(dst, digits []byte, point int) []byte {
	n := len(digits)
	switch {
	case n <= point && point <= 21:
		dst = append(dst, digits...)
		return appendZeros(dst, point-n)
	case 0 < point && point <= 21:
		dst = append(dst, digits[:point]...)
		dst = append(dst, '.')
		return append(dst, digits[point:]...)
	case -6 < point && point <= 0:
		dst = append(dst, "0."...)
		dst = appendZeros(dst, -point)
		return append(dst, digits...)
	}
	dst = append(dst, digits[0])
	if n > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	}
	dst = append(dst, 'e')
	if point > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(point-1), 10)
}

func appendZeros(dst []byte, n int) []byte {
	for ; n > 0; n-- {
		dst = append(dst, '0')
	}
	return dst
}
