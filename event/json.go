package event

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends v as JSON (a missing one as null; a decimal as its digits, a Float in shortest form).
func AppendJSON(dst []byte, v Value) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.N != 0)
	case Int:
		return strconv.AppendInt(dst, v.N, 10)
	case Decimal:
		return appendDecimal(dst, v.N, int(v.Scale))
	case Float:
		if f := math.Float64frombits(uint64(v.N)); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return appendNumber(dst, f)
		}
	case String:
		return appendQuoted(dst, v.S)
	case Object, List:
		return append(dst, v.S...)
	}
	return append(dst, "null"...)
}

// appendDecimal appends n times 10^-scale without an exponent.
func appendDecimal(dst []byte, n int64, scale int) []byte {
	var buf [20]byte
	text := strconv.AppendInt(buf[:0], n, 10)
	if text[0] == '-' {
		dst = append(dst, '-')
		text = text[1:]
	}
	if scale == 0 {
		return append(dst, text...)
	}
	if len(text) <= scale {
		dst = append(dst, "0."...)
		dst = appendZeros(dst, scale-len(text))
		return append(dst, text...)
	}
	dst = append(dst, text[:len(text)-scale]...)
	dst = append(dst, '.')
	return append(dst, text[len(text)-scale:]...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string: escaped only where JSON asks for it, U+FFFD for what is not UTF-8.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[from:i]...)
				dst = append(dst, "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = appendEscape(dst, c)
		i++
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
