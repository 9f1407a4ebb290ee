package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/mask"
	"kelpie/state"
)

type compareOptions struct {
	rulesFlags
	opened openedFlags
	limit  int
}

func newRulesCompare() *cobra.Command {
	var o compareOptions
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Set the alerts of two rules side by side, such as a shadow rule and its live sibling",
		Long: `Compares what two rules found: alerts of one key that were open at the same time belong together; others only one of them
has. Of those that belong together the values are shown side by side, and by how much B was sooner.

Alerts are taken that opened from --from to, and without, --to, as they are in the state. A rule with mode: shadow does
everything that another one does, and tells nobody: so one tries a rule beside the one that is live.

` + dataHelp,
		Example: `  kelpie rules compare order-burst order-burst-tight
  kelpie rules compare order-burst order-burst-tight --from 7d --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.OutOrStdout(), args[0], args[1]) },
	}
	o.add(c)
	o.data.addUnmask(c.Flags())
	o.opened.add(c.Flags(), "only alerts")
	c.Flags().IntVar(&o.limit, "limit", 20, "show at most so many of each kind; 0 for all")
	return c
}

func (o *compareOptions) run(out io.Writer, a, b string) error {
	_, s, masks, err := o.data.openShown()
	if err != nil {
		return err
	}
	defer s.Close()
	var q alert.Query
	if err := o.opened.ask(&q, s); err != nil {
		return err
	}
	x, err := compareRules(s, a, b, q)
	if err != nil {
		return err
	}
	x.cut(o.limit)
	if o.asJSON {
		return writeIndented(out, x.form(masks))
	}
	return x.write(out, masks)
}

// ruleComparison is what two rules found over a time.
type ruleComparison struct {
	A, B         string
	AlertsA      int
	AlertsB      int
	both         []alertPair
	onlyA, onlyB []*alert.Alert

	Both, OnlyA, OnlyB int // how many there are; of them as many are listed as are wanted
	KeysBoth, KeysA    int // keys that both found, or one of them alone
	KeysB              int
}

// alertPair are two alerts of one key that were open at the same time.
type alertPair struct{ a, b *alert.Alert }

// compareRules pairs the alerts of two rules. Each belongs to one pair at most: the first of the other's that it overlaps.
func compareRules(s *state.Store, a, b string, q alert.Query) (*ruleComparison, error) {
	x := &ruleComparison{A: a, B: b}
	q.Oldest = true
	q.Rule = a
	as, err := alert.List(s, q)
	if err != nil {
		return nil, err
	}
	q.Rule = b
	bs, err := alert.List(s, q)
	if err != nil {
		return nil, err
	}
	for _, r := range []struct {
		name string
		n    int
	}{{a, len(as)}, {b, len(bs)}} {
		if r.n == 0 && !ranRule(s, r.name) {
			return nil, fmt.Errorf("no rule %q has run\n    kelpie rules list shows what runs", r.name)
		}
	}
	x.AlertsA, x.AlertsB = len(as), len(bs)
	byKey := map[string][]*alert.Alert{}
	for _, o := range bs {
		k := keyOf(o)
		byKey[k] = append(byKey[k], o)
	}
	taken := map[*alert.Alert]bool{}
	keysA, keysB := map[string]bool{}, map[string]bool{}
	for _, o := range as {
		k := keyOf(o)
		keysA[k] = true
		i := slices.IndexFunc(byKey[k], func(p *alert.Alert) bool { return !taken[p] && overlap(o, p) })
		if i < 0 {
			x.onlyA = append(x.onlyA, o)
			continue
		}
		taken[byKey[k][i]] = true
		x.both = append(x.both, alertPair{o, byKey[k][i]})
	}
	for _, o := range bs {
		keysB[keyOf(o)] = true
		if !taken[o] {
			x.onlyB = append(x.onlyB, o)
		}
	}
	for k := range keysA {
		if keysB[k] {
			x.KeysBoth++
		} else {
			x.KeysA++
		}
	}
	x.KeysB = len(keysB) - x.KeysBoth
	x.Both, x.OnlyA, x.OnlyB = len(x.both), len(x.onlyA), len(x.onlyB)
	return x, nil
}

// ranRule reports whether a version with a rule of that name has run.
func ranRule(s *state.Store, name string) bool {
	all, err := ranVersions(s)
	return err == nil && slices.ContainsFunc(all, func(v ranVersion) bool { return v.texts[name] != "" })
}

func keyOf(a *alert.Alert) string { b, _ := json.Marshal(a.Key); return string(b) }

// overlap reports whether two alerts were open at one time.
func overlap(a, b *alert.Alert) bool {
	return (a.Open() || b.Opened <= a.Resolved) && (b.Open() || a.Opened <= b.Resolved)
}

// cut keeps so many of each kind.
func (x *ruleComparison) cut(most int) {
	if most > 0 {
		x.both, x.onlyA, x.onlyB = x.both[:min(most, len(x.both))], x.onlyA[:min(most, len(x.onlyA))], x.onlyB[:min(most, len(x.onlyB))]
	}
}

func (x *ruleComparison) write(out io.Writer, masks *mask.Fields) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "\talerts\tkeys\n")
	fmt.Fprintf(w, "%s\t%d\t%d\n%s\t%d\t%d\n", x.A, x.AlertsA, x.KeysA+x.KeysBoth, x.B, x.AlertsB, x.KeysB+x.KeysBoth)
	fmt.Fprintf(w, "both\t%d\t%d\nonly %s\t%d\t%d\nonly %s\t%d\t%d\n", x.Both, x.KeysBoth, x.A, x.OnlyA, x.KeysA, x.B, x.OnlyB, x.KeysB)
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range x.both {
		a, b := p.a.Masked(masks), p.b.Masked(masks)
		fmt.Fprintf(out, "\nboth  %s  %.8s %s  %.8s %s  (%s)\n", keyText(a.Key), a.ID, event.FormatTime(a.Opened), b.ID, event.FormatTime(b.Opened), sooner(p))
		w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		for _, v := range sideBySide(a, b) {
			fmt.Fprintf(w, "      %s\t%s\t%s\n", v.Name, orDash(v.A), orDash(v.B))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, only := range []struct {
		rule   string
		alerts []*alert.Alert
	}{{x.A, x.onlyA}, {x.B, x.onlyB}} {
		for i, o := range only.alerts {
			if i == 0 {
				fmt.Fprintln(out)
			}
			o = o.Masked(masks)
			fmt.Fprintf(out, "only %s  %s  %.8s %s  %s\n", only.rule, keyText(o.Key), o.ID, event.FormatTime(o.Opened), clean(o.Message, textWidth))
		}
	}
	return nil
}

// sooner says which of two alerts opened first.
func sooner(p alertPair) string {
	switch d := p.b.Opened - p.a.Opened; {
	case d > 0:
		return fmt.Sprintf("B %.1f s later", float64(d)/1000)
	case d < 0:
		return fmt.Sprintf("B %.1f s sooner", float64(-d)/1000)
	}
	return "at the same time"
}

// bothValues is a fact of two alerts; "" where one has none of that name.
type bothValues struct {
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

func sideBySide(a, b *alert.Alert) (all []bothValues) {
	all = []bothValues{}
	text := func(v alert.Value) string { return string(event.AppendJSON(nil, v.Value)) }
	for _, v := range a.Values {
		all = append(all, bothValues{Name: v.Name, A: text(v)})
	}
	for _, v := range b.Values {
		i := slices.IndexFunc(all, func(x bothValues) bool { return x.Name == v.Name })
		if i < 0 {
			all = append(all, bothValues{Name: v.Name, B: text(v)})
		} else {
			all[i].B = text(v)
		}
	}
	return all
}

// comparisonForm is what `kelpie rules compare --json` prints.
type comparisonForm struct {
	A     comparedRule   `json:"a"`
	B     comparedRule   `json:"b"`
	Both  int            `json:"both"`
	Keys  int            `json:"keys_both"`
	Pairs []pairForm     `json:"pairs"`  // as many as are wanted
	OnlyA []*alert.Alert `json:"only_a"` // likewise
	OnlyB []*alert.Alert `json:"only_b"`
}

type comparedRule struct {
	Rule   string `json:"rule"`
	Alerts int    `json:"alerts"`
	Only   int    `json:"only"`      // alerts that the other one has not
	Keys   int    `json:"keys_only"` // keys that the other one has not
}

type pairForm struct {
	A      *alert.Alert `json:"a"`
	B      *alert.Alert `json:"b"`
	Later  int64        `json:"b_later_ms"` // negative: sooner
	Values []bothValues `json:"values"`
}

func (x *ruleComparison) form(masks *mask.Fields) comparisonForm {
	f := comparisonForm{
		A: comparedRule{x.A, x.AlertsA, x.OnlyA, x.KeysA}, B: comparedRule{x.B, x.AlertsB, x.OnlyB, x.KeysB},
		Both: x.Both, Keys: x.KeysBoth, Pairs: []pairForm{}, OnlyA: []*alert.Alert{}, OnlyB: []*alert.Alert{},
	}
	for _, p := range x.both {
		a, b := p.a.Masked(masks), p.b.Masked(masks)
		f.Pairs = append(f.Pairs, pairForm{a, b, p.b.Opened - p.a.Opened, sideBySide(a, b)})
	}
	for _, o := range x.onlyA {
		f.OnlyA = append(f.OnlyA, o.Masked(masks))
	}
	for _, o := range x.onlyB {
		f.OnlyB = append(f.OnlyB, o.Masked(masks))
	}
	return f
}
