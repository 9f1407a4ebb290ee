package event

import (
	"strings"
	"unsafe"
)

// The functions of this file walk JSON text that has been validated before. They are for what is rare:
// fields that no rule names, comparisons of whole objects, evidence. Anything else than valid JSON gives
// some answer, but never a panic.

// Lookup finds any path in Raw by a slow walk (for event["@timestamp"] of paths not in the schema, for tools and evidence).
func (r *Record) Lookup(p Path) Value {
	text := unsafe.String(unsafe.SliceData(r.Raw), len(r.Raw))
	for _, name := range p {
		found := ""
		eachMember(text, func(key, value string) bool {
			if textOf(key) == name {
				found = value
			}
			return found == ""
		})
		if text = found; text == "" {
			return Value{}
		}
	}
	return valueOf(text)
}

// eachMember calls f with the members of the object that s holds until f says false: the key without its
// quotes, not unescaped, and the value's text. It calls nothing if s holds no object.
func eachMember(s string, f func(key, value string) bool) {
	eachMemberAt(s, func(key string, from, to int) bool { return f(key, s[from:to]) })
}

// eachMemberAt is eachMember that says where in s the value's text stands.
func eachMemberAt(s string, f func(key string, from, to int) bool) {
	all := len(s)
	s = trimSpace(s)
	if s == "" || s[0] != '{' {
		return
	}
	for s = trimSpace(s[1:]); s != "" && s[0] == '"'; {
		end := stringLen(s)
		if end < 2 {
			return
		}
		key := s[1 : end-1]
		s = trimSpace(s[end:])
		s = trimSpace(s[min(1, len(s)):]) // the colon
		from, n := all-len(s), valueLen(s)
		if n == 0 || !f(key, from, from+n) {
			return
		}
		s = trimSpace(s[n:])
		s = trimSpace(s[min(1, len(s)):]) // the comma, or the end
	}
}

// eachElement calls f with the text of each element of the list that s holds, until f says false.
func eachElement(s string, f func(value string) bool) {
	s = trimSpace(s)
	if s == "" || s[0] != '[' {
		return
	}
	for s = trimSpace(s[1:]); s != "" && s[0] != ']'; {
		value := s[:valueLen(s)]
		if value == "" || !f(value) {
			return
		}
		s = trimSpace(s[len(value):])
		s = trimSpace(s[min(1, len(s)):])
	}
}

func trimSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// stringLen returns the length of the string literal that s begins with, its quotes included; 0 if it has no end.
func stringLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// valueLen returns the length of the value that s begins with.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			n := stringLen(s[i:])
			if n == 0 {
				return 0
			}
			if i += n - 1; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			} else if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// valueOf returns the Value of one JSON value's text without white space around it.
func valueOf(s string) Value {
	if s == "" {
		return Value{}
	}
	switch s[0] {
	case '"':
		if n := stringLen(s); n > 0 {
			return StringValue(textOf(s[1 : n-1]))
		}
		return Value{}
	case '{':
		return Value{Kind: Object, S: s}
	case '[':
		return Value{Kind: List, S: s}
	case 't', 'f':
		return BoolValue(s[0] == 't')
	case 'n':
		return Value{}
	}
	return ParseNumber(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// textOf returns what a string literal says, given without its quotes.
func textOf(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return string(appendUnescaped(nil, unsafe.Slice(unsafe.StringData(s), len(s))))
}
