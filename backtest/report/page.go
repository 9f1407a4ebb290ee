package report

import (
	"math"
	"slices"

	"kelpie/backtest"
)

// page is a report before it has a form.
type page struct {
	title    string
	lead     []string // what was read, in sentences
	warnings []string // what makes the figures say less than they seem to
	sections []section
}

// section is a part of a page. It is never empty.
type section struct {
	id, title string
	notes     []string
	tables    []table
	lines     []string // as they are, under the tables
	charts    []chart
	folded    bool // details: in HTML folded, in other forms left out
}

// table is rows under columns. The first column names the row.
type table struct {
	title   string // "" if the section's is enough
	columns []column
	rows    []row
}

type column struct {
	title string
	about string // what it means, where its title does not say it all
	right bool   // numbers, at the right
	spare bool   // it goes if all its cells are bare
}

type row struct {
	cells []cell
	sum   bool // of the others: it stays at the end
	mark  bool // it is the one to look at
}

// cell is one value of a table.
type cell struct {
	text string
	sort float64   // by which rows are put in order; NaN: by its text
	days []float64 // drawn as small bars; text is then empty
	bare bool      // it says nothing: no value, or none of something
}

func words(text string) cell { return cell{text: text, sort: math.NaN(), bare: text == ""} }

func count(n int64) cell { return cell{text: thousands(n), sort: float64(n), bare: n == 0} }

// none stands where there is no value.
func none() cell { return cell{text: "–", sort: -math.MaxFloat64, bare: true} }

// ratio is a share, or another number of about that size; nil: there is none.
func ratio(v *float64) cell {
	if v == nil {
		return none()
	}
	return cell{text: share(*v), sort: *v}
}

// trim takes out the spare columns that say nothing.
func (t *table) trim() {
	for i := len(t.columns) - 1; i >= 0; i-- {
		if !t.columns[i].spare || slices.ContainsFunc(t.rows, func(r row) bool { return !r.cells[i].bare }) {
			continue
		}
		t.columns = slices.Delete(t.columns, i, i+1)
		for k := range t.rows {
			t.rows[k].cells = slices.Delete(t.rows[k].cells, i, i+1)
		}
	}
}

// newPage makes a page of a result.
func newPage(res *backtest.Result) *page {
	p := &page{title: "Backtest"}
	p.history(res)
	for _, make := range []func(*backtest.Result) *section{rulesSection, truthSection, changesSection, sweepSection, overlapSection, keysSection, explainedSection} {
		if s := make(res); s != nil {
			p.sections = append(p.sections, *s)
		}
	}
	p.sections = append(p.sections, ruleSections(res)...)
	return p
}
