package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// table is what the command prints.
type table struct {
	machine machine
	rows    []row
}

// yardstick is how fast json.Valid was, over all rows.
func (t *table) yardstick() string {
	var rates []float64
	for i := range t.rows {
		if r := t.rows[i].JSONValid.Mid; r > 0 {
			rates = append(rates, r)
		}
	}
	if len(rates) == 0 {
		return "json.Valid was not timed"
	}
	s := spreadOf(rates)
	return fmt.Sprintf("json.Valid on the same events, one core: %s/s (%s–%s by study), %.0f ns an event", short(s.Mid), short(s.Low), short(s.High), 1e9/s.Mid)
}

// text returns the table for a terminal.
func (t *table) text() string {
	var b bytes.Buffer
	for _, l := range append(t.machine.lines(), t.yardstick()) {
		fmt.Fprintln(&b, l)
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(columns, "\t"))
	for i := range t.rows {
		fmt.Fprintln(w, strings.Join(t.rows[i].cells(), "\t"))
	}
	_ = w.Flush() // to memory
	return b.String()
}

// markdown returns the table for a README.
func (t *table) markdown() string {
	var b strings.Builder
	for _, l := range append(t.machine.lines(), t.yardstick()) {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for i := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(t.rows[i].cells(), " | "))
	}
	return b.String()
}

// What stands between these lines of a README is the table.
const (
	tableBegin = "<!-- the table: go run ./bench -write -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// write puts the table into a README.
func (t *table) write(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s: the lines are missing between which the table stands", name)
	}
	return os.WriteFile(name, []byte(before+tableBegin+"\n"+t.markdown()+"\n"+tableEnd+after), 0o666)
}
