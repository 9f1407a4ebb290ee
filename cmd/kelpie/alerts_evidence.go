package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/config"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
	"kelpie/window"
)

// evidence finds the events of an alert's windows again in the log: the last ones, as lines.
func (o *showOptions) evidence(c *cobra.Command, cfg *config.Config, s *state.Store, a *alert.Alert) (lines [][]byte, err error) {
	set, rule, err := o.ruleOf(cfg, s, a)
	if err != nil {
		return nil, err
	}
	l, err := openLog(cfg)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	m, err := newMatcher(c.Context(), l, set, rule, a, cfg.Event.Spec)
	if err != nil {
		return nil, err
	}
	r := l.Between(m.span.Start, m.span.End-1)
	defer r.Close()
	scan, err := newEventScan(r, cfg.Event.Spec, set.Paths, c.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	form := eventForm{text: !o.asJSON}
	answer := scan.each(c.Context(), func(e *logEvent) (bool, error) {
		if m.matches(e) {
			lines = append(lines, form.append(nil, e))
			if o.limit > 0 && len(lines) > 2*o.limit {
				lines = slices.Clone(lines[len(lines)-o.limit:])
			}
		}
		return true, nil
	})
	if o.limit > 0 && len(lines) > o.limit {
		lines = lines[len(lines)-o.limit:]
	}
	return lines, answer
}

// ruleOf returns the rule that found an alert: as it was then, which the state knows, unless rules are named.
func (o *showOptions) ruleOf(cfg *config.Config, s *state.Store, a *alert.Alert) (*rules.Set, *rules.Rule, error) {
	set, err := o.rulesThen(cfg, s, a)
	if err != nil {
		return nil, nil, err
	}
	rule := set.Rule(a.Rule)
	if rule == nil {
		return nil, nil, fmt.Errorf("there is no rule %s: --events cannot tell which events belong to the alert\n    name the rules as they were: -r old-rules/", a.Rule)
	}
	return set, rule, nil
}

func (o *showOptions) rulesThen(cfg *config.Config, s *state.Store, a *alert.Alert) (*rules.Set, error) {
	if len(o.rules) == 0 && a.Rules != "" {
		p, err := engine.StoredPlan(s, a.Rules)
		if err != nil {
			return nil, fmt.Errorf("%w\n    name the rules: -r rules/", err)
		}
		if p != nil {
			return p.Set, nil
		}
	}
	from := &settings{rules: cfg.RuleOptions(), files: cfg.Rules}
	return from.loadRules(o.rules)
}

// matcher knows which events were in an alert's windows when it opened.
type matcher struct {
	rule  *rules.Rule
	key   []string
	span  window.Span // of their times
	last  int64       // offset of the event that opened it, which nothing of the windows stands behind
	other [][]string  // parallel to rule.Facts: the key of a fact by another key; nil of others
	env   rules.Env
}

func newMatcher(ctx context.Context, l *journal.Log, set *rules.Set, rule *rules.Rule, a *alert.Alert, spec event.Spec) (*matcher, error) {
	m := &matcher{rule: rule, key: a.Key, span: evidenceSpan(rule, a), last: math.MaxInt64, other: make([][]string, len(rule.Facts))}
	digits, ok := strings.CutPrefix(a.Opener.Position, source.LogStream+"@")
	if !ok {
		return m, nil
	}
	var err error
	if m.last, err = parseOffset(digits); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(rule.Facts, func(f *rules.Fact) bool { return f.By != nil }) {
		return m, nil
	}
	rec, err := openerOf(ctx, l, m.last, &event.Schema{Spec: spec, Paths: set.Paths, Types: set.Types})
	if err != nil {
		return nil, err
	}
	for i, f := range rule.Facts {
		if f.By != nil {
			m.other[i], _ = keyOf(rec, f.BySlots)
		}
	}
	return m, nil
}

// evidenceSpan returns the times of the events in an alert's windows.
func evidenceSpan(rule *rules.Rule, a *alert.Alert) window.Span {
	switch {
	case a.Evidence != nil:
		return *a.Evidence
	case a.Opener.Window != nil:
		end := a.Opener.Window.End
		return window.Span{Start: min(end-rule.Longest, a.Opener.Window.Start), End: end}
	}
	return window.Span{Start: a.Opened - rule.Longest + min(rule.Longest, 1), End: a.Opened + 1}
}

// openerOf returns the event at an offset.
func openerOf(ctx context.Context, l *journal.Log, offset int64, schema *event.Schema) (*event.Record, error) {
	var b journal.Block
	stored, err := l.Get(ctx, offset, &b)
	if err != nil {
		return nil, err
	}
	dec, err := event.NewDecoder(schema)
	if err != nil {
		return nil, err
	}
	var rec event.Record
	if no := dec.Decode(stored.Payload, &rec); no != nil {
		return nil, fmt.Errorf("the event at %s: %w", logPosition(offset), no)
	}
	return rec.Clone(), nil
}

// matches reports whether an event was in one of the windows: as one of the rule's own, or as one of a fact with
// another type or another key.
func (m *matcher) matches(e *logEvent) bool {
	r := e.decoded
	if r == nil || e.Offset > m.last || r.Time < m.span.Start || r.Time >= m.span.End {
		return false
	}
	m.env = rules.Env{Rec: r, HasEvent: true, Time: r.Time}
	judged := takesType(m.rule.Events, r) && m.holds(m.rule.Where)
	if judged && hasKey(r, m.rule.BySlots, m.key) {
		return true
	}
	for i, f := range m.rule.Facts {
		mine := hasKey(r, m.rule.BySlots, m.key)
		if f.By != nil {
			mine = m.other[i] != nil && hasKey(r, f.BySlots, m.other[i])
		}
		takes := judged
		if f.Of != nil {
			takes = takesType(f.Of, r)
		}
		if takes && mine && (f.Of != nil || f.By != nil) && m.holds(f.Where) {
			return true
		}
	}
	return false
}

func (m *matcher) holds(x *rules.Expr) bool {
	if x == nil {
		return true
	}
	truth, ok := x.Test(&m.env)
	return truth && ok
}

// takesType reports whether an event has one of the types; nil is any.
func takesType(types []string, r *event.Record) bool {
	return types == nil || slices.Contains(types, r.TypeText())
}

// keyOf returns the texts of an event's key.
func keyOf(r *event.Record, slots []int) (key []string, ok bool) {
	key = make([]string, 0, len(slots))
	for _, slot := range slots {
		text, ok := event.AppendKey(nil, r.Value(slot))
		if !ok {
			return nil, false
		}
		key = append(key, string(text))
	}
	return key, true
}

func hasKey(r *event.Record, slots []int, want []string) bool {
	key, ok := keyOf(r, slots)
	return ok && slices.Equal(key, want)
}
