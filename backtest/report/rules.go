package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"kelpie/backtest"
	"kelpie/rules"
	"kelpie/source"
)

// measure is a column of figures.
type measure struct {
	column
	of func(*backtest.Figures) cell
}

// counts are what is counted of any rule.
var counts = []measure{
	{column{title: "alerts", right: true}, func(f *backtest.Figures) cell { return count(f.Alerts) }},
	{column{title: "per day", about: "alerts divided by the days of the history", right: true}, func(f *backtest.Figures) cell { return cell{text: rate(f.PerDay), sort: f.PerDay} }},
	{column{title: "open", about: "alerts that were open at the end", right: true, spare: true}, func(f *backtest.Figures) cell { return count(f.Open) }},
	{column{title: "keys", about: "different keys that had an alert", right: true}, func(f *backtest.Figures) cell { return count(f.Keys) }},
}

// course is how alerts lie over time.
var course = []measure{
	{column{title: "first", spare: true}, func(f *backtest.Figures) cell { return at(f.First, date) }},
	{column{title: "last", spare: true}, func(f *backtest.Figures) cell { return at(f.Last, date) }},
	{column{title: "worst day", about: "the day (UTC) on which most alerts opened", spare: true}, func(f *backtest.Figures) cell { return busy(f.WorstDay, date) }},
	{column{title: "worst hour", about: "the hour in which most alerts opened", spare: true}, func(f *backtest.Figures) cell {
		return busy(f.WorstHour, func(t backtest.Time) string { return moment(t)[:len("2006-01-02 15:04")] })
	}},
}

// judgements are how often a rule was asked, and how often it did not answer.
var judgements = []measure{
	{column{title: "judged", about: "evaluations of the condition", right: true}, func(f *backtest.Figures) cell { return count(f.Evaluations) }},
	{column{title: "missing", about: "evaluations without an answer: a name of the condition was missing", right: true, spare: true}, func(f *backtest.Figures) cell { return count(f.Abstained.Missing) }},
	{column{title: "not ready", about: "evaluations without an answer: ready was false", right: true, spare: true}, func(f *backtest.Figures) cell { return count(f.Abstained.NotReady) }},
	{column{title: "errors", about: "evaluations that failed", right: true, spare: true}, func(f *backtest.Figures) cell { return count(f.Abstained.Errors) }},
}

func at(t backtest.Time, write func(backtest.Time) string) cell {
	if t == backtest.NoTime {
		return none()
	}
	return cell{text: write(t), sort: float64(t)}
}

func busy(b *backtest.Busy, write func(backtest.Time) string) cell {
	if b == nil {
		return none()
	}
	return cell{text: write(b.Start) + ": " + thousands(b.Alerts), sort: float64(b.Alerts)}
}

// figures is a named row of a table of figures.
type figures struct {
	name string
	*backtest.Figures
	sum, mark bool
}

// figuresTable sets figures in rows, measures in columns.
func figuresTable(what string, rows []figures, measures ...measure) table {
	t := table{columns: []column{{title: what}}}
	for _, m := range measures {
		t.columns = append(t.columns, m.column)
	}
	for _, r := range rows {
		cells := []cell{words(r.name)}
		for _, m := range measures {
			cells = append(cells, m.of(r.Figures))
		}
		t.rows = append(t.rows, row{cells: cells, sum: r.sum, mark: r.mark})
	}
	t.trim()
	return t
}

// rulesOf are the figures of a variant's rules, and their total if there is more than one.
func rulesOf(v *backtest.VariantResult) (rows []figures) {
	for i := range v.Rules {
		rows = append(rows, figures{name: v.Rules[i].Rule, Figures: &v.Rules[i].Figures})
	}
	if len(rows) > 1 {
		rows = append(rows, figures{name: "total", Figures: &v.Total, sum: true})
	}
	return rows
}

const (
	sparkDays = 40  // of a line of text
	chartDays = 190 // of a chart
)

// rulesSection says what each of today's rules came to.
func rulesSection(res *backtest.Result) *section {
	v := &res.Variants[0]
	if len(v.Rules) == 0 {
		return &section{id: "rules", title: "Rules", notes: []string{"There are no rules."}}
	}
	spread := measure{column{title: "days", about: "alerts over the days of the history", spare: true}, func(f *backtest.Figures) cell {
		return cell{days: perDay(&res.History, f.Days, sparkDays).counts, sort: math.NaN(), bare: f.Alerts == 0}
	}}
	s := &section{id: "rules", title: "Rules", tables: []table{
		figuresTable("rule", rulesOf(v), slices.Concat(counts, course[2:3], judgements, []measure{spread})...),
	}}
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Never != nil {
			s.notes = append(s.notes, r.Rule+" never fired: "+r.Never.Detail+".")
		}
	}
	if v.Total.Alerts > 0 {
		s.charts = append(s.charts, dayChart(&res.History, "Alerts per %s", &v.Total))
	}
	return s
}

// history says what was read.
func (p *page) history(res *backtest.Result) {
	h := &res.History
	if h.First == backtest.NoTime {
		p.lead = append(p.lead, "There is no event in "+names(h.Names)+".")
	} else {
		p.lead = append(p.lead, fmt.Sprintf("%s from %s to %s UTC (%s), read from %s.", counted(h.Events-h.Warmup, "event"), moment(h.First), moment(h.Last), counted(int64(math.Ceil(h.Days)), "day"), names(h.Names)))
	}
	if h.Warmup > 0 {
		p.lead = append(p.lead, counted(h.Warmup, "event")+" before that only filled windows.")
	}
	if o := h.Order; o.TooFar > 0 {
		text := fmt.Sprintf("%s further out of order than the allowed %s; a disorder of %s is enough", counted(o.TooFar, "event"),
			rules.FormatDuration(o.Allowed), rules.FormatDuration(o.Needed))
		if !o.ByTime {
			text += ", with order: time to fold them in order of time"
		}
		p.warnings = append(p.warnings, text+".")
	}
	if h.Outside > 0 {
		p.lead = append(p.lead, counted(h.Outside, "event")+" left out for their time.")
	}
	if res.Partial != "" {
		p.warnings = append(p.warnings, "This is a part of the history: "+res.Partial+".")
	}
	for _, v := range res.Verdicts {
		if v.Holds {
			p.warnings = append(p.warnings, fmt.Sprintf("The backtest fails, for %s: %s.", v.Condition, v.Said))
		} else {
			p.lead = append(p.lead, fmt.Sprintf("It does not fail for %s: %s.", v.Condition, v.Said))
		}
	}
	if len(h.Refused) > 0 {
		var by []string
		var all int64
		for _, reason := range slices.Sorted(maps.Keys(h.Refused)) {
			all += h.Refused[reason]
			by = append(by, reason+" "+thousands(h.Refused[reason]))
		}
		p.warnings = append(p.warnings, fmt.Sprintf("%s refused: %s.", counted(all, "record"), strings.Join(by, ", ")))
	}
}

// names lists what was read; of many the first.
func names(list []string) string {
	const most = 3
	if len(list) == 1 && list[0] == source.Stdin {
		return "standard input"
	}
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}
