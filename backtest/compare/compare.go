// Package compare says what today's rules catch otherwise than the rules they are compared with: which alerts only one of
// them has, and for a sample of these which part of the condition made the difference.
package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"kelpie/backtest"
	"kelpie/engine"
	"kelpie/engine/whynot"
	"kelpie/event"
	"kelpie/rules"
)

// Comparer is a Sink for a run of today's rules and those they are compared with. It keeps a little of each alert of the
// rules that differ.
type Comparer struct {
	today, against int // variants
	sets           [2]*rules.Set
	pairs          map[string]*pair // by name: rules that differ
	of             map[*backtest.Rule]side
	equal          int64 // alerts of rules that are equal
	equals         map[string]bool
}

// side is one of the two rules of a pair.
type side struct {
	*pair
	which int // 0: today's
}

// alert is what is kept of an alert.
type alert struct {
	id, key, position string
	parts             []string // of the key
	event             string
	opened, over      int64
}

// New returns a sink for runs of these variants; nil if none is compared.
func New(variants []backtest.Variant) *Comparer {
	i := slices.IndexFunc(variants, func(v backtest.Variant) bool { return v.Role == backtest.Against })
	if i < 0 {
		return nil
	}
	return &Comparer{against: i, sets: [2]*rules.Set{variants[0].Set, variants[i].Set}, pairs: map[string]*pair{}, of: map[*backtest.Rule]side{}, equals: map[string]bool{}}
}

// Watches implements backtest.Observer: it learns which rules differ.
func (c *Comparer) Watches(r *backtest.Rule) bool {
	today, against := slices.Contains(r.Variants, c.today), slices.Contains(r.Variants, c.against)
	switch {
	case today && against:
		c.equals[r.Name] = true
		return false
	case !today && !against:
		return false
	}
	p := c.pairs[r.Name]
	if p == nil {
		p = newPair()
		c.pairs[r.Name] = p
	}
	which := 0
	if against {
		which = 1
	}
	p.rules[which] = whynot.New(c.sets[which], c.sets[which].Rule(r.Name))
	c.of[r] = side{p, which}
	return comparable(c.sets[0].Rule(r.Name), c.sets[1].Rule(r.Name))
}

// comparable reports whether two rules are judged on the same events for the same keys, so that what they say can be set
// side by side.
func comparable(a, b *rules.Rule) bool {
	return a != nil && b != nil && a.OnEvent && b.OnEvent && slices.Equal(a.Events, b.Events) &&
		slices.EqualFunc(a.By, b.By, func(p, q event.Path) bool { return slices.Equal(p, q) }) && source(a.Where) == source(b.Where)
}

func source(x *rules.Expr) string {
	if x == nil {
		return ""
	}
	return x.Src
}

// Opened implements backtest.Sink.
func (c *Comparer) Opened(a *backtest.Alert) error {
	if c.equals[a.Rule.Name] && !a.Warmup && slices.Contains(a.Rule.Variants, c.today) {
		c.equal++
	}
	s, ok := c.of[a.Rule]
	if !ok || a.Warmup {
		return nil
	}
	x := &alert{id: a.ID, key: string(engine.AppendKeyJSON(nil, a.Key)), parts: a.Key, position: a.Position, event: a.EventID, opened: a.Opened, over: math.MaxInt64}
	s.alerts[s.which] = append(s.alerts[s.which], x)
	s.open[s.which][a.ID] = x
	return nil
}

// Resolved implements backtest.Sink.
func (c *Comparer) Resolved(a *backtest.Alert) error {
	s, ok := c.of[a.Rule]
	if !ok || a.Warmup {
		return nil
	}
	if x := s.open[s.which][a.ID]; x != nil {
		x.over = a.Resolved
		delete(s.open[s.which], a.ID)
	}
	return nil
}

// Fill puts what differs into the result of the run.
func (c *Comparer) Fill(res *backtest.Result) {
	out := &backtest.Changes{Both: c.equal, Equal: len(c.equals), Rules: []backtest.RuleChange{}}
	for name, p := range c.pairs {
		x := p.change(name)
		out.Both += x.Both
		out.OnlyToday += x.OnlyToday
		out.OnlyAgainst += x.OnlyAgainst
		out.Rules = append(out.Rules, x)
	}
	slices.SortFunc(out.Rules, func(a, b backtest.RuleChange) int { return strings.Compare(a.Rule, b.Rule) })
	res.Changes = out
}

// change counts what the two rules of a pair have in common.
func (p *pair) change(name string) backtest.RuleChange {
	x := backtest.RuleChange{Rule: name, Kind: "changed"}
	switch {
	case p.rules[1] == nil:
		x.Kind = "added"
	case p.rules[0] == nil:
		x.Kind = "removed"
	}
	var keys [2]map[string][]*alert
	for i := range keys {
		keys[i] = byKey(p.alerts[i])
	}
	var only [2][]*alert
	for i := range only {
		for _, a := range p.alerts[i] {
			if !slices.ContainsFunc(keys[1-i][a.key], func(b *alert) bool { return a.id == b.id || a.opened <= b.over && b.opened <= a.over }) {
				only[i] = append(only[i], a)
			}
		}
	}
	x.OnlyToday, x.OnlyAgainst = int64(len(only[0])), int64(len(only[1]))
	x.Both = int64(len(p.alerts[0])) - x.OnlyToday
	for k := range keys[0] {
		if keys[1][k] != nil {
			x.KeysBoth++
		}
	}
	x.KeysToday, x.KeysAgainst = int64(len(keys[0]))-x.KeysBoth, int64(len(keys[1]))-x.KeysBoth
	x.TopToday, x.TopAgainst = top(only[0]), top(only[1])
	x.Samples = append(p.samples("today", only[0]), p.samples("against", only[1])...)
	slices.SortStableFunc(x.Samples, func(a, b backtest.Difference) int { return cmp.Compare(a.Opened, b.Opened) })
	return x
}

func byKey(list []*alert) map[string][]*alert {
	m := map[string][]*alert{}
	for _, a := range list {
		m[a.key] = append(m[a.key], a)
	}
	return m
}

// topKeys is how many keys are named.
const topKeys = 10

// top returns the keys with most of the alerts.
func top(list []*alert) (out []backtest.KeyCount) {
	for _, of := range byKey(list) {
		out = append(out, backtest.KeyCount{Key: of[0].parts, Alerts: int64(len(of))})
	}
	slices.SortFunc(out, func(a, b backtest.KeyCount) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), slices.Compare(a.Key, b.Key))
	})
	return out[:min(len(out), topKeys)]
}
