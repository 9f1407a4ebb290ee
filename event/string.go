package event

import "unicode/utf8"

// escapeLen returns the length of the escape that b begins with, or why it is none.
func escapeLen(b []byte) (n int, refused Reason) {
	if len(b) < 2 {
		return 0, NotJSON
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
		switch u := unit(b); {
		case u < 0:
			return 0, NotJSON
		case u < 0xD800 || u > 0xDFFF:
			return 6, ""
		case u < 0xDC00:
			if low := unit(b[6:]); low >= 0xDC00 && low <= 0xDFFF {
				return 12, ""
			}
		}
		return 0, HalfSurrogate
	}
	return 0, NotJSON
}

// unit returns the UTF-16 code unit of the \uXXXX that b begins with, or -1.
func unit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var u rune
	for _, c := range b[2:6] {
		switch {
		case c-'0' < 10:
			u = u<<4 | rune(c-'0')
		case c|0x20-'a' < 6 && c|0x20 >= 'a':
			u = u<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return u
}

// appendUnescaped appends what the inside of a valid string literal says.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			dst = append(dst, s[i])
			i++
			continue
		}
		n := 2
		switch c := s[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			n = 6
			r := max(unit(s[i:]), 0)
			if r >= 0xD800 && r < 0xDC00 && i+12 <= len(s) {
				r = (r-0xD800)<<10 | (unit(s[i+6:]) - 0xDC00) + 0x10000
				n = 12
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
		i += n
	}
	return dst
}
