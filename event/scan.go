package event

import (
	"fmt"
	"unicode/utf8"
)

// node is one level of the wanted paths.
type node struct {
	slot     int // 1 + slot, 0 if the path that ends here is not wanted
	children map[string]*node
}

func (n *node) child(name string) *node {
	c := n.children[name]
	if c == nil {
		if n.children == nil {
			n.children = map[string]*node{}
		}
		c = &node{}
		n.children[name] = c
	}
	return c
}

// scanner validates one document and finds the wanted fields in it.
type scanner struct {
	b      []byte
	fields []Field
	base   int // fields count from here
	depth  int
	object uint64 // number of objects begun so far
	keys   keySet
	text   []byte // scratch for unescaped keys
	ref    *Refusal
}

// document scans b, which must hold one JSON value and nothing else; begin and end are where it stands.
func (s *scanner) document(b []byte, root *node, fields []Field) (begin, end int, ref *Refusal) {
	s.b, s.fields, s.depth, s.ref = b, fields, 0, nil
	s.keys.reset()
	begin = s.space(0)
	s.base = begin
	end = s.value(begin, root)
	if end >= 0 {
		if p := s.space(end); p < len(b) {
			end = s.refuse(NotJSON, p, "more bytes after the value")
		} else if i := firstInvalidUTF8(b); i < len(b) {
			end = s.refuse(InvalidUTF8, i, "")
		}
	}
	ref, s.b, s.ref = s.ref, nil, nil
	return begin, end, ref
}

// refuse notes the refusal and returns -1, which every function here returns after one.
func (s *scanner) refuse(reason Reason, offset int, detail string) int {
	if i := firstInvalidUTF8(s.b); i < len(s.b) && i <= offset {
		reason, offset, detail = InvalidUTF8, i, fmt.Sprintf("byte %#02x is not UTF-8", s.b[i])
	}
	s.ref = &Refusal{reason, offset, detail}
	return -1
}

func (s *scanner) unexpected(p int, want string) int {
	if p >= len(s.b) {
		return s.refuse(NotJSON, p, "ends where it should have "+want)
	}
	r, _ := utf8.DecodeRune(s.b[p:])
	return s.refuse(NotJSON, p, fmt.Sprintf("expected %s, found %q", want, r))
}

func (s *scanner) space(p int) int {
	for p < len(s.b) && (s.b[p] == ' ' || s.b[p] == '\t' || s.b[p] == '\n' || s.b[p] == '\r') {
		p++
	}
	return p
}

func (s *scanner) value(p int, n *node) int {
	if p >= len(s.b) {
		return s.unexpected(p, "a value")
	}
	off, kind, end, ok := p, FieldAbsent, p, true
	switch c := s.b[p]; c {
	case '{':
		kind = FieldObject
		end = s.obj(p, n)
	case '[':
		kind = FieldList
		end = s.list(p)
	case '"':
		var esc bool
		end, esc = s.str(p)
		kind = FieldString
		if esc {
			kind = FieldEscapedString
		}
	case 't':
		end, ok = s.literal(p, "true")
		kind = FieldTrue
	case 'f':
		end, ok = s.literal(p, "false")
		kind = FieldFalse
	case 'n':
		end, ok = s.literal(p, "null")
		kind = FieldNull
	default:
		if c != '-' && c-'0' > 9 {
			return s.unexpected(p, "a value")
		}
		var want string
		if end, want = numberEnd(s.b, p); want != "" {
			return s.unexpected(end, want)
		}
		kind = FieldNumber
	}
	if end < 0 || !ok {
		return -1
	}
	if n != nil && n.slot > 0 {
		f := Field{uint32(off - s.base), uint32(end - s.base), kind}
		if kind == FieldString || kind == FieldEscapedString {
			f.Off++
			f.End--
		}
		s.fields[n.slot-1] = f
	}
	return end
}

func (s *scanner) literal(p int, text string) (int, bool) {
	for i := range len(text) {
		if p+i >= len(s.b) || s.b[p+i] != text[i] {
			return s.unexpected(p+i, text), false
		}
	}
	return p + len(text), true
}

func (s *scanner) down(p int) bool {
	if s.depth++; s.depth > maxDepth {
		s.refuse(TooDeep, p, fmt.Sprintf("more than %d levels", maxDepth))
		return false
	}
	return true
}

func (s *scanner) obj(p int, n *node) int {
	if !s.down(p) {
		return -1
	}
	s.object++
	id := s.object
	p = s.space(p + 1)
	if p < len(s.b) && s.b[p] == '}' {
		s.depth--
		return p + 1
	}
	for {
		if p >= len(s.b) || s.b[p] != '"' {
			return s.unexpected(p, "a key")
		}
		end, esc := s.str(p)
		if end < 0 {
			return -1
		}
		key := s.b[p+1 : end-1]
		if esc {
			s.text = appendUnescaped(s.text[:0], key)
			key = s.text
		}
		if !s.keys.add(id, key) {
			return s.refuse(DuplicateKey, p, fmt.Sprintf("key %q again", excerpt(key, 0)))
		}
		var c *node
		if n != nil {
			c = n.children[string(key)]
		}
		p = s.space(end)
		if p >= len(s.b) || s.b[p] != ':' {
			return s.unexpected(p, "a colon")
		}
		if p = s.value(s.space(p+1), c); p < 0 {
			return -1
		}
		p = s.space(p)
		if p < len(s.b) && s.b[p] == '}' {
			s.depth--
			return p + 1
		}
		if p >= len(s.b) || s.b[p] != ',' {
			return s.unexpected(p, "a comma or }")
		}
		p = s.space(p + 1)
	}
}

func (s *scanner) list(p int) int {
	if !s.down(p) {
		return -1
	}
	p = s.space(p + 1)
	if p < len(s.b) && s.b[p] == ']' {
		s.depth--
		return p + 1
	}
	for {
		if p = s.value(p, nil); p < 0 {
			return -1
		}
		p = s.space(p)
		if p < len(s.b) && s.b[p] == ']' {
			s.depth--
			return p + 1
		}
		if p >= len(s.b) || s.b[p] != ',' {
			return s.unexpected(p, "a comma or ]")
		}
		p = s.space(p + 1)
	}
}

// numberEnd returns where the number at p ends, or where it is wrong and what is missing there.
func numberEnd(b []byte, p int) (end int, want string) {
	if p < len(b) && b[p] == '-' {
		p++
	}
	if p < len(b) && b[p] == '0' {
		p++
	} else if end = digitsEnd(b, p); end > p {
		p = end
	} else {
		return p, "a digit"
	}
	if p < len(b) && b[p] == '.' {
		if end = digitsEnd(b, p+1); end == p+1 {
			return end, "a digit"
		}
		p = end
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		p++
		if p < len(b) && (b[p] == '+' || b[p] == '-') {
			p++
		}
		if end = digitsEnd(b, p); end == p {
			return end, "a digit"
		}
		p = end
	}
	return p, ""
}

func digitsEnd(b []byte, p int) int {
	for p < len(b) && b[p]-'0' < 10 {
		p++
	}
	return p
}

// str returns the end of the string at p, after its closing quote, and whether it has escapes.
func (s *scanner) str(p int) (end int, esc bool) {
	b := s.b
	for p++; p < len(b); p++ {
		switch c := b[p]; {
		case c == '"':
			return p + 1, esc
		case c < ' ':
			return s.refuse(NotJSON, p, fmt.Sprintf("control character %#02x in a string", c)), esc
		case c == '\\':
			esc = true
			n, reason := escapeLen(b[p:])
			if reason != "" {
				return s.refuse(reason, p, "bad escape"), esc
			}
			p += n - 1
		}
	}
	return s.unexpected(p, "a closing quote"), esc
}

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
