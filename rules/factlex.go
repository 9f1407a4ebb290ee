package rules

import "strings"

// word is one token of a fact as written, at the level outside strings and brackets: a name, a number, a string, a
// bracketed part (as one token) or a sign. Offsets are bytes of the fact's text.
type word struct {
	text     string
	from, to int
	kind     wordKind
}

type wordKind uint8

const (
	nameWord wordKind = iota
	numberWord
	stringWord
	groupWord // (…), […] or {…}, whole
	signWord
)

// words splits a fact's text into tokens. It never fails: what is not closed reaches to the end, and the expression
// compiler, which sees the same text, says what is wrong with it.
func words(s string) []word {
	var out []word
	for i := 0; i < len(s); {
		n, kind := wordAt(s, i)
		if kind == spaceWord {
			i += n
			continue
		}
		out = append(out, word{s[i : i+n], i, i + n, kind})
		i += n
	}
	return out
}

const spaceWord wordKind = 255

// wordAt returns the length and kind of the token at i.
func wordAt(s string, i int) (n int, kind wordKind) {
	switch c := s[i]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		return 1, spaceWord
	case strings.HasPrefix(s[i:], "/*"):
		if j := strings.Index(s[i+2:], "*/"); j >= 0 {
			return j + 4, spaceWord
		}
		return len(s) - i, spaceWord
	case strings.HasPrefix(s[i:], "//"):
		if j := strings.IndexByte(s[i:], '\n'); j >= 0 {
			return j, spaceWord
		}
		return len(s) - i, spaceWord
	case c == '\'' || c == '"' || c == '`':
		return stringLength(s[i:]), stringWord
	case c == '(' || c == '[' || c == '{':
		return groupLength(s[i:]), groupWord
	case isDigit(c):
		return numberLength(s[i:]), numberWord
	case isNameByte(c):
		n = 1
		for i+n < len(s) && (isNameByte(s[i+n]) || isDigit(s[i+n])) {
			n++
		}
		return n + fraction(s[i:i+n], s[i+n:]), nameWord
	}
	return 1, signWord
}

// fraction returns how much of rest belongs to the name of a percentile before it: p99.9 is one name.
func fraction(name, rest string) (n int) {
	if name[0] != 'p' || len(name) < 2 || strings.Trim(name[1:], "0123456789") != "" || !strings.HasPrefix(rest, ".") {
		return 0
	}
	n = 1
	for n < len(rest) && isDigit(rest[n]) {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isNameByte reports whether c may begin a name; all bytes of characters beyond ASCII may.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= 0x80
}

// stringLength returns the length of the string that s begins with. Within backquotes a doubled one stands for itself.
func stringLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == '`' && s[0] == '`' && i+1 < len(s) && s[i+1] == '`':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// groupLength returns the length of the bracketed part that s begins with. Brackets of any kind nest; that they match
// is for the compiler to check.
func groupLength(s string) int {
	depth := 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '(', '[', '{':
			depth++
			i++
		case ')', ']', '}':
			depth--
			i++
			if depth == 0 {
				return i
			}
		case '\'', '"', '`':
			i += stringLength(s[i:])
		default:
			i++
		}
	}
	return len(s)
}

// numberLength returns the length of a number, with a unit of time or the sign of a percentage if these touch it.
func numberLength(s string) int {
	i := 0
	for i < len(s) {
		c := s[i]
		switch {
		case isDigit(c) || isNameByte(c):
			i++
		case c == '.' && i+1 < len(s) && isDigit(s[i+1]):
			i++
		case (c == '+' || c == '-') && (s[i-1] == 'e' || s[i-1] == 'E') && i+1 < len(s) && isDigit(s[i+1]) && isDigit(s[0]):
			i++
		case c == '%':
			return i + 1
		default:
			return i
		}
	}
	return i
}

// operators are the names that are operators between two operands.
var operators = map[string]bool{"and": true, "or": true, "not": true, "in": true, "contains": true, "matches": true,
	"startsWith": true, "endsWith": true}

// endsOperand reports whether an operand can end with the i-th token, so that a name behind it is no part of the
// expression: no expression has two operands side by side, which is what makes clauses recognisable.
func endsOperand(ws []word, i int) bool {
	w := ws[i]
	switch w.kind {
	case nameWord:
		return i > 0 && ws[i-1].text == "." || !operators[w.text]
	case numberWord, stringWord, groupWord:
		return true
	}
	return false
}
