package report

import (
	"fmt"
	"strings"

	"kelpie/backtest"
)

// changesSection says what today's rules catch otherwise than those they are compared with.
func changesSection(res *backtest.Result) *section {
	c := res.Changes
	if c == nil {
		return nil
	}
	s := &section{id: "changes", title: "Compared", notes: []string{fmt.Sprintf("%s in both, %s of today's rules alone, %s of the other rules alone. %s equal in both.",
		counted(c.Both, "alert"), thousands(c.OnlyToday), thousands(c.OnlyAgainst), areEqual(c.Equal))}}
	if len(c.Rules) == 0 {
		return s
	}
	s.tables = append(s.tables, changedRules(res))
	if t := changedKeys(c); len(t.rows) > 0 {
		s.tables = append(s.tables, t)
	}
	for i := range c.Rules {
		s.lines = append(s.lines, differences(&c.Rules[i])...)
	}
	return s
}

func areEqual(n int) string {
	if n == 1 {
		return "1 rule is"
	}
	return counted(int64(n), "rule") + " are"
}

// changedRules counts by rule, with what labels say of both sides.
func changedRules(res *backtest.Result) table {
	t := table{columns: []column{{title: "rule"}, {title: ""}, {title: "in both", about: "today's alerts that the other rule has too, sooner or later", right: true},
		{title: "only today", right: true}, {title: "only before", about: "alerts of the other rules alone", right: true},
		{title: "keys in both", right: true}, {title: "keys only today", right: true}, {title: "keys only before", right: true},
		{title: "precision", about: "before → today", right: true, spare: true}, {title: "recall", about: "before → today", right: true, spare: true},
		{title: "money caught", about: "before → today", right: true, spare: true}, {title: "money by mistake", about: "before → today", right: true, spare: true}}}
	for i := range res.Changes.Rules {
		r := &res.Changes.Rules[i]
		today, before := figuresOf(res, backtest.Today, r.Rule), figuresOf(res, backtest.Against, r.Rule)
		cells := []cell{words(r.Rule), words(r.Kind), count(r.Both), count(r.OnlyToday), count(r.OnlyAgainst), count(r.KeysBoth), count(r.KeysToday), count(r.KeysAgainst)}
		for _, m := range []measure{truths[0], truths[1], truths[3], truths[5]} {
			cells = append(cells, fromTo(before, today, m))
		}
		t.rows = append(t.rows, row{cells: cells})
	}
	t.trim()
	return t
}

// figuresOf are those of a rule in the variant of a role; nil if it does not have the rule.
func figuresOf(res *backtest.Result, role backtest.Role, rule string) *backtest.Figures {
	for i := range res.Variants {
		for k := range res.Variants[i].Rules {
			if r := &res.Variants[i].Rules[k]; res.Variants[i].Role == role && r.Rule == rule {
				return &r.Figures
			}
		}
	}
	return nil
}

// fromTo sets a figure of two sides beside each other.
func fromTo(before, today *backtest.Figures, m measure) cell {
	a, b := none(), none()
	if before != nil {
		a = m.of(before)
	}
	if today != nil {
		b = m.of(today)
	}
	return cell{text: a.text + " → " + b.text, sort: b.sort, bare: a.bare && b.bare}
}

// changedKeys names the keys with most alerts of one side alone.
func changedKeys(c *backtest.Changes) table {
	t := table{title: "Keys with most alerts of one side alone", columns: []column{{title: "rule"}, {title: "only"}, {title: "keys"}}}
	for i := range c.Rules {
		r := &c.Rules[i]
		t.addKeys(r.Rule, "today", r.TopToday)
		t.addKeys(r.Rule, "before", r.TopAgainst)
	}
	return t
}

func (t *table) addKeys(rule, only string, keys []backtest.KeyCount) {
	if len(keys) == 0 {
		return
	}
	var texts []string
	for _, k := range keys[:min(len(keys), keysShown)] {
		texts = append(texts, k.Key.String()+" "+thousands(k.Alerts))
	}
	t.rows = append(t.rows, row{cells: []cell{words(rule), words(only), words(strings.Join(texts, ", "))}})
}

// differencesShown is how many differences of a rule are told; the result has more.
const differencesShown = 5

// differences tell what both sides said of the events that opened alerts of one alone.
func differences(r *backtest.RuleChange) (lines []string) {
	for i := range r.Samples[:min(len(r.Samples), differencesShown)] {
		d := &r.Samples[i]
		only := "today"
		if d.Only != "today" {
			only = "before"
		}
		lines = append(lines, fmt.Sprintf("%s  %s  %s  at %s: an alert only %s", d.Opened, r.Rule, d.Key, d.Position, only))
		lines = append(lines, judgmentLines("today", &d.Today)...)
		lines = append(lines, judgmentLines("before", &d.Against)...)
	}
	return lines
}

func judgmentLines(who string, j *backtest.Judgment) []string {
	said := "did not hold"
	switch {
	case j.Held:
		said = "held"
	case j.Abstained != "":
		said = "no answer: " + j.Abstained
	}
	lines := []string{"    " + who + " " + said}
	for _, l := range j.Lines {
		if l != "" {
			lines = append(lines, "        "+l)
		}
	}
	return lines
}
