package words

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line makes a text one printable line of at most max UTF-16 units, as most limits of receivers count: line breaks
// and tabs become spaces, what is not printable (also what turns the direction of text around) a replacement character.
func Line(s string, max int) string {
	return cut(s, max, func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return printable(r)
	})
}

// Lines is Line, but keeps line breaks.
func Lines(s string, max int) string {
	return cut(strings.ReplaceAll(s, "\r\n", "\n"), max, func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return printable(r)
	})
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// ellipsis stands for what has been cut off.
const ellipsis = '…'

// cut maps the runes of a text until max units are full. It looks at no more of the text than it needs.
func cut(s string, max int, mapping func(rune) rune) string {
	var b strings.Builder
	units, before := 0, 0 // before: the length of b when there was room for the ellipsis
	for _, r := range s {
		r = mapping(r)
		n := utf16.RuneLen(r)
		if units+n > max {
			if max < 1 {
				return ""
			}
			return b.String()[:before] + string(ellipsis)
		}
		b.WriteRune(r)
		if units += n; units < max {
			before = b.Len()
		}
	}
	return b.String()
}

// Units returns how long a text is in UTF-16 units.
func Units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// Bytes cuts a text to at most max bytes, at the border of a rune. Invalid UTF-8 becomes replacement characters.
func Bytes(s string, max int) string {
	if len(s) > max {
		end := max - utf8.RuneLen(ellipsis)
		if end < 0 {
			return ""
		}
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + string(ellipsis)
	}
	if utf8.ValidString(s) {
		return s
	}
	return Bytes(strings.ToValidUTF8(s, "?"), max)
}
