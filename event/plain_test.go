package event

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// plainScan is what a Decoder does, written as plainly as possible: a byte at a time, with maps, no
// prediction, nothing learned. The tests compare the two, down to the offset of a refusal. It returns the
// fields of all paths, keyed by their parts joined with NUL, and where the value stands.
func plainScan(b []byte) (fields map[string]Field, begin, end int, ref *Refusal) {
	s := plainScanner{b: b, fields: map[string]Field{}}
	defer func() {
		if r, ok := recover().(*Refusal); ok {
			ref = r
		}
		bad := 0
		for bad < len(b) {
			r, size := utf8.DecodeRune(b[bad:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			bad += size
		}
		if bad < len(b) && (ref == nil || bad <= ref.Offset) {
			ref = &Refusal{Reason: InvalidUTF8, Offset: bad}
		}
	}()
	begin = s.space(0)
	end = s.value(begin, nil, 0)
	if p := s.space(end); p < len(b) {
		s.refuse(NotJSON, p)
	}
	return s.fields, begin, end, nil
}

type plainScanner struct {
	b      []byte
	fields map[string]Field
}

func (s *plainScanner) refuse(reason Reason, offset int) {
	panic(&Refusal{Reason: reason, Offset: offset})
}

// at returns the byte at p, 0 after the end.
func (s *plainScanner) at(p int) byte {
	if p < len(s.b) {
		return s.b[p]
	}
	return 0
}

func (s *plainScanner) space(p int) int {
	for p < len(s.b) && strings.IndexByte(" \t\r\n", s.b[p]) >= 0 {
		p++
	}
	return p
}

func (s *plainScanner) expect(p int, text string) int {
	for i := range len(text) {
		if s.at(p+i) != text[i] {
			s.refuse(NotJSON, p+i)
		}
	}
	return p + len(text)
}

// value scans the value at p. Inside of a list there is no path.
func (s *plainScanner) value(p int, path []string, depth int) (end int) {
	kind, off, cut := FieldAbsent, p, 0
	switch c := s.at(p); c {
	case '{':
		end, kind = s.object(p, path, depth+1), FieldObject
	case '[':
		end, kind = s.list(p, depth+1), FieldList
	case '"':
		var text string
		end, text = s.text(p)
		kind, cut = FieldString, 1
		if text != string(s.b[p+1:end-1]) || strings.IndexByte(text, '\\') >= 0 {
			kind = FieldEscapedString
		}
	case 't':
		end, kind = s.expect(p, "true"), FieldTrue
	case 'f':
		end, kind = s.expect(p, "false"), FieldFalse
	case 'n':
		end, kind = s.expect(p, "null"), FieldNull
	default:
		end, kind = s.number(p), FieldNumber
	}
	if path != nil {
		s.fields[strings.Join(path, "\x00")] = Field{uint32(off + cut), uint32(end - cut), kind}
	}
	return end
}

func (s *plainScanner) object(p int, path []string, depth int) int {
	if depth > maxDepth {
		s.refuse(TooDeep, p)
	}
	inList := depth > 1 && path == nil
	if p = s.space(p + 1); s.at(p) == '}' {
		return p + 1
	}
	seen := map[string]bool{}
	for {
		s.expect(p, `"`)
		end, key := s.text(p)
		if seen[key] {
			s.refuse(DuplicateKey, p)
		}
		seen[key] = true
		var below []string
		if !inList {
			below = append(path[:len(path):len(path)], key)
		}
		p = s.value(s.space(s.expect(s.space(end), ":")), below, depth)
		if p = s.space(p); s.at(p) == '}' {
			return p + 1
		}
		p = s.space(s.expect(p, ","))
	}
}

func (s *plainScanner) list(p, depth int) int {
	if depth > maxDepth {
		s.refuse(TooDeep, p)
	}
	if p = s.space(p + 1); s.at(p) == ']' {
		return p + 1
	}
	for {
		p = s.space(s.value(p, nil, depth))
		if s.at(p) == ']' {
			return p + 1
		}
		p = s.space(s.expect(p, ","))
	}
}

// text scans a string literal; the standard library unescapes it.
func (s *plainScanner) text(p int) (end int, text string) {
	from := p
	for p++; s.at(p) != '"'; {
		switch c := s.at(p); {
		case p >= len(s.b), c < ' ':
			s.refuse(NotJSON, p)
		case c == '\\':
			p += s.escape(p)
		default:
			p++
		}
	}
	if err := json.Unmarshal(s.b[from:p+1], &text); err != nil {
		panic(err)
	}
	return p + 1, text
}

func (s *plainScanner) escape(p int) int {
	if s.at(p+1) != 'u' {
		if c := s.at(p + 1); c == 0 || strings.IndexByte(`"\/bfnrt`, c) < 0 {
			s.refuse(NotJSON, p)
		}
		return 2
	}
	unit := func(p int) (u uint16, ok bool) {
		ok = p+6 <= len(s.b) && json.Unmarshal([]byte(`"\u`+string(s.b[p+2:p+6])+`"`), new(string)) == nil
		for i := p + 2; ok && i < p+6; i++ {
			u = u<<4 | uint16(strings.IndexByte("0123456789abcdef", s.b[i]|0x20))
		}
		return u, ok
	}
	high, ok := unit(p)
	if !ok {
		s.refuse(NotJSON, p)
	}
	if high < 0xD800 || high > 0xDFFF {
		return 6
	}
	low, ok := unit(p + 6)
	if high > 0xDBFF || !ok || string(s.b[p+6:p+8]) != `\u` || low < 0xDC00 || low > 0xDFFF {
		s.refuse(HalfSurrogate, p)
	}
	return 12
}

func (s *plainScanner) number(p int) int {
	digits := func(p int) int {
		if c := s.at(p); c < '0' || c > '9' {
			s.refuse(NotJSON, p)
		}
		for s.at(p) >= '0' && s.at(p) <= '9' {
			p++
		}
		return p
	}
	if s.at(p) == '-' {
		p++
	}
	if s.at(p) == '0' {
		p++
	} else {
		p = digits(p)
	}
	if s.at(p) == '.' {
		p = digits(p + 1)
	}
	if s.at(p)|0x20 == 'e' {
		if p++; s.at(p) == '+' || s.at(p) == '-' {
			p++
		}
		p = digits(p)
	}
	return p
}
