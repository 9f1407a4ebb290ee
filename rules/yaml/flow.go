package yaml

import "strings"

// flow reads a flow collection. Its lines must be indented deeper than parent. After an error the outermost
// collection is skipped, so that it is reported once.
func (p *parser) flow(parent int) *Node {
	start := p.pos
	f := &flowParser{parser: p, parent: parent}
	if n := f.collection(); n != nil {
		return n
	}
	p.pos = start
	p.skipDeeper(parent)
	return p.bad(start)
}

type flowParser struct {
	*parser
	parent int
	open   []int // where the collections begin that are not closed yet
}

// collection reads [ … ] or { … }; nil after an error.
func (f *flowParser) collection() *Node {
	f.enter()
	defer f.leave()
	if f.stopped {
		return nil
	}
	f.open = append(f.open, f.pos)
	defer func() { f.open = f.open[:len(f.open)-1] }()
	n := &Node{Kind: List, Style: Flow, Offset: f.pos}
	end, read := byte(']'), f.item
	if f.at(0) == '{' {
		n.Kind, end = Map, '}'
		seen := map[string]bool{}
		read = func() (Entry, bool) { return f.pair(seen) }
	}
	f.pos++
	for {
		if !f.space() {
			return nil
		}
		if f.at(0) == end {
			f.pos++
			n.End = f.pos
			return n
		}
		if f.at(0) == ',' {
			f.fail(f.pos, 1, "", "nothing stands before this comma")
			return nil
		}
		e, ok := read()
		f.count()
		if !ok || !f.space() {
			return nil
		}
		n.Entries = append(n.Entries, e)
		switch c := f.at(0); {
		case c == ',':
			f.pos++
		case c != end:
			f.unexpected(end)
			return nil
		}
	}
}

// unexpected reports what stands where a comma or the end should.
func (f *flowParser) unexpected(end byte) {
	switch c := f.at(0); {
	case c == '[' || c == '{':
		f.fail(f.pos, 1, "put quotes around the whole value", "a %c within a value must be quoted inside %s: to YAML it begins a %s", c,
			brackets(end), map[byte]string{'[': "list", '{': "mapping"}[c])
	case c == ':' && end == ']':
		f.fail(f.pos, 1, "put { } around the pair", "a key with a value cannot stand in a list")
	case c == ':':
		f.fail(f.pos, 1, "put quotes around the value", "a ': ' within a value must be quoted: to YAML it ends a key")
	default:
		f.fail(f.pos, 1, "", "expected a comma or %c", end)
	}
}

func brackets(end byte) string {
	if end == ']' {
		return "[…]"
	}
	return "{…}"
}

// space skips white space, line breaks and comments; false if the collection ends before it is closed.
func (f *flowParser) space() bool {
	for !f.stopped {
		switch c := f.at(0); {
		case f.pos >= len(f.src):
			return f.unclosed()
		case c == ' ' || c == '\t' || c == '\r':
			f.pos++
		case c == '\n':
			f.pos++
			f.bol = f.pos
			n := indent(f.src, f.pos)
			blank := f.pos+n >= len(f.src) || strings.TrimLeft(f.src[f.pos:lineEnd(f.src, f.pos)], " \t") == ""
			if n <= f.parent && !blank && !f.closes(f.pos+n) {
				return f.unclosed()
			}
		case c == '#' && (f.blankBefore() || f.pos == f.bol):
			f.inFlow = append(f.inFlow, strings.TrimRight(f.src[f.pos:f.restOfLine()], " \t"))
			f.pos = f.restOfLine()
		default:
			return true
		}
	}
	return false
}

// closes reports whether a closing bracket stands at i: it may stand in its key's column.
func (f *flowParser) closes(i int) bool { return f.src[i] == ']' || f.src[i] == '}' }

func (f *flowParser) unclosed() bool {
	at := f.open[len(f.open)-1]
	f.fail(at, 1, "", "this %c is not closed", f.src[at])
	return false
}

// item reads an item of a list.
func (f *flowParser) item() (e Entry, ok bool) {
	e.Value, ok = f.flowValue()
	return e, ok
}

// pair reads a key, its colon and its value.
func (f *flowParser) pair(seen map[string]bool) (e Entry, ok bool) {
	start := f.pos
	if c := f.at(0); c == '[' || c == '{' {
		if c == '{' && f.src[f.pos-1] == '{' {
			f.fail(f.pos-1, 2, "put quotes around the whole text", "a text that begins with {{ must be quoted: to YAML '{' begins a mapping")
		} else {
			f.fail(f.pos, 1, "", "a key must be a text")
		}
		return e, false
	}
	if e.Key, ok = f.flowValue(); !ok || !f.space() {
		return e, false
	}
	f.count()
	key := e.Key
	if f.at(0) != ':' {
		f.noValue(start, key)
		return e, false
	}
	f.pos++
	if seen[key.Text] {
		f.fail(key.Offset, key.End-key.Offset, "", "the key %s stands here twice", key.Text)
	}
	seen[key.Text] = true
	if !f.space() {
		return e, false
	}
	if c := f.at(0); c == ',' || c == '}' {
		e.Value = &Node{Kind: Empty, Offset: f.pos, End: f.pos}
		return e, true
	}
	e.Value, ok = f.flowValue()
	return e, ok
}

// noValue reports a key without a value: nearly always a comma that was meant to be part of the value before it.
func (f *flowParser) noValue(start int, key *Node) {
	width := key.End - key.Offset
	switch {
	case f.at(0) == '[' || f.at(0) == '{':
		f.unexpected('}')
	case strings.Contains(key.Text, ":") && key.Style == Plain:
		f.fail(start, width, "put a space behind the colon", "%s has no value", key.Text)
	case f.lastComma(start):
		f.fail(start, width, "put quotes around a value that holds a comma, or write one key a line",
			"inside {…} a comma ends the value, so %q is read as a key that has no value", key.Text)
	default:
		f.fail(start, width, "", "%s has no value: inside {…} stand pairs (key: value)", key.Text)
	}
}

// lastComma reports whether the entry at i follows a comma.
func (f *flowParser) lastComma(i int) bool {
	return strings.HasSuffix(strings.TrimRight(f.src[f.open[len(f.open)-1]+1:i], " \t\r\n"), ",")
}

// flowValue reads a value inside a flow collection.
func (f *flowParser) flowValue() (*Node, bool) {
	switch f.at(0) {
	case '[', '{':
		n := f.collection()
		return n, n != nil
	case '"', '\'':
		n := f.quoted(f.parent)
		return n, n.Kind != Bad
	}
	return f.flowPlain()
}

// flowPlain reads a plain scalar inside a flow collection.
func (f *flowParser) flowPlain() (*Node, bool) {
	start := f.pos
	var t scalarText
	from, end := f.pos, f.pos
	for f.pos < len(f.src) && !f.endsPlain() {
		switch f.src[f.pos] {
		case '\n':
			t.copy(f.src, from, end)
			next, ok := f.fold(&t, end, f.parent)
			if !ok || f.src[next] == '#' {
				if ok = f.space(); !ok {
					return nil, false
				}
				return f.plainNode(&t, start, end, end)
			}
			f.pos, from, end = next, next, next
		case ' ', '\t', '\r':
			f.pos++
		default:
			f.pos++
			end = f.pos
		}
	}
	return f.plainNode(&t, start, from, end)
}

func (f *flowParser) plainNode(t *scalarText, start, from, end int) (*Node, bool) {
	f.indicator(start, end, "value")
	if start == end {
		f.fail(start, 1, "", "expected a value")
		return nil, false
	}
	if t.b == nil {
		return &Node{Kind: Scalar, Style: Plain, Text: f.src[start:end], Offset: start, End: end, base: start}, true
	}
	t.copy(f.src, from, end)
	n := len(strings.TrimRight(string(t.b), " \n")) // a comment ends it, and the lines before that are none of its
	t.b, t.at = t.b[:n], t.at[:n]
	return t.node(Plain, start, end), true
}

// endsPlain reports whether a plain scalar ends at pos.
func (f *flowParser) endsPlain() bool {
	switch f.src[f.pos] {
	case ',', '[', ']', '{', '}':
		return true
	case ':':
		return f.blankAt(1) || strings.IndexByte(",[]{}", f.at(1)) >= 0
	case '#':
		return f.blankBefore() || f.pos == f.bol
	}
	return false
}
