package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// miss says in words why the expectation is not met.
func (s *search) miss(x *execution, openings []*Opening) *Miss {
	m := s.best
	switch {
	case m == nil && len(s.keys) > 0:
		return &Miss{Reason: fmt.Sprintf("%s was never judged for the key %s; it was for %s", x.rule.Name, memberText(s.key), few(s.keys))}
	case m == nil:
		return &Miss{Reason: x.neverJudged()}
	}
	if m.Number > 0 {
		m.Event = &x.test.Given[m.Number-1]
	}
	switch {
	case m.Fired:
		m.Reason = s.heldBack(x.rule, openings)
	case m.Abstained == "not ready":
		m.Reason = "ready is false: " + x.rule.Ready.Src
	case m.Abstained != "":
		m.Reason = "the rule abstained: " + m.Abstained
	default:
		m.Reason = "when is false: " + x.rule.When.Src
	}
	return m
}

// heldBack says why nothing opened although the rule held.
func (s *search) heldBack(r *rules.Rule, openings []*Opening) string {
	m := s.best
	var last *Opening // of this key, at or before the evaluation
	for _, o := range openings {
		if slices.Equal(o.Key, m.Key) && o.Time <= m.AsOf {
			last = o
		}
	}
	switch {
	case last != nil && last.Time == m.AsOf:
		return "the rule held here and an alert opened, but not as expected"
	case last != nil && (last.resolved == nil || *last.resolved > m.AsOf):
		return "the rule held, but an alert was open since " + event.FormatTime(last.Time) + ", and it is updated, not opened again"
	case r.For > 0:
		return "the rule held, but for: " + rules.FormatDuration(r.For) + " asks that it hold for so long without a break"
	case last != nil && r.Cooldown > 0 && m.AsOf-last.Time < r.Cooldown:
		return "the rule held, but cooldown: " + rules.FormatDuration(r.Cooldown) + " has not passed since " + event.FormatTime(last.Time)
	}
	return "the rule held, but no alert opened"
}

// neverJudged says why the rule was not judged at all.
func (x *execution) neverJudged() string {
	dec, err := event.NewDecoder(x.plan.Schema)
	if err != nil {
		return "the rule was never judged"
	}
	var otherType, filtered, keyless, judged int
	var rec event.Record
	for _, g := range x.test.Given {
		if dec.Decode(g.JSON, &rec) != nil {
			continue
		}
		env := rules.Env{Rec: &rec, HasEvent: true, Time: rec.Time}
		switch {
		case x.rule.Events != nil && !slices.Contains(x.rule.Events, rec.TypeText()):
			otherType++
		case x.rule.Where != nil && !passes(x.rule.Where, &env):
			filtered++
		case !x.hasKey(&rec):
			keyless++
		default:
			judged++
		}
	}
	var why []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			why = append(why, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	add(otherType, "of another type than %s", strings.Join(x.rule.Events, ", "))
	if x.rule.Where != nil {
		add(filtered, "not passing where: %s", x.rule.Where.Src)
	}
	add(keyless, "without %s, the key", pathsText(x.rule.By))
	add(judged, "in windows, none of which was judged")
	if len(why) == 0 {
		return x.rule.Name + " was never judged: no events are given"
	}
	return fmt.Sprintf("%s was never judged: of %d events %s", x.rule.Name, len(x.test.Given), strings.Join(why, "; "))
}

func passes(where *rules.Expr, env *rules.Env) bool {
	truth, ok := where.Test(env)
	return truth && ok
}

func (x *execution) hasKey(rec *event.Record) bool {
	for _, slot := range x.rule.BySlots {
		if _, ok := event.AppendKey(nil, rec.Value(slot)); !ok {
			return false
		}
	}
	return true
}

func pathsText(paths []event.Path) string {
	var out []string
	for _, p := range paths {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

// few names some keys.
func few(keys map[string]bool) string {
	const most = 5
	list := slices.Sorted(maps.Keys(keys))
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
