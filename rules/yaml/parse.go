package yaml

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of one source. A person's file is far below them.
const (
	MaxSize   = 4 << 20  // bytes
	MaxLine   = 64 << 10 // bytes of one line
	MaxDepth  = 64       // levels of nesting
	MaxNodes  = 400_000  // values and keys
	MaxErrors = 100      // after which reading stops
)

// Parse reads one document. The tree is never nil; where there are errors it holds what could be read, with Bad nodes
// in place of what could not. Errors are in the order of the source.
func Parse(src string) (*Node, []*Error) {
	p := &parser{src: src}
	if !p.readable() {
		return &Node{Kind: Bad}, p.errs
	}
	n := p.document()
	return n, p.errs
}

// parser reads line by line. Between two lines, pos stands on the first content byte of the next one.
type parser struct {
	src     string
	pos     int
	bol     int // where the line of pos begins
	depth   int
	nodes   int
	stopped bool // a limit was hit, or going on would only give follow-on errors
	started bool // something of the document has been read
	pending []comment
	blank   bool
	inFlow  []string // comments met inside a flow collection
	errs    []*Error
}

// comment is a comment on a line of its own, not yet given to an entry.
type comment struct {
	text string
	col  int
}

func (p *parser) fail(off, width int, hint, format string, args ...any) {
	if p.stopped {
		return
	}
	p.errs = append(p.errs, &Error{Offset: off, Width: max(width, 1), Message: fmt.Sprintf(format, args...), Hint: hint})
	p.stopped = len(p.errs) >= MaxErrors
}

// stop reports what makes further reading pointless.
func (p *parser) stop(off, width int, hint, format string, args ...any) {
	p.fail(off, width, hint, format, args...)
	p.stopped = true
}

// readable checks size and characters before anything is read.
func (p *parser) readable() bool {
	if len(p.src) > MaxSize {
		p.stop(0, 1, "split it into several files", "the file has %d bytes, more than the %d that are read", len(p.src), MaxSize)
		return false
	}
	line := 0
	for i := 0; i < len(p.src); {
		c := p.src[i]
		if c == '\n' {
			line = i + 1
		}
		if i-line > MaxLine {
			p.stop(line, 1, "break it into several lines", "the line has more than %d bytes", MaxLine)
			return false
		}
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' && !(c == '\r' && i+1 < len(p.src) && p.src[i+1] == '\n') || c == 0x7f {
				p.stop(i, 1, "", "the control character %#02x is not allowed in a file of rules", c)
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(p.src[i:])
		if r == utf8.RuneError && n == 1 {
			p.stop(i, 1, "save the file as UTF-8", "the byte %#02x is not UTF-8", c)
			return false
		}
		i += n
	}
	if strings.HasPrefix(p.src, "\ufeff") {
		p.pos, p.bol = 3, 3
	}
	return true
}

func (p *parser) document() *Node {
	col, ok := p.content()
	if !ok {
		return &Node{Kind: Empty, Foot: p.feet(0), Offset: p.pos, End: p.pos}
	}
	p.started = true
	n := p.block(col, -1)
	for !p.stopped {
		if _, ok := p.content(); !ok {
			break
		}
		p.fail(p.pos, p.restOfLine()-p.pos, "", "this does not belong to what stands above it: check the indentation")
		p.skipLine()
	}
	n.Foot = append(n.Foot, p.feet(0)...)
	return n
}

// at returns the byte i places on, 0 at the end.
func (p *parser) at(i int) byte {
	if p.pos+i < len(p.src) {
		return p.src[p.pos+i]
	}
	return 0
}

// blankAt reports whether a space, a tab, a line break or the end stands i places on.
func (p *parser) blankAt(i int) bool {
	if p.pos+i >= len(p.src) {
		return true
	}
	switch p.src[p.pos+i] {
	case ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

// restOfLine returns where the text of the current line ends, white space at its end included.
func (p *parser) restOfLine() int { return lineEnd(p.src, p.pos) }

// lineEnd returns the offset of the line break that ends the line of i.
func lineEnd(src string, i int) int {
	j := strings.IndexByte(src[i:], '\n')
	if j < 0 {
		return len(src)
	}
	if j > 0 && src[i+j-1] == '\r' {
		j--
	}
	return i + j
}

// nextLine returns where the line behind the one of i begins.
func nextLine(src string, i int) int {
	if j := strings.IndexByte(src[i:], '\n'); j >= 0 {
		return i + j + 1
	}
	return len(src)
}

func (p *parser) skipLine() {
	p.pos = nextLine(p.src, p.pos)
	p.bol = p.pos
}

// content moves to the next content, which may be where pos stands already, and returns its column from 0.
// Comments and empty lines on the way are kept for the entry that follows. ok is false at the end.
func (p *parser) content() (col int, ok bool) {
	for !p.stopped {
		if p.pos >= len(p.src) {
			return 0, false
		}
		for p.at(0) == ' ' {
			p.pos++
		}
		switch c := p.at(0); {
		case p.pos >= len(p.src):
			return 0, false
		case c == '\t':
			if !p.tab() {
				return 0, false
			}
		case c == '\n' || c == '\r':
			if strings.TrimSpace(p.src[p.bol:p.pos]) == "" {
				p.blankLine()
			}
			p.skipLine()
		case c == '#':
			p.pending = append(p.pending, comment{strings.TrimRight(p.src[p.pos:p.restOfLine()], " \t"), p.pos - p.bol})
			p.skipLine()
		case p.pos == p.bol && p.marker():
			if !p.afterMarker() {
				return 0, false
			}
		default:
			return p.pos - p.bol, true
		}
	}
	return 0, false
}

// tab handles a tab before a line's content: harmless on an empty line only.
func (p *parser) tab() bool {
	rest := strings.TrimLeft(p.src[p.pos:p.restOfLine()], " \t")
	if rest == "" || rest[0] == '#' {
		for p.at(0) == ' ' || p.at(0) == '\t' {
			p.pos++
		}
		return true
	}
	p.stop(p.pos, 1, "replace the tab by spaces", "YAML does not allow tabs as indentation")
	return false
}

// marker reports whether the line is a document marker or a directive.
func (p *parser) marker() bool {
	s := p.src[p.pos:]
	return (strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...")) && p.blankAt(3) || !p.started && s[0] == '%'
}

// afterMarker goes on behind a "---" at the very beginning and refuses everything else.
func (p *parser) afterMarker() bool {
	switch {
	case p.at(0) == '%':
		p.stop(p.pos, p.restOfLine()-p.pos, "remove the line", "YAML directives are not used here")
	case p.at(0) == '.' || p.started:
		rest := strings.TrimSpace(strings.TrimLeft(p.src[p.pos:], ".-"))
		if rest != "" {
			p.stop(p.pos, 3, "write one document a file", "a file holds one YAML document; this begins another one")
		}
		p.pos = len(p.src)
	default:
		p.started = true
		p.pos += 3
		return true
	}
	return false
}

// blankLine notes an empty line: above the entry that follows, or between its comments.
func (p *parser) blankLine() {
	n := len(p.pending)
	switch {
	case n == 0:
		p.blank = true
	case p.pending[n-1].text != "":
		p.pending = append(p.pending, comment{"", p.pending[n-1].col})
	}
}

// head takes the comments that stand above an entry.
func (p *parser) head() (e Entry) {
	for _, c := range p.pending {
		e.Head = append(e.Head, c.text)
	}
	e.Blank = p.blank
	p.pending, p.blank = nil, false
	return e
}

// feet takes the comments behind the last entry of a collection whose entries stand in a column.
func (p *parser) feet(col int) (out []string) {
	for len(p.pending) > 0 && p.pending[0].col >= col {
		out = append(out, p.pending[0].text)
		p.pending = p.pending[1:]
	}
	if n := len(out); n > 0 && out[n-1] == "" {
		out = out[:n-1]
		p.blank = true
	}
	return out
}

// count counts a value against the limit.
func (p *parser) count() {
	p.nodes++
	if p.nodes > MaxNodes {
		p.stop(p.pos, 1, "split it into several files", "the file has more than %d values", MaxNodes)
	}
}

// enter begins a collection; leave ends it.
func (p *parser) enter() {
	p.depth++
	if p.depth > MaxDepth {
		p.stop(p.pos, 1, "", "this is nested deeper than %d levels", MaxDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// bad is the node for what could not be read.
func (p *parser) bad(off int) *Node { return &Node{Kind: Bad, Offset: off, End: max(off, p.pos)} }
