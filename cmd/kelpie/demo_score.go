package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/state"
	"kelpie/traffic"
)

// demoScore compares what was planted with what was found.
type demoScore struct {
	Rules  []ruleScore     `json:"rules"`
	Missed []traffic.Label `json:"missed"`
	Extra  []*alert.Alert  `json:"extra"`
	Total  ruleScore       `json:"total"`
	byRule map[string]*ruleScore
}

// ruleScore is the score of one rule.
type ruleScore struct {
	Rule     string `json:"rule,omitempty"`
	Planted  int    `json:"planted"`
	Found    int    `json:"found"`
	Missed   int    `json:"missed"`
	Extra    int    `json:"extra"` // alerts that stand for nothing that was planted
	Resolved int    `json:"resolved"`
}

// newScore matches each label with an alert of its rule for its key that opened while the attack went on.
func newScore(rules []string, labels []traffic.Label, s *state.Store) (*demoScore, error) {
	alerts, err := alert.List(s, alert.Query{Oldest: true})
	if err != nil {
		return nil, err
	}
	sc := &demoScore{Missed: []traffic.Label{}, Extra: []*alert.Alert{}, byRule: map[string]*ruleScore{}}
	for _, a := range alerts {
		if !a.Open() {
			sc.of(a.Rule).Resolved++
		}
	}
	for _, l := range labels {
		r := sc.of(l.Rule)
		r.Planted++
		i := slices.IndexFunc(alerts, func(a *alert.Alert) bool {
			return a.Rule == l.Rule && len(a.Key) == 1 && a.Key[0] == l.Key && a.Opened >= l.From && a.Opened <= l.To
		})
		if i < 0 {
			r.Missed++
			sc.Missed = append(sc.Missed, l)
			continue
		}
		r.Found++
		alerts = slices.Delete(alerts, i, i+1)
	}
	for _, a := range alerts {
		sc.of(a.Rule).Extra++
		sc.Extra = append(sc.Extra, a)
	}
	for _, rule := range rules {
		sc.of(rule)
	}
	sc.sum()
	return sc, nil
}

func (s *demoScore) of(rule string) *ruleScore {
	if s.byRule[rule] == nil {
		s.byRule[rule] = &ruleScore{Rule: rule}
	}
	return s.byRule[rule]
}

func (s *demoScore) sum() {
	for _, rule := range slices.Sorted(maps.Keys(s.byRule)) {
		r := *s.byRule[rule]
		s.Rules = append(s.Rules, r)
		t := &s.Total
		t.Planted, t.Found, t.Missed, t.Extra = t.Planted+r.Planted, t.Found+r.Found, t.Missed+r.Missed, t.Extra+r.Extra
		t.Resolved += r.Resolved
	}
}

// write writes the score as a table, with what was missed and what was too much below it.
func (s *demoScore) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rule\tplanted\tfound\tmissed\textra\tresolved\t")
	for _, r := range append(slices.Clone(s.Rules), s.Total) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", cmp.Or(r.Rule, "all"), r.Planted, r.Found, r.Missed, r.Extra, r.Resolved)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, l := range s.Missed {
		fmt.Fprintf(out, "missed: %s of %s, %s to %s\n", l.Rule, l.Key, event.FormatTime(l.From), event.FormatTime(l.To))
	}
	for _, a := range s.Extra {
		fmt.Fprintf(out, "extra: %s of %s, opened %s: %s\n", a.Rule, keyText(a.Key), event.FormatTime(a.Opened), clean(a.Message, textWidth))
	}
	return nil
}
