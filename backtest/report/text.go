package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// text writes the page for a terminal.
func (p *page) text(b *bytes.Buffer) {
	for _, s := range append(p.lead, p.warnings...) {
		b.WriteString(wrapped(plain(s)))
	}
	for i := range p.sections {
		if s := &p.sections[i]; !s.folded {
			s.text(b)
		}
	}
}

func (s *section) text(b *bytes.Buffer) {
	title := plain(s.title)
	fmt.Fprintf(b, "\n%s\n%s\n", title, strings.Repeat("─", utf8.RuneCountInString(title)))
	for _, n := range s.notes {
		b.WriteString(wrapped(plain(n)))
	}
	for i := range s.tables {
		t := &s.tables[i]
		if i > 0 || len(s.notes) > 0 {
			fmt.Fprintln(b)
		}
		if t.title != "" {
			fmt.Fprintln(b, plain(t.title))
		}
		t.text(b)
	}
	if len(s.lines) > 0 && len(s.tables) > 0 {
		fmt.Fprintln(b)
	}
	for _, l := range s.lines {
		fmt.Fprintln(b, plain(l))
	}
}

// text writes the table with columns as wide as they need.
func (t *table) text(b *bytes.Buffer) {
	widths := make([]int, len(t.columns))
	lines := [][]string{make([]string, len(t.columns))}
	for i, c := range t.columns {
		lines[0][i] = plain(c.title)
	}
	for _, r := range t.rows {
		line := make([]string, len(r.cells))
		for i := range r.cells {
			line[i] = plain(r.cells[i].written())
		}
		if r.mark {
			line[0] = "→ " + line[0]
		}
		lines = append(lines, line)
	}
	for _, l := range lines {
		for i, s := range l {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	for _, l := range lines {
		var out strings.Builder
		for i, s := range l {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s))
			if t.columns[i].right {
				s = pad + s
			} else {
				s += pad
			}
			out.WriteString(s + "  ")
		}
		fmt.Fprintln(b, strings.TrimRight(out.String(), " "))
	}
}

// lineWidth is how long lines of sentences are.
const lineWidth = 110

// wrapped breaks a sentence into lines.
func wrapped(s string) string {
	var out strings.Builder
	at := 0
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > lineWidth:
			out.WriteByte('\n')
			at = 0
		default:
			out.WriteByte(' ')
			at++
		}
		out.WriteString(word)
		at += n
	}
	out.WriteByte('\n')
	return out.String()
}

// written is the cell as text.
func (c *cell) written() string {
	if c.days != nil {
		return spark(c.days)
	}
	return c.text
}

// plain keeps text in its line, and control characters, which a terminal would obey, out of it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == utf8.RuneError:
			return '�'
		}
		return r
	}, s)
}
