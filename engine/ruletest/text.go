package ruletest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"kelpie/engine"
	"kelpie/engine/whynot"
	"kelpie/event"
)

// Text tells how a failed test went, over several lines: the problems, what was expected beside what opened, and why
// not. Of a test that passed it is empty.
func (r *Result) Text() string {
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s\n", p)
	}
	if len(r.Problems) > 0 || r.Passed() {
		return b.String()
	}
	rows, shown := [][3]string{{"", "expected", "actual"}}, r.Lines[:min(len(r.Lines), maxShown)]
	for i := range shown {
		rows = append(rows, shown[i].rows()...)
	}
	writeTable(&b, rows)
	if n := len(r.Lines) - len(shown); n > 0 {
		fmt.Fprintf(&b, "\n… and %d more\n", n)
	}
	for _, l := range shown {
		if l.Why != nil {
			b.WriteString("\nwhy not, as expected at " + l.Expect.At.String() + ":\n")
			l.Why.write(&b)
		}
	}
	return b.String()
}

// rows are the rows of the table of expected and actual; a mark stands where they differ.
func (l *Line) rows() (out [][3]string) {
	out = append(out, [3]string{})
	for _, m := range l.Members {
		row := [3]string{" ", m.Name + ": " + plain(m.Name, m.Want), m.Name + ": " + plain(m.Name, m.Got)}
		switch {
		case l.Expect == nil:
			row[0], row[1] = "+", ""
		case l.Opening == nil:
			row[0], row[2] = "-", ""
		case !m.Same:
			row[0] = "≠"
		}
		out = append(out, row)
	}
	switch {
	case l.Expect == nil:
		out[1][1] = "nothing more"
	case l.Opening == nil && len(l.Members) == 0:
		out = append(out, [3]string{"-", "an opening", "none"})
	case l.Opening == nil:
		out[1][2] = "no such opening"
	}
	return out
}

// plain takes the quotes off a time, which needs none to be known as one.
func plain(name, text string) string {
	if name == "time" {
		return strings.Trim(text, `"`)
	}
	return text
}

const (
	maxShown    = 20 // lines of a test; who needs all asks for JSON
	columnWidth = 48
	indent      = "  "
)

// writeTable writes rows of a mark and two columns. Columns are as wide as they need, and no row is cut.
func writeTable(b *strings.Builder, rows [][3]string) {
	width := 0
	for _, r := range rows {
		if n := utf8.RuneCountInString(r[1]); n <= columnWidth {
			width = max(width, n)
		}
	}
	for _, r := range rows {
		pad := max(0, width-utf8.RuneCountInString(r[1]))
		line := fmt.Sprintf("%-1s %s%s   %s", r[0], r[1], strings.Repeat(" ", pad), r[2])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// write tells the miss.
func (m *Miss) write(b *strings.Builder) {
	b.WriteString(indent + m.Reason + "\n")
	if !m.Judged {
		return
	}
	fmt.Fprintf(b, indent+"judged as of %s for key %s, %s\n", event.FormatTime(m.AsOf), keyText(m.Key), m.cause())
	if len(m.Values) > 0 {
		b.WriteString(indent + whynot.ValuesText(m.Values) + "\n")
	}
	if len(m.Parts) < 2 && m.Abstained == "" {
		if len(m.Parts) == 0 || sameNames(m.Parts[0].Values, m.Values) {
			return
		}
	}
	for _, p := range m.Parts {
		b.WriteString(indent + indent + p.Text() + "\n")
	}
}

// cause says what the rule was judged on.
func (m *Miss) cause() string {
	switch {
	case m.Event != nil:
		return fmt.Sprintf("on event %d (%s)", m.Number, m.Event.At)
	case m.Window != nil:
		return "when the window from " + event.FormatTime(m.Window.Start) + " closed"
	}
	return "when its windows closed"
}

func sameNames(a, b []engine.NamedValue) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}
