package ruletest

import (
	"fmt"
	"slices"
	"strings"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

// Miss says why an expected opening is missing. With Judged it is about the evaluation that came nearest: of the same
// key if the expectation names it, and the closest in time if it names that; else the one with most of the condition true.
type Miss struct {
	Reason    string // in words
	Judged    bool   // the rest is about an evaluation
	AsOf      int64
	Key       []string
	Event     *rules.GivenEvent // on which it was judged; nil on a close
	Number    int               // of that event among those given, from 1
	Window    *window.Span      // of a close or a session
	Fired     bool
	Abstained string
	Values    []engine.NamedValue // of the facts; a missing one is missing
	Parts     []Part              // of ready and when, if it did not fire
}

// Part is one part of a condition with what became of it.
type Part struct {
	Src     string
	Depth   int    // how deep it stands in and / or
	Joined  string // "all of" or "one of" where parts of it follow, one level deeper
	Truth   string // "true", "false", "missing"
	Missing string // the name that is missing
	Values  []engine.NamedValue
}

// explain runs a failed test again, watching, and fills in Why.
func (r *Runner) explain(res *Result, x *execution) error {
	var searches []*search
	lives := x.openings
	for i := range res.Lines {
		if l := &res.Lines[i]; !l.OK && l.Expect != nil && !l.onlyValuesDiffer() {
			searches = append(searches, newSearch(l))
		}
	}
	if len(searches) == 0 {
		return nil
	}
	w := &watcher{rule: x.rule, set: r.set, searches: searches}
	if x.rule.Ready != nil {
		w.conditions = append(w.conditions, takeApart(r.set, x.rule, x.rule.Ready.Src))
	}
	w.conditions = append(w.conditions, takeApart(r.set, x.rule, x.rule.When.Src))
	if err := x.run(w.observe); err != nil {
		return err
	}
	for _, s := range searches {
		s.line.Why = s.miss(x, lives)
	}
	return nil
}

// onlyValuesDiffer reports whether the line's opening came at the expected time for the expected key.
func (l *Line) onlyValuesDiffer() bool {
	return l.Opening != nil && !slices.ContainsFunc(l.Members, func(m Member) bool {
		return !m.Same && (m.Name == "time" || m.Name == "key")
	})
}

// search looks for the evaluation that came nearest to one expectation.
type search struct {
	line *Line
	time *int64
	key  *rules.Member
	best *Miss
	far  int64 // of the best from the expected time, ms
	held int   // parts of the condition that are true in the best
	keys map[string]bool
}

func newSearch(l *Line) *search {
	s := &search{line: l, keys: map[string]bool{}}
	for i := range l.Expect.Members {
		switch m := &l.Expect.Members[i]; m.Name {
		case "time":
			s.time = &m.Value.N
		case "key":
			s.key = m
		}
	}
	return s
}

// watcher is told of every evaluation.
type watcher struct {
	set        *rules.Set
	rule       *rules.Rule
	conditions []condition
	searches   []*search
}

func (w *watcher) observe(o *engine.Observation) {
	for _, s := range w.searches {
		s.keys[keyText(o.Key)] = true
		if s.key != nil && !sameKey(s.key, o.Key) {
			continue
		}
		far := int64(0)
		if s.time != nil {
			far = max(o.AsOf-*s.time, *s.time-o.AsOf)
		}
		if s.best != nil && far > s.far {
			continue
		}
		parts, held := w.parts(o)
		if s.best != nil && far == s.far && held < s.held {
			continue
		}
		s.best, s.far, s.held = w.note(o, parts), far, held
	}
}

// note copies what is to be told of an evaluation.
func (w *watcher) note(o *engine.Observation, parts []Part) *Miss {
	m := &Miss{Judged: true, AsOf: o.AsOf, Key: slices.Clone(o.Key), Fired: o.Fired, Abstained: o.Abstained}
	if o.Window != nil {
		span := *o.Window
		m.Window = &span
	}
	if n, ok := strings.CutPrefix(o.Position, stream+":"); ok {
		fmt.Sscan(n, &m.Number)
	}
	for i, f := range w.rule.Facts {
		if f.Agg != "previous" {
			m.Values = append(m.Values, engine.NamedValue{Name: f.Name, Value: own(o.Env.Facts[i])})
		}
	}
	if !o.Fired {
		m.Parts = parts
	}
	return m
}

// own copies a value's text, which belongs to the evaluation.
func own(v event.Value) event.Value {
	v.S = strings.Clone(v.S)
	return v
}

// parts asks for each part of the rule's conditions, and counts those that are true.
func (w *watcher) parts(o *engine.Observation) (out []Part, held int) {
	for i := range w.conditions {
		out = w.ask(out, &w.conditions[i], o.Env, 0)
	}
	for _, p := range out {
		if p.Joined == "" && p.Truth == "true" {
			held++
		}
	}
	return out, held
}

func (w *watcher) ask(out []Part, c *condition, env *rules.Env, depth int) []Part {
	p := Part{Src: c.src, Depth: depth}
	if c.expr != nil {
		switch truth, ok := c.expr.Test(env); {
		case !ok:
			p.Truth, p.Missing = "missing", env.Missing
		case truth:
			p.Truth = "true"
		default:
			p.Truth = "false"
		}
	}
	if len(c.parts) == 0 {
		if c.expr != nil {
			p.Values = w.read(c.expr, env)
		}
		return append(out, p)
	}
	p.Joined = "all of"
	if c.or {
		p.Joined = "one of"
	}
	out = append(out, p)
	for i := range c.parts {
		out = w.ask(out, &c.parts[i], env, depth+1)
	}
	return out
}

// read returns the values that an expression reads.
func (w *watcher) read(x *rules.Expr, env *rules.Env) (out []engine.NamedValue) {
	add := func(name string, v event.Value) { out = append(out, engine.NamedValue{Name: name, Value: own(v)}) }
	for _, i := range x.Facts {
		switch f := w.rule.Facts[i]; {
		case f.Agg == "previous":
		case f.Series != "" && strings.Contains(x.Src, "samples("):
			add("samples("+f.Name+")", event.IntValue(env.Samples[i]))
		default:
			add(f.Name, env.Facts[i])
		}
	}
	for _, i := range x.Tables {
		add(w.rule.TableRefs[i].Name, env.Tables[i])
	}
	for _, i := range x.Prev {
		add(w.rule.PrevRefs[i].Name, env.Prev[i])
	}
	for _, slot := range x.Fields {
		if env.HasEvent && env.Rec != nil && slot < len(env.Rec.Fields) {
			add(w.set.Paths[slot].String(), env.Rec.Value(slot))
		}
	}
	return out
}
