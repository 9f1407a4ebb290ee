package event

import (
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// scanner validates one document and finds the wanted fields in it, in one pass.
//
// Its methods take an offset into b and return the one after what they read, or -1 after a refusal.
type scanner struct {
	b       []byte
	fields  []Field // by slot
	shapes  *shapes
	bits    uint64 // all words of strings or'ed: no high bit, no need to validate UTF-8
	depth   int
	objects uint64 // how many were begun, in all documents: the number of the last one
	keys    keySet // of the objects that have keys not known to their shapes
	text    []byte // scratch for an unescaped key
	ref     *Refusal
}

// stray is the shape of objects that nothing is learned about.
var stray = &shape{head: member{next: nobody, other: nobody, slot: -1}}

// document scans b, which must hold one JSON value from its first byte on and nothing but white space after
// it, and returns where it ends.
func (s *scanner) document(b []byte, fields []Field) (end int, ref *Refusal) {
	s.b, s.fields, s.bits, s.depth, s.ref = b, fields, 0, 0, nil
	s.keys.reset()
	if len(b) > 0 && b[0] == '{' {
		end = s.object(0, s.shapes.root)
	} else {
		end = s.value(0, nobody)
	}
	if end >= 0 {
		end = s.finish(end)
	}
	ref, s.b, s.fields, s.ref = s.ref, nil, nil, nil
	return end, ref
}

// finish checks what can be checked only after the value.
func (s *scanner) finish(end int) int {
	if p := s.space(end); p < len(s.b) {
		return s.refuse(NotJSON, p, "more bytes after the value")
	}
	if s.bits&highBits != 0 && !utf8.Valid(s.b) {
		return s.refuse(InvalidUTF8, len(s.b), "")
	}
	return end
}

// refuse notes a refusal, or that of bytes up to there that are not UTF-8, which are the first problem then.
func (s *scanner) refuse(reason Reason, offset int, detail string) int {
	if i := firstInvalidUTF8(s.b); i < len(s.b) && i <= offset {
		reason, offset, detail = InvalidUTF8, i, fmt.Sprintf("byte %#02x is not UTF-8", s.b[i])
	}
	s.ref = &Refusal{reason, offset, detail}
	return -1
}

// unexpected refuses what stands at p.
func (s *scanner) unexpected(p int, want string) int {
	if p >= len(s.b) {
		return s.refuse(NotJSON, p, "ends where "+want+" should be")
	}
	r, _ := utf8.DecodeRune(s.b[p:])
	return s.refuse(NotJSON, p, fmt.Sprintf("expected %s, found %q", want, r))
}

// space returns the offset of the first byte from p on that is not white space.
func (s *scanner) space(p int) int { return spaceEnd(s.b, p) }

// skipSpace is spaceEnd where white space is rare.
func skipSpace(b []byte, p int) int {
	if p < len(b) && b[p] <= ' ' {
		return spaceEnd(b, p)
	}
	return p
}

//go:noinline
func spaceEnd(b []byte, p int) int {
	for p < len(b) && isSpace(b[p]) {
		p++
	}
	return p
}

func isSpace(c byte) bool { return c <= ' ' && uint64(1)<<c&(1<<' '|1<<'\t'|1<<'\n'|1<<'\r') != 0 }

// byteAt returns the byte at p, or 0 after the end, which fits nowhere.
func (s *scanner) byteAt(p int) byte {
	if p < len(s.b) {
		return s.b[p]
	}
	return 0
}

// object scans the object that begins at p. What is common is here, in one loop: a key where it was expected,
// a string without escapes, no white space.
func (s *scanner) object(p int, sh *shape) int {
	if !s.enter(p) {
		return -1
	}
	s.objects++
	number := s.objects
	b, prev := s.b, &sh.head
	if p = skipSpace(b, p+1); p < len(b) && b[p] == '}' {
		s.depth--
		return p + 1
	}
	for {
		var w uint64
		if p+8 <= len(b) {
			w = load(b, p)
		} else {
			w = lastWord(b, p)
		}
		m := prev.next
		if !m.isAt(b, p, w) {
			if m = prev.other; !m.isAt(b, p, w) {
				m = nil
			}
		}
		if m == nil {
			if m, p = s.key(p, prev, sh, number); p < 0 {
				return -1
			}
		} else if m.seen == number {
			return s.duplicate(p, m.key)
		} else {
			m.seen = number
			p += int(m.size)
		}
		p = skipSpace(b, p)
		if p < len(b) && b[p] == '"' {
			off, kind := p+1, FieldString
			p, s.bits = skipPlain(b, off, s.bits)
			if p < len(b) && b[p] == '"' {
				p++
			} else if p, kind = s.hardString(p); p < 0 {
				return -1
			}
			if m.slot >= 0 {
				s.fields[m.slot] = Field{uint32(off), uint32(p - 1), kind}
			}
		} else if p = s.value(p, m); p < 0 {
			return -1
		}
		p = skipSpace(b, p)
		if p < len(b) && b[p] == '}' {
			s.depth--
			return p + 1
		}
		if p >= len(b) || b[p] != ',' {
			return s.unexpected(p, "a comma or }")
		}
		p = skipSpace(b, p+1)
		prev = m
	}
}

// key scans a key that was not predicted, and its colon.
func (s *scanner) key(p int, prev *member, sh *shape, number uint64) (*member, int) {
	if s.byteAt(p) != '"' {
		return nil, s.unexpected(p, "a key")
	}
	end, kind := s.str(p)
	if end < 0 {
		return nil, -1
	}
	key := s.b[p+1 : end-1]
	if kind == FieldEscapedString {
		s.text = appendUnescaped(s.text[:0], key)
		key = s.text
	}
	m := s.member(sh, key)
	if m != nobody {
		if m.seen == number {
			return nil, s.duplicate(p, m.key)
		}
		m.seen = number
		if prev != nobody {
			m.follow(prev)
		}
	} else if !s.keys.add(number, key) {
		return nil, s.duplicate(p, string(excerpt(key, 0)))
	}
	if p = s.space(end); s.byteAt(p) != ':' {
		return nil, s.unexpected(p, "a colon")
	}
	return m, p + 1
}

// member returns the member of a shape that a key is, or nobody. In one document it always says the same of the same
// text, so that a key's second time is found where its first was noted.
func (s *scanner) member(sh *shape, key []byte) *member {
	if sh == stray {
		return nobody
	}
	if m := s.shapes.find(sh, key); m != nil {
		return m
	}
	return s.shapes.learn(sh, key)
}

func (s *scanner) duplicate(p int, key string) int {
	return s.refuse(DuplicateKey, p, fmt.Sprintf("key %q stands twice in one object", key))
}

// enter goes one level down.
func (s *scanner) enter(p int) bool {
	if s.depth++; s.depth > maxDepth {
		s.refuse(TooDeep, p, fmt.Sprintf("more than %d levels", maxDepth))
		return false
	}
	return true
}

// value scans the value at p, which belongs to m.
func (s *scanner) value(p int, m *member) int {
	end, kind := -1, FieldAbsent
	switch c := s.byteAt(p); c {
	case '"':
		end, kind = s.str(p)
	case '{':
		sh := stray
		if m != nobody {
			sh = s.shapes.under(&m.object)
		}
		end, kind = s.object(p, sh), FieldObject
	case '[':
		end, kind = s.list(p, m), FieldList
	case 't':
		end, kind = s.literal(p, "true"), FieldTrue
	case 'f':
		end, kind = s.literal(p, "false"), FieldFalse
	case 'n':
		end, kind = s.literal(p, "null"), FieldNull
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		var ok bool
		if end, ok = numberEnd(s.b, p); !ok {
			return s.unexpected(end, "a digit")
		}
		kind = FieldNumber
	default:
		return s.unexpected(p, "a value")
	}
	if m.slot >= 0 && end >= 0 {
		f := Field{uint32(p), uint32(end), kind}
		if kind == FieldString || kind == FieldEscapedString {
			f.Off++
			f.End--
		}
		s.fields[m.slot] = f
	}
	return end
}

// list scans the list at p, which is the value of m.
func (s *scanner) list(p int, m *member) int {
	if !s.enter(p) {
		return -1
	}
	if p = s.space(p + 1); s.byteAt(p) == ']' {
		s.depth--
		return p + 1
	}
	sh := stray
	for {
		if s.byteAt(p) == '{' {
			if sh == stray && m != nobody {
				sh = s.shapes.under(&m.elements)
			}
			p = s.object(p, sh)
		} else {
			p = s.value(p, nobody)
		}
		if p < 0 {
			return -1
		}
		p = s.space(p)
		c := s.byteAt(p)
		if c != ',' {
			if c != ']' {
				return s.unexpected(p, "a comma or ]")
			}
			s.depth--
			return p + 1
		}
		p = s.space(p + 1)
	}
}

func (s *scanner) literal(p int, text string) int {
	for i := range len(text) {
		if s.byteAt(p+i) != text[i] {
			return s.unexpected(p+i, text)
		}
	}
	return p + len(text)
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str scans the string at p, both quotes included, and says which kind of string it is.
func (s *scanner) str(p int) (end int, kind FieldKind) {
	end, s.bits = skipPlain(s.b, p+1, s.bits)
	if end < len(s.b) && s.b[end] == '"' {
		return end + 1, FieldString
	}
	return s.hardString(end)
}

// skipPlain skips, a word at a time, what needs no closer look inside of a string, and stops at a quote, a backslash, a
// control character, or somewhere in the last seven bytes. It returns seen with all bytes that it skipped or'ed into it.
func skipPlain(b []byte, p int, seen uint64) (int, uint64) {
	for p+8 <= len(b) {
		w := load(b, p)
		seen |= w
		quote, slash := w^'"'*lowBits, w^'\\'*lowBits
		special := ((quote - lowBits) | (slash - lowBits) | (w - ' '*lowBits)) &^ w & highBits
		if special != 0 {
			return p + bits.TrailingZeros64(special)/8, seen
		}
		p += 8
	}
	return p, seen
}

// hardString goes on with a string at p, where skipPlain stopped.
func (s *scanner) hardString(p int) (end int, kind FieldKind) {
	kind = FieldString
	for p < len(s.b) {
		switch c := s.b[p]; {
		case c == '"':
			return p + 1, kind
		case c < ' ':
			return s.refuse(NotJSON, p, fmt.Sprintf("a control character (%#02x) in a string must be escaped", c)), kind
		case c == '\\':
			n := s.escape(p)
			if n < 0 {
				return -1, kind
			}
			kind = FieldEscapedString
			p, s.bits = skipPlain(s.b, p+n, s.bits)
		default:
			s.bits |= uint64(c)
			p++
		}
	}
	return s.unexpected(p, "a closing quote"), kind
}

// escape returns the length of the escape at p.
func (s *scanner) escape(p int) int {
	n, refused := escapeLen(s.b[p:])
	switch refused {
	case "":
		return n
	case HalfSurrogate:
		return s.refuse(refused, p, fmt.Sprintf("%s is one half of a surrogate pair without the other", s.b[p:p+6]))
	}
	return s.refuse(refused, p, fmt.Sprintf("%q is no escape", excerpt(s.b[:min(len(s.b), p+6)], p)))
}
