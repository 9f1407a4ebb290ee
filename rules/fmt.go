package rules

import (
	"strings"
	"unicode/utf8"

	"kelpie/rules/yaml"
)

// Format writes a file of rules in its canonical form: keys in one order, facts in their short form, values aligned,
// strings quoted only where they must be. Comments stay with what they stand beside. Formatting twice changes
// nothing more, and never the meaning. Only a file whose YAML cannot be read is refused, with Errors.
func Format(src []byte) ([]byte, error) {
	text := string(src)
	tree, errs := yaml.Parse(text)
	if len(errs) > 0 {
		rd := &reader{loader: newLoader(Options{}), source: newSource("", text)}
		for _, e := range errs {
			rd.errorAt(e.Offset, e.Offset+e.Width, e.Hint, "%s", e.Message)
		}
		return nil, rd.errs.sorted()
	}
	if tree.Kind != yaml.Map && tree.Kind != yaml.Empty {
		rd := &reader{loader: newLoader(Options{}), source: newSource("", text)}
		rd.mapping(tree, "a file of rules")
		return nil, rd.errs
	}
	p := &printer{}
	p.collection(canonicalFile(tree), 0)
	return []byte(p.b.String()), nil
}

// layout is a value laid out for printing.
type layout struct {
	text    string   // a scalar, as it is written in one line
	lines   []string // a scalar of several lines: its header and its lines
	list    bool
	entries []layoutEntry // of a mapping or list, if neither of the above
	flow    bool          // may stand in one line
	align   bool          // values stand in one column
	apart   bool          // entries are set apart by empty lines
	foot    []string
}

type layoutEntry struct {
	key   string // "" in a list
	value *layout
	head  []string
	tail  string
	blank bool
}

func (l *layout) scalar() bool { return l.entries == nil && l.lines == nil && l.text != "" }

// fmtWidth is the column that lines should not go beyond.
const fmtWidth = 110

// inline returns a collection in one line, if it may stand so.
func (l *layout) inline() (string, bool) {
	if l.scalar() {
		return l.text, true
	}
	if !l.flow || l.lines != nil || l.foot != nil {
		return "", false
	}
	var parts []string
	for _, e := range l.entries {
		v, ok := e.value.inline()
		if !ok || e.head != nil || e.tail != "" || e.value.scalar() && !flowSafe(v) {
			return "", false
		}
		if !l.list {
			v = e.key + ": " + v
		}
		parts = append(parts, v)
	}
	if l.list {
		return "[" + strings.Join(parts, ", ") + "]", true
	}
	return "{" + strings.Join(parts, ", ") + "}", true
}

// flowSafe reports whether a scalar as written means the same inside a flow collection.
func flowSafe(s string) bool {
	return s[0] == '"' || s[0] == '\'' || !strings.ContainsAny(s, ",[]{}")
}

// printer prints a layout.
type printer struct {
	b strings.Builder
}

// collection prints the entries of a mapping or list, each indented by so many spaces.
func (p *printer) collection(l *layout, indent int) {
	pad := strings.Repeat(" ", indent)
	widths := l.keyWidths()
	for i, e := range l.entries {
		if i > 0 && (e.blank || l.apart) {
			p.b.WriteByte('\n')
		}
		p.comments(e.head, pad)
		p.b.WriteString(pad)
		if l.list {
			p.b.WriteByte('-')
		} else {
			p.b.WriteString(e.key + ":")
		}
		p.value(e, indent, widths[i])
	}
	if len(l.foot) > 0 {
		p.comments(l.foot, pad)
	}
}

func (p *printer) comments(lines []string, pad string) {
	for _, c := range lines {
		if c != "" {
			c = pad + c
		}
		p.b.WriteString(c + "\n")
	}
}

// value prints what stands behind a key's colon or an item's dash; width is that of the widest key beside it.
func (p *printer) value(e layoutEntry, indent, width int) {
	tail := ""
	if e.tail != "" {
		tail = "  " + e.tail
	}
	v := e.value
	space := strings.Repeat(" ", 1+max(0, width-utf8.RuneCountInString(e.key)))
	if s, ok := v.inline(); ok && (v.scalar() || fits(s, indent, e.key, tail)) {
		p.b.WriteString(space + s + tail + "\n")
		return
	}
	pad := strings.Repeat(" ", indent+2)
	switch {
	case v.lines != nil:
		p.b.WriteString(" " + v.lines[0] + tail + "\n")
		p.comments(v.lines[1:], pad)
	case len(v.entries) == 0 && v.list:
		p.b.WriteString(" []" + tail + "\n")
	case len(v.entries) == 0 && v.entries != nil && v.foot == nil:
		p.b.WriteString(" {}" + tail + "\n")
	case len(v.entries) == 0:
		p.b.WriteString(tail + "\n")
		p.comments(v.foot, pad)
	case e.key == "" && !v.list && tail == "" && v.entries[0].head == nil:
		p.b.WriteByte(' ')
		p.item(v, indent+2)
	default:
		p.b.WriteString(tail + "\n")
		p.collection(v, indent+2)
	}
}

// item prints a mapping whose first entry stands behind its item's dash.
func (p *printer) item(l *layout, indent int) {
	first := l.entries[0]
	p.b.WriteString(first.key + ":")
	p.value(first, indent, 0)
	rest := *l
	rest.entries, rest.align = l.entries[1:], false
	if len(rest.entries) > 0 && rest.entries[0].blank {
		p.b.WriteByte('\n')
	}
	p.collection(&rest, indent)
}

func fits(s string, indent int, key, tail string) bool {
	return indent+utf8.RuneCountInString(key)+2+utf8.RuneCountInString(s)+utf8.RuneCountInString(tail) <= fmtWidth
}

// keyWidths returns for each entry the width of the widest key in the run of one-line entries that it belongs to, 0
// where values are not aligned.
func (l *layout) keyWidths() []int {
	widths := make([]int, len(l.entries))
	if !l.align {
		return widths
	}
	for i := 0; i < len(l.entries); {
		j, widest := i, 0
		for ; j < len(l.entries); j++ {
			e := l.entries[j]
			if j > i && (e.blank || e.head != nil) || e.value.lines != nil {
				break
			}
			widest = max(widest, utf8.RuneCountInString(e.key))
		}
		for k := i; k < j; k++ {
			widths[k] = widest
		}
		i = max(j, i+1)
	}
	return widths
}
