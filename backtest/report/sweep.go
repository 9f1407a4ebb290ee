package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"kelpie/backtest"
	"kelpie/backtest/score"
)

// point is what one value of a param that is swept, or one pair of values, came to.
type point struct {
	*backtest.Figures
	params     []backtest.Setting
	best, knee bool // it is this one
}

// points are the points of a sweep. Where all params are of one rule its figures are taken, else those of all rules.
func points(res *backtest.Result) (all []point, of string) {
	for i := range res.Variants {
		v := &res.Variants[i]
		if v.Role != backtest.Point || len(v.Params) == 0 {
			continue
		}
		rule, f := v.Swept()
		if of = rule; rule == "" {
			of = "all rules"
		}
		p := point{Figures: f, params: v.Params}
		if c := res.Choice; c != nil {
			p.best = c.Best != nil && c.Best.Variant == v.Name
			p.knee = c.Knee != nil && c.Knee.Variant == v.Name
		}
		all = append(all, p)
	}
	return all, of
}

// sweepSection says what the values of params that are swept came to.
func sweepSection(res *backtest.Result) *section {
	all, of := points(res)
	if len(all) == 0 {
		return nil
	}
	var names []string
	for _, s := range all[0].params {
		names = append(names, s.Rule+"."+s.Param)
	}
	s := &section{id: "sweep", title: "Sweep of " + strings.Join(names, " and "), notes: []string{"What each value comes to, for " + of + "."}}
	s.notes = append(s.notes, choiceNotes(res.Choice)...)
	s.tables = append(s.tables, sweepTable(all, names))
	s.charts = append(s.charts, sweepCharts(all)...)
	return s
}

// choiceNotes say which point is worth a look.
func choiceNotes(c *backtest.Choice) (notes []string) {
	if c == nil {
		return nil
	}
	of := ""
	if c.Budget != "" {
		of = " of those that keep to " + c.Budget
	}
	if c.Best != nil {
		notes = append(notes, fmt.Sprintf("Best%s: %s (%s).", of, setting(c.Best.Params), c.Best.Said))
	} else if c.Budget != "" {
		notes = append(notes, fmt.Sprintf("No value keeps to %s with a value of %s.", c.Budget, c.By))
	}
	if c.Knee != nil {
		notes = append(notes, fmt.Sprintf("The knee of %s: %s (%s).", c.Curve, setting(c.Knee.Params), c.Knee.Said))
	}
	return notes
}

func setting(params []backtest.Setting) string {
	var out []string
	for _, s := range params {
		out = append(out, s.Param+" = "+s.Text)
	}
	return strings.Join(out, ", ")
}

func sweepTable(all []point, names []string) table {
	var rows []figures
	for _, p := range all {
		rows = append(rows, figures{name: p.params[0].Text, Figures: p.Figures, mark: p.best})
	}
	t := figuresTable(all[0].params[0].Param, rows, slices.Concat(counts, truths)...)
	for i := range t.rows {
		t.rows[i].cells[0].sort = position(all[i].params[0], i)
	}
	if len(names) < 2 {
		return t
	}
	second := column{title: all[0].params[1].Param}
	t.columns = append(t.columns[:1:1], append([]column{second}, t.columns[1:]...)...)
	for i := range t.rows {
		c := t.rows[i].cells
		other := cell{text: all[i].params[1].Text, sort: position(all[i].params[1], i)}
		t.rows[i].cells = append(c[:1:1], append([]cell{other}, c[1:]...)...)
	}
	return t
}

// position is where a value stands on an axis: at its number, or at its place in the list.
func position(s backtest.Setting, i int) float64 {
	if x, ok := s.Value.Float64(); ok {
		return x
	}
	return float64(i)
}

// curve is a figure of a sweep that is drawn.
type curve struct {
	title string
	top   float64 // of its axis; 0: as far as it reaches
	of    func(*backtest.Figures) (float64, bool)
}

var curves = []curve{
	{"precision", 1, func(f *backtest.Figures) (float64, bool) { return known(f.Precision()) }},
	{"recall", 1, func(f *backtest.Figures) (float64, bool) { return known(f.Recall()) }},
	{"alerts per day", 0, func(f *backtest.Figures) (float64, bool) { return f.PerDay, true }},
	{"money by mistake", 0, func(f *backtest.Figures) (float64, bool) {
		return paid(f, func(m *score.Money) float64 { return m.Mistaken })
	}},
	{"money missed", 0, func(f *backtest.Figures) (float64, bool) {
		return paid(f, func(m *score.Money) float64 { return m.Missed })
	}},
}

func known(v *float64) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return *v, true
}

// paid is a sum of money, if there is money in the figures at all.
func paid(f *backtest.Figures, of func(*score.Money) float64) (float64, bool) {
	if f.Truth == nil || f.Truth.Money.Caught == 0 && f.Truth.Money.Missed == 0 {
		return 0, false
	}
	return of(&f.Truth.Money), true
}

// truths are what labels say of a point.
var truths = []measure{
	{column{title: "precision", right: true, spare: true}, func(f *backtest.Figures) cell { return ratio(f.Precision()) }},
	{column{title: "recall", right: true, spare: true}, func(f *backtest.Figures) cell { return ratio(f.Recall()) }},
	{column{title: "F1", right: true, spare: true}, func(f *backtest.Figures) cell { return ratio(f.F1()) }},
	{column{title: "money caught", about: "amounts of positive events that were caught", right: true, spare: true}, func(f *backtest.Figures) cell { return moneyCell(f, func(m *score.Money) float64 { return m.Caught }) }},
	{column{title: "money missed", about: "amounts of positive events that were not", right: true, spare: true}, func(f *backtest.Figures) cell { return moneyCell(f, func(m *score.Money) float64 { return m.Missed }) }},
	{column{title: "money by mistake", about: "amounts of negative events that were caught", right: true, spare: true}, func(f *backtest.Figures) cell {
		return moneyCell(f, func(m *score.Money) float64 { return m.Mistaken })
	}},
}

func moneyCell(f *backtest.Figures, of func(*score.Money) float64) cell {
	if f.Truth == nil {
		return none()
	}
	return sum(of(&f.Truth.Money))
}

// mostLines is how many values of the second param are drawn.
const mostLines = 6

// sweepCharts draws each curve over the first param, with a line for each value of the second.
func sweepCharts(all []point) (out []chart) {
	if len(all) < 2 {
		return nil
	}
	for _, c := range curves {
		lines := sweepLines(all, c)
		if len(lines) == 0 {
			continue
		}
		first := all[0].params[0]
		title := strings.ToUpper(c.title[:1]) + c.title[1:] + " by " + first.Param
		out = append(out, lineChart(title, c.top, ticksOf(all), lines))
	}
	return out
}

func sweepLines(all []point, c curve) (lines []line) {
	at := map[string]int{}
	for i, p := range all {
		name := ""
		if len(p.params) > 1 {
			name = p.params[1].Param + " " + p.params[1].Text
		}
		y, ok := c.of(p.Figures)
		if !ok {
			continue
		}
		k, known := at[name]
		if !known {
			if len(lines) == mostLines {
				continue
			}
			k = len(lines)
			at[name] = k
			lines = append(lines, line{name: name})
		}
		lines[k].dots = append(lines[k].dots, dot{position(p.params[0], i), y, dotText(p, y), p.best || p.knee})
	}
	return lines
}

// dotText says what a dot is.
func dotText(p point, y float64) string {
	text := fmt.Sprintf("%s: %s", p.params[0].Text, number(y))
	if p.best {
		text += ", the best"
	}
	if p.knee {
		text += ", the knee"
	}
	return text
}

// number writes a number of a chart.
func number(x float64) string {
	switch {
	case x == math.Trunc(x):
		return thousands(int64(x))
	case math.Abs(x) < 10:
		return share(x)
	}
	return rate(x)
}

// ticksOf are the values on the axis of the first param: the first, the last and some between.
func ticksOf(all []point) (out []tick) {
	const most = 6
	seen := map[string]bool{}
	for i, p := range all {
		if s := p.params[0]; !seen[s.Text] {
			seen[s.Text] = true
			out = append(out, tick{position(s, i), s.Text})
		}
	}
	if len(out) <= most {
		return out
	}
	some := make([]tick, 0, most)
	for i := range most {
		some = append(some, out[i*(len(out)-1)/(most-1)])
	}
	return some
}
