package yaml

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// indicator reports a plain scalar that begins with a character that means something to YAML. It is read as text all
// the same, so that nothing else about it is reported.
func (p *parser) indicator(start, end int, what string) {
	if start >= end {
		return
	}
	text := p.src[start:end]
	var why string
	switch text[0] {
	case '*':
		why = "an unquoted * begins an alias in YAML"
	case '&':
		why = "an unquoted & begins an anchor in YAML"
	case '!':
		why = "an unquoted ! begins a tag in YAML"
	case '%', '@', '`':
		why = fmt.Sprintf("YAML does not allow a %s to begin with %c", what, text[0])
	case '?':
		if len(text) > 1 && text[1] != ' ' {
			return
		}
		why = "an unquoted '? ' begins a complex key in YAML"
	case '|', '>', ',', ']', '}', '#', '{', '[':
		why = fmt.Sprintf("YAML does not allow a %s to begin with %c", what, text[0])
	default:
		return
	}
	p.fail(start, 1, "put quotes around it: "+Quote(text), "%s", why)
}

// plain reads an unquoted scalar of a block, which may go on in deeper lines.
func (p *parser) plain(parent int, e *Entry) *Node {
	start, lineFrom := p.pos, p.pos
	end, comment := p.plainLine(start)
	p.indicator(start, end, "value")
	ok := p.colon(lineFrom, end, start)
	var t scalarText
	for !comment && !p.stopped {
		next, blanks, more := p.continuation(end, parent)
		if !more {
			break
		}
		if t.b == nil {
			t.copy(p.src, start, end)
		}
		p.bol = next
		p.pos = next + indent(p.src, next)
		if blanks == 0 {
			t.put(" ", end)
		}
		t.breaks(blanks, end)
		from := p.pos
		end, comment = p.plainLine(from)
		ok = ok && p.colon(from, end, start)
		t.copy(p.src, from, end)
	}
	p.pos = end
	p.endLine(e)
	if !ok {
		return p.bad(start)
	}
	if t.b == nil {
		return &Node{Kind: Scalar, Style: Plain, Text: p.src[start:end], Offset: start, End: end, base: start}
	}
	return t.node(Plain, start, end)
}

// plainLine returns where the text of a plain scalar's line ends, and whether a comment follows.
func (p *parser) plainLine(i int) (end int, comment bool) {
	end = lineEnd(p.src, i)
	for j := i + 1; j < end; j++ {
		if p.src[j] == '#' && (p.src[j-1] == ' ' || p.src[j-1] == '\t') {
			end, comment = j, true
		}
	}
	return i + len(strings.TrimRight(p.src[i:end], " \t")), comment
}

// colon reports a ": " within a plain scalar: to YAML it would begin a mapping.
func (p *parser) colon(from, end, start int) bool {
	i := keyColon(p.src, from, end)
	if i < 0 {
		return true
	}
	text := strings.TrimRight(p.src[from:end], " \t")
	switch {
	case strings.Contains(text, "?"):
		p.fail(i, 1, "put quotes around it: "+Quote(text), "the ': ' of '? :' ends a key in YAML, so the expression must be quoted")
	case from != start && gluedColon(p.src[start:lineEnd(p.src, start)]) > 0:
		p.fail(start, gluedColon(p.src[start:lineEnd(p.src, start)]), "put a space behind the colon", "this is no key with its value, but a text")
	case from != start:
		p.fail(from, i-from, "check the indentation", "this looks like a key, but continues the value above it")
	default:
		p.fail(i, 1, "put quotes around the value: "+Quote(text), "a ': ' within a value must be quoted: to YAML it ends a key")
	}
	return false
}

// gluedColon returns the length of a key at the beginning of line whose colon has no space behind it, 0 if there is none.
func gluedColon(line string) int {
	i := strings.IndexByte(line, ':')
	if i <= 0 || strings.ContainsAny(line[:i], " ({[\"'") {
		return 0
	}
	return i + 1
}

// continuation looks for the next line of a scalar that ends at end: its start, and the empty lines before it.
func (p *parser) continuation(end, parent int) (next, blanks int, more bool) {
	next = nextLine(p.src, end)
	for next < len(p.src) {
		i := next + indent(p.src, next)
		rest := p.src[i:]
		if rest == "" {
			return next, blanks, false
		}
		switch {
		case rest[0] == '\n' || rest[0] == '\r':
			blanks++
			next = nextLine(p.src, i)
			continue
		case i-next <= parent || rest[0] == '#' || rest[0] == '\t':
			return next, blanks, false
		case i == next && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")):
			return next, blanks, false
		}
		return next, blanks, true
	}
	return next, blanks, false
}

// indent counts the spaces at i.
func indent(src string, i int) (n int) {
	for i+n < len(src) && src[i+n] == ' ' {
		n++
	}
	return n
}

// quoted reads a quoted scalar; its further lines must be indented deeper than parent. pos ends behind the quote.
func (p *parser) quoted(parent int) *Node {
	start := p.pos
	q := p.src[start]
	style := Double
	if q == '\'' {
		style = Single
	}
	var t scalarText
	i := start + 1
	from := i
	for i < len(p.src) {
		switch c := p.src[i]; {
		case c == q && q == '\'' && i+1 < len(p.src) && p.src[i+1] == q:
			t.copy(p.src, from, i)
			t.put("'", i)
			i += 2
			from = i
		case c == q:
			p.pos = i + 1
			if from == start+1 {
				return &Node{Kind: Scalar, Style: style, Text: p.src[from:i], Offset: start, End: i + 1, base: from}
			}
			t.copy(p.src, from, i)
			n := t.node(style, start, i+1)
			n.at[len(n.at)-1] = int32(i)
			return n
		case c == '\\' && q == '"':
			t.copy(p.src, from, i)
			n, ok := p.escape(&t, i)
			if !ok {
				return p.noQuote(start, parent)
			}
			i += n
			from = i
		case c == '\n':
			line := lineEnd(p.src, from)
			t.copy(p.src, from, from+len(strings.TrimRight(p.src[from:line], " \t")))
			next, ok := p.fold(&t, line, parent)
			if !ok {
				return p.noQuote(start, parent)
			}
			i, from = next, next
		default:
			i++
		}
	}
	return p.noQuote(start, parent)
}

// noQuote reports a quote that does not close, and reads on below it.
func (p *parser) noQuote(start, parent int) *Node {
	if n := len(p.errs); n == 0 || p.errs[n-1].Offset < start {
		p.fail(start, 1, "", "this quote is not closed")
	}
	p.pos = start
	p.skipDeeper(parent)
	return p.bad(start)
}

// fold reads the line break at line and the empty lines and the indentation behind it.
func (p *parser) fold(t *scalarText, line, parent int) (next int, ok bool) {
	next = nextLine(p.src, line)
	breaks := 0
	for next < len(p.src) {
		i := next
		for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
			i++
		}
		if i < len(p.src) && (p.src[i] == '\n' || p.src[i] == '\r') {
			breaks++
			next = nextLine(p.src, i)
			continue
		}
		if i == len(p.src) || indent(p.src, next) <= parent {
			return 0, false
		}
		if breaks == 0 {
			t.put(" ", line)
		}
		t.breaks(breaks, line)
		p.bol = next
		return i, true
	}
	return 0, false
}

// simple are the escapes of one letter.
var simple = map[byte]string{'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r",
	'e': "\x1b", ' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029"}

// escape reads the escape at i and returns its length in the source.
func (p *parser) escape(t *scalarText, i int) (n int, ok bool) {
	if i+1 >= len(p.src) {
		return 0, false
	}
	c := p.src[i+1]
	if s, ok := simple[c]; ok {
		t.put(s, i)
		return 2, true
	}
	switch c {
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if i+2+digits <= len(p.src) {
			r, err := strconv.ParseUint(p.src[i+2:i+2+digits], 16, 32)
			if err == nil && utf8.ValidRune(rune(r)) {
				t.put(string(rune(r)), i)
				return 2 + digits, true
			}
		}
	case '\n', '\r': // joins the lines without a space
		next := nextLine(p.src, i)
		p.bol = next
		for next < len(p.src) && (p.src[next] == ' ' || p.src[next] == '\t') {
			next++
		}
		return next - i, true
	}
	p.fail(i, 2, `in single quotes a \ stands for itself`, `\%c is no escape in a double-quoted text`, p.runeAt(i+1))
	return 0, false
}

func (p *parser) runeAt(i int) rune {
	r, _ := utf8.DecodeRuneInString(p.src[i:])
	return r
}

// blockScalar reads a literal (|) or folded (>) scalar.
func (p *parser) blockScalar(parent int, e *Entry) *Node {
	start := p.pos
	style, chomp, explicit := Literal, byte(0), 0
	if p.at(0) == '>' {
		style = Folded
	}
	for p.pos++; !p.blankAt(0); p.pos++ {
		switch c := p.at(0); {
		case (c == '-' || c == '+') && chomp == 0:
			chomp = c
		case c >= '1' && c <= '9' && explicit == 0:
			explicit = int(c - '0')
		default:
			return p.badHeader(start, parent)
		}
	}
	p.spaces()
	if !p.blankAt(0) && p.at(0) != '#' {
		return p.badHeader(start, parent)
	}
	p.endLine(e)
	in := p.blockIndent(parent, explicit)
	var t scalarText
	end := p.blockLines(&t, in, style, chomp)
	n := t.node(style, start, end)
	p.bol = p.pos
	return n
}

func (p *parser) badHeader(start, parent int) *Node {
	p.pos = start
	text := p.src[start:p.restOfLine()]
	p.fail(start, 1, "put quotes around it: "+Quote(strings.TrimRight(text, " \t")), "%c begins a block of text in YAML, and nothing may stand behind it", text[0])
	p.skipDeeper(parent)
	return p.bad(start)
}

// blockIndent returns the indentation of a block scalar's lines.
func (p *parser) blockIndent(parent, explicit int) int {
	if explicit > 0 {
		return max(parent, 0) + explicit
	}
	for i := p.pos; i < len(p.src); i = nextLine(p.src, i) {
		n := indent(p.src, i)
		if lineEnd(p.src, i) > i+n {
			return max(n, parent+1)
		}
	}
	return parent + 1
}

// blockLines reads the lines of a block scalar and returns where its last one ends. pos ends on the first other line.
func (p *parser) blockLines(t *scalarText, in int, style Style, chomp byte) (end int) {
	end = p.pos
	breaks, first, deeper := 0, true, false
	for p.pos < len(p.src) {
		n := indent(p.src, p.pos)
		stop := lineEnd(p.src, p.pos)
		if n < in && p.pos+n < stop {
			break
		}
		from := min(p.pos+in, stop)
		if n == 0 && in == 0 && p.marker() {
			break
		}
		next := nextLine(p.src, p.pos)
		if from == stop {
			breaks++
			p.pos = next
			continue
		}
		more := p.src[from] == ' ' || p.src[from] == '\t'
		switch {
		case first:
			t.breaks(breaks, end)
		case style == Literal || deeper || more:
			t.breaks(breaks+1, end)
		case breaks == 0:
			t.put(" ", end)
		default:
			t.breaks(breaks, end)
		}
		t.copy(p.src, from, stop)
		end, breaks, first, deeper = stop, 0, false, more
		p.pos = next
	}
	switch {
	case chomp == '+' && first:
		t.breaks(breaks, end)
	case chomp == '+':
		t.breaks(breaks+1, end)
	case chomp == 0 && !first:
		t.put("\n", end)
	}
	return end
}
