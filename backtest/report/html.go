package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The parts of the file: the frame, into which html/template escapes everything that is said, and a style and a script,
// which are allowed by their hashes and by nothing else.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// policy lets the browser load nothing, and run and draw by nothing but our script and our style.
var policy = "default-src 'none'; style-src 'sha256-" + hash(pageCSS) + "'; script-src 'sha256-" + hash(pageJS) + "'; base-uri 'none'; form-action 'none'"

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

var frame = template.Must(template.New("page").Parse(pageHTML))

// The page as the template sees it.
type (
	htmlPage struct {
		Title    string
		Policy   string
		Style    template.CSS
		Script   template.JS
		Lead     []string
		Warnings []string
		Sections []htmlSection
		Folded   []htmlSection
	}
	htmlSection struct {
		ID, Title string
		Notes     []string
		Tables    []htmlTable
		Charts    []chart
		Lines     string
	}
	htmlTable struct {
		Title   string
		Columns []htmlColumn
		Rows    []htmlRow
	}
	htmlColumn struct {
		Title, About string
		Right        bool
	}
	htmlRow struct {
		Cells     []htmlCell
		Sum, Mark bool
	}
	htmlCell struct {
		Text, Sort, Label string
		Bars              []bar // of a spark
		Wide              string
		Right             bool
	}
)

// html writes the page as one file.
func (p *page) html(b *bytes.Buffer) error {
	out := htmlPage{Title: p.title, Policy: policy, Style: template.CSS(pageCSS), Script: template.JS(pageJS), Lead: p.lead, Warnings: p.warnings}
	for i := range p.sections {
		s := p.sections[i].html()
		if p.sections[i].folded {
			out.Folded = append(out.Folded, s)
		} else {
			out.Sections = append(out.Sections, s)
		}
	}
	return frame.Execute(b, out)
}

func (s *section) html() htmlSection {
	out := htmlSection{ID: s.id, Title: s.title, Notes: s.notes, Charts: s.charts, Lines: strings.Join(s.lines, "\n")}
	for i := range s.tables {
		out.Tables = append(out.Tables, s.tables[i].html())
	}
	return out
}

func (t *table) html() htmlTable {
	out := htmlTable{Title: t.title}
	for _, c := range t.columns {
		out.Columns = append(out.Columns, htmlColumn{c.title, c.about, c.right})
	}
	for _, r := range t.rows {
		h := htmlRow{Sum: r.sum, Mark: r.mark}
		for i := range r.cells {
			c := &r.cells[i]
			x := htmlCell{Text: c.text, Label: t.columns[i].title, Right: t.columns[i].right}
			if !math.IsNaN(c.sort) {
				x.Sort = strconv.FormatFloat(c.sort, 'g', -1, 64)
			}
			x.Bars, x.Wide = sparkBars(c.days)
			h.Cells = append(h.Cells, x)
		}
		out.Rows = append(out.Rows, h)
	}
	return out
}

// sparkBars draws the bars of a cell, 3 wide each and at most 20 high. wide is how wide they are together.
func sparkBars(counts []float64) (bars []bar, wide string) {
	most := 0.0
	for _, n := range counts {
		most = max(most, n)
	}
	for i, n := range counts {
		if n > 0 {
			h := max(1.5, n/most*20)
			bars = append(bars, bar{X: strconv.Itoa(3 * i), Y: unit(20 - h), Width: "2.4", Height: unit(h)})
		}
	}
	return bars, strconv.Itoa(3 * len(counts))
}
