package ruletest

import (
	"fmt"
	"slices"
	"strings"

	"kelpie/engine"
	"kelpie/engine/whynot"
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
	Parts     []whynot.Part       // of ready and when, if it did not fire
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
	w := &watcher{rule: whynot.New(r.set, x.rule), searches: searches}
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
	rule     *whynot.Rule
	searches []*search
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
		parts, held := w.rule.Parts(o.Env)
		if s.best != nil && far == s.far && held < s.held {
			continue
		}
		s.best, s.far, s.held = w.note(o, parts), far, held
	}
}

// note copies what is to be told of an evaluation.
func (w *watcher) note(o *engine.Observation, parts []whynot.Part) *Miss {
	m := &Miss{Judged: true, AsOf: o.AsOf, Key: slices.Clone(o.Key), Fired: o.Fired, Abstained: o.Abstained}
	if o.Window != nil {
		span := *o.Window
		m.Window = &span
	}
	if n, ok := strings.CutPrefix(o.Position, stream+":"); ok {
		fmt.Sscan(n, &m.Number)
	}
	m.Values = w.rule.Values(o.Env)
	if !o.Fired {
		m.Parts = parts
	}
	return m
}
