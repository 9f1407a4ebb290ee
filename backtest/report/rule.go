package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kelpie/backtest"
)

// keysShown is how many keys of a rule stand in a line.
const keysShown = 5

// keysSection names the keys with most alerts, in a line for each rule.
func keysSection(res *backtest.Result) *section {
	t := table{columns: []column{{title: "rule"}, {title: "key"}, {title: "most alerts"}}}
	for i := range res.Variants[0].Rules {
		r := &res.Variants[0].Rules[i]
		if len(r.TopKeys) == 0 || len(r.By) == 0 {
			continue
		}
		var keys []string
		for _, k := range r.TopKeys[:min(len(r.TopKeys), keysShown)] {
			keys = append(keys, k.Key.String()+" "+thousands(k.Alerts))
		}
		if more := r.Keys - int64(len(keys)); more > 0 {
			keys = append(keys, fmt.Sprintf("and %s more", thousands(more)))
		}
		t.rows = append(t.rows, row{cells: []cell{words(r.Rule), words(strings.Join(r.By, ", ")), words(strings.Join(keys, ", "))}})
	}
	if len(t.rows) == 0 {
		return nil
	}
	return &section{id: "keys", title: "Keys", tables: []table{t}}
}

// ruleSections tell of each rule that had alerts what they were.
func ruleSections(res *backtest.Result) (out []section) {
	for i := range res.Variants[0].Rules {
		if r := &res.Variants[0].Rules[i]; r.Alerts > 0 {
			out = append(out, ruleSection(&res.History, r))
		}
	}
	return out
}

func ruleSection(h *backtest.HistoryResult, r *backtest.RuleResult) section {
	s := section{id: "rule-" + r.Rule, title: r.Rule, folded: true, charts: []chart{dayChart(h, "Alerts per %s", &r.Figures)}}
	if r.Description != "" {
		s.notes = append(s.notes, r.Description)
	}
	by := "no key"
	if len(r.By) > 0 {
		by = "by " + strings.Join(r.By, ", ")
	}
	s.notes = append(s.notes, fmt.Sprintf("Severity %s, mode %s, %s.", r.Severity, r.Mode, by))
	s.tables = append(s.tables, figuresTable("over time", []figures{{name: r.Rule, Figures: &r.Figures}}, course...))
	if len(r.By) > 0 {
		s.tables = append(s.tables, topKeys(r))
	}
	if len(r.Samples) > 0 {
		s.tables = append(s.tables, sampleAlerts(r))
	}
	return s
}

func topKeys(r *backtest.RuleResult) table {
	t := table{title: "Keys with most alerts", columns: []column{{title: strings.Join(r.By, ", ")}, {title: "alerts", right: true}}}
	for _, k := range r.TopKeys {
		t.rows = append(t.rows, row{cells: []cell{words(k.Key.String()), count(k.Alerts)}})
	}
	return t
}

// sampleAlerts lists alerts of a rule with what they held.
func sampleAlerts(r *backtest.RuleResult) table {
	title := "Its alerts"
	if n := int64(len(r.Samples)); n < r.Alerts {
		title = fmt.Sprintf("%d of its %s alerts", n, thousands(r.Alerts))
	}
	t := table{title: title, columns: []column{{title: "opened"}, {title: "key", spare: true}, {title: "message", spare: true}, {title: "values", spare: true},
		{title: "resolved"}, {title: "event", spare: true}, {title: "position", spare: true}}}
	for i := range r.Samples {
		a := &r.Samples[i]
		over := cell{text: "open", sort: float64(backtest.NoTime)}
		if a.Resolved != backtest.NoTime {
			over = at(a.Resolved, moment)
			over.text += " " + a.Reason
		}
		t.rows = append(t.rows, row{cells: []cell{at(a.Opened, moment), words(a.Key.String()), words(a.Message), words(values(a.Values)), over,
			words(a.EventID), words(a.Position)}})
	}
	t.trim()
	return t
}

// values writes named values, in order of their names.
func values(m map[string]any) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		text, err := json.Marshal(m[name])
		if err != nil {
			continue // it is JSON already
		}
		out = append(out, name+" = "+string(text))
	}
	return strings.Join(out, ", ")
}
