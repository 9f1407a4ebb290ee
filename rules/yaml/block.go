package yaml

import "strings"

// block reads the value that begins on the current line in column col; parent is the column of what it belongs to.
func (p *parser) block(col, parent int) *Node {
	p.enter()
	defer p.leave()
	if p.stopped {
		return p.bad(p.pos)
	}
	switch {
	case p.at(0) == '-' && p.blankAt(1):
		return p.blockList(col)
	case p.at(0) == '?' && p.blankAt(1):
		p.stop(p.pos, 1, "", "'? ' begins a complex key in YAML, which is not used here")
		return p.bad(p.pos)
	case p.isKey():
		return p.blockMap(col)
	}
	var e Entry
	n := p.inline(parent, &e)
	n.Foot = append(n.Foot, e.Head...)
	if e.Tail != "" {
		n.Foot = append(n.Foot, e.Tail)
	}
	return n
}

// isKey reports whether a mapping's key begins at pos.
func (p *parser) isKey() bool {
	i := p.pos
	end := p.restOfLine()
	if c := p.src[i]; c == '"' || c == '\'' {
		if i = closingQuote(p.src[:end], i); i < 0 {
			return false
		}
		i++
		for i < end && (p.src[i] == ' ' || p.src[i] == '\t') {
			i++
		}
		return i < end && p.src[i] == ':' && endsKey(p.src, i, end)
	} else if c == '{' || c == '[' {
		return false
	}
	return keyColon(p.src, i, end) >= 0
}

// endsKey reports whether the colon at i ends a key.
func endsKey(src string, i, end int) bool { return i+1 >= end || src[i+1] == ' ' || src[i+1] == '\t' }

// keyColon returns where the colon stands that ends a plain key in src[i:end], or -1.
func keyColon(src string, i, end int) int {
	for j := i; j < end; j++ {
		switch {
		case src[j] == ':' && endsKey(src, j, end):
			return j
		case src[j] == '#' && j > i && (src[j-1] == ' ' || src[j-1] == '\t'):
			return -1
		}
	}
	return -1
}

// closingQuote returns where the quote that opens at i closes, or -1.
func closingQuote(src string, i int) int {
	q := src[i]
	for j := i + 1; j < len(src); j++ {
		switch {
		case src[j] == '\\' && q == '"':
			j++
		case src[j] == q && q == '\'' && j+1 < len(src) && src[j+1] == q:
			j++
		case src[j] == q:
			return j
		}
	}
	return -1
}

// blockMap reads a mapping whose keys stand in column col; pos is on the first one.
func (p *parser) blockMap(col int) *Node {
	n := &Node{Kind: Map, Offset: p.pos}
	seen := map[string]int{}
	for !p.stopped {
		e := p.head()
		key := p.key()
		p.count()
		e.Key = key
		n.End = key.End
		if first, ok := seen[key.Text]; ok {
			p.fail(key.Offset, key.End-key.Offset, "", "the key %s stands here twice: first on line %d", key.Text, p.lineOf(first))
		}
		seen[key.Text] = key.Offset
		e.Value = p.value(col, &e, true)
		n.End = max(n.End, e.Value.End)
		n.Entries = append(n.Entries, e)
		if !p.more(col, false) {
			break
		}
	}
	n.Foot = p.feet(col)
	return n
}

func (p *parser) lineOf(off int) int { return 1 + strings.Count(p.src[:off], "\n") }

// blockList reads a list whose dashes stand in column col; pos is on the first one.
func (p *parser) blockList(col int) *Node {
	n := &Node{Kind: List, Offset: p.pos}
	for !p.stopped {
		e := p.head()
		p.pos++
		p.count()
		e.Value = p.value(col, &e, false)
		n.End = e.Value.End
		n.Entries = append(n.Entries, e)
		if !p.more(col, true) {
			break
		}
	}
	n.Foot = p.feet(col)
	return n
}

// more moves to the next entry of the mapping or list in column col. Lines that belong nowhere are reported and skipped.
func (p *parser) more(col int, list bool) bool {
	for {
		c, ok := p.content()
		if !ok || c < col {
			return false
		}
		dash := p.at(0) == '-' && p.blankAt(1)
		switch {
		case c > col:
			p.fail(p.pos, p.textWidth(), "", "this line is indented deeper than what stands above it allows")
		case dash && list || !dash && !list && p.isKey():
			return true
		case list && p.isKey():
			return false // a list may stand in its key's column
		case dash:
			p.fail(p.pos, 1, "", "a list item stands among the keys of a mapping")
		case list:
			p.fail(p.pos, p.textWidth(), "", "expected an item of the list (- item)")
		default:
			p.noKey()
		}
		p.skipDeeper(col)
	}
}

// noKey reports a line of a mapping that is no key with a value.
func (p *parser) noKey() {
	hint := ""
	if i := strings.IndexByte(p.src[p.pos:p.restOfLine()], ':'); i > 0 {
		hint = "put a space behind the colon"
	}
	p.fail(p.pos, p.textWidth(), hint, "expected a key with its value (key: value)")
}

// textWidth is the width of what is left of the line.
func (p *parser) textWidth() int {
	return len(strings.TrimRight(p.src[p.pos:p.restOfLine()], " \t"))
}

// skipDeeper skips the line and those below it that are indented deeper than col.
func (p *parser) skipDeeper(col int) {
	for {
		p.skipLine()
		c, ok := p.content()
		if !ok || c <= col {
			return
		}
	}
}

// key reads a key and the colon behind it. pos must be on one (isKey).
func (p *parser) key() *Node {
	if c := p.at(0); c == '"' || c == '\'' {
		n := p.quoted(-1)
		p.spaces()
		p.pos++
		return n
	}
	start := p.pos
	colon := keyColon(p.src, p.pos, p.restOfLine())
	end := start + len(strings.TrimRight(p.src[start:colon], " \t"))
	if start == end {
		p.fail(colon, 1, "", "a key is missing before this colon")
	}
	p.indicator(start, end, "key")
	p.pos = colon + 1
	return &Node{Kind: Scalar, Style: Plain, Text: p.src[start:end], Offset: start, End: end, base: start}
}

func (p *parser) spaces() {
	for p.at(0) == ' ' || p.at(0) == '\t' {
		p.pos++
	}
}

// value reads what stands behind a key's colon or an item's dash, in the line or in those below.
func (p *parser) value(parent int, e *Entry, inMap bool) *Node {
	from := p.pos
	p.spaces()
	if p.blankAt(0) || p.at(0) == '#' && p.pos > from {
		p.endLine(e)
		col, ok := p.content()
		switch {
		case ok && col > parent:
			return p.block(col, parent)
		case ok && col == parent && inMap && p.at(0) == '-' && p.blankAt(1):
			return p.block(col, parent)
		}
		return &Node{Kind: Empty, Offset: from, End: from}
	}
	if !inMap && (p.at(0) == '-' && p.blankAt(1) || p.isKey()) {
		return p.block(p.pos-p.bol, parent)
	}
	return p.inline(parent, e)
}

// inline reads a scalar or a flow collection that begins at pos, up to the end of its last line.
func (p *parser) inline(parent int, e *Entry) (n *Node) {
	p.count()
	start := p.pos
	switch c := p.at(0); {
	case c == '|' || c == '>':
		return p.blockScalar(parent, e)
	case c == '"' || c == '\'':
		n = p.quoted(parent)
	case c == '[' || c == '{':
		n = p.flow(parent)
		e.Head = append(e.Head, p.inFlow...)
		p.inFlow = nil
	case c == '-' && p.blankAt(1):
		p.fail(p.pos, 1, "begin the list on the next line", "a list cannot begin on its key's line")
		p.skipDeeper(parent)
		return p.bad(start)
	default:
		return p.plain(parent, e)
	}
	if n.Kind == Bad {
		return n
	}
	p.spaces()
	if p.blankAt(0) || p.at(0) == '#' && p.blankBefore() {
		p.endLine(e)
		return n
	}
	p.behind(n)
	p.skipDeeper(parent)
	return p.bad(start)
}

// blankBefore reports whether the byte before pos is white space.
func (p *parser) blankBefore() bool {
	return p.pos > 0 && (p.src[p.pos-1] == ' ' || p.src[p.pos-1] == '\t')
}

// behind reports text that stands behind a quoted scalar or a flow collection.
func (p *parser) behind(n *Node) {
	whole := p.src[n.Offset:p.restOfLine()]
	switch {
	case n.Style == Flow && strings.HasPrefix(whole, "{{"):
		p.fail(n.Offset, 2, "put quotes around the whole text", "a text that begins with {{ must be quoted: to YAML '{' begins a mapping")
	case n.Style == Flow:
		p.fail(n.Offset, 1, "put quotes around the whole value", "a value that begins with %c is a %s to YAML, and nothing may stand behind it",
			whole[0], map[byte]string{'{': "mapping", '[': "list"}[whole[0]])
	default:
		p.fail(n.Offset, n.End-n.Offset, "put quotes around the whole value: "+Quote(strings.TrimRight(whole, " \t")),
			"a value that begins with a quote ends with that quote, and nothing may stand behind it")
	}
}

// endLine reads the comment at the end of a line and moves to the next line.
func (p *parser) endLine(e *Entry) {
	p.spaces()
	if p.at(0) == '#' {
		e.Tail = strings.TrimRight(p.src[p.pos:p.restOfLine()], " \t")
	}
	p.skipLine()
}
