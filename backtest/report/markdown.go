package report

import (
	"bytes"
	"fmt"
	"strings"
)

// markdown writes the page for a comment, in the dialect of GitHub.
func (p *page) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "## %s\n\n%s\n", escaped(p.title), escaped(strings.Join(p.lead, " ")))
	for _, w := range p.warnings {
		fmt.Fprintf(b, "\n> **%s**\n", escaped(w))
	}
	for i := range p.sections {
		if s := &p.sections[i]; !s.folded {
			s.markdown(b)
		}
	}
}

func (s *section) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n### %s\n", escaped(s.title))
	for _, n := range s.notes {
		fmt.Fprintf(b, "\n%s\n", escaped(n))
	}
	for i := range s.tables {
		if t := &s.tables[i]; t.title != "" {
			fmt.Fprintf(b, "\n**%s**\n", escaped(t.title))
		}
		b.WriteByte('\n')
		s.tables[i].markdown(b)
	}
	if len(s.lines) > 0 {
		b.WriteByte('\n')
	}
	for _, l := range s.lines {
		fmt.Fprintf(b, "    %s\n", plain(l)) // code: nothing in it is special
	}
}

func (t *table) markdown(b *bytes.Buffer) {
	titles, rules := make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i], rules[i] = escaped(c.title), "---"
		if c.right {
			rules[i] = "---:"
		}
	}
	fmt.Fprintf(b, "| %s |\n| %s |\n", strings.Join(titles, " | "), strings.Join(rules, " | "))
	for _, r := range t.rows {
		cells := make([]string, len(r.cells))
		for i := range r.cells {
			if cells[i] = escaped(r.cells[i].written()); (r.mark || r.sum) && cells[i] != "" {
				cells[i] = "**" + cells[i] + "**"
			}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

// special are the characters that Markdown or HTML in it would take for something else than themselves. Behind @ and #,
// with which a comment calls people and other pages, stands a space without width: they are looked for in the page that
// has been made, where an escaped one is as good as any.
var special = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "|", "\\|", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"~", "\\~", "#", "\\#\u200b", "@", "@\u200b", "$", "&#36;", "://", "&#58;//", "www.", "www&#46;")

// escaped is text that means itself in Markdown.
func escaped(s string) string { return special.Replace(plain(s)) }
