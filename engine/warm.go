package engine

import (
	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

// A fact is kept from some event time on: in a state that started empty from the first event's, and where the fact was
// added to a state that had events already from the one after the newest of these. What lies before does not count for
// an added fact, even where it is there because another fact needs it: what a fact says must not depend on others. Until
// its window could be full the fact warms up: rules are judged all the same, and an alert that opens says which of its
// facts were not full yet.

// warmth is since when facts have been kept.
type warmth struct {
	start  int64             // the time of the first event that was folded; none before it
	since  []int64           // by fact.id, of added facts: the first event time that counts; else none
	fields map[fieldOf]int64 // of fields of previous events that were added to a fact, likewise

	full map[*factPlan]fullness // found once, since there may be many windows to count
}

// fullness is from when on a fact that has been kept since some time is full.
type fullness struct{ kept, from int64 }

// fieldOf is a field that a `previous` fact keeps.
type fieldOf struct {
	fact int // fact.id
	slot int
}

func newWarmth(p *Plan) warmth {
	w := warmth{start: none, since: make([]int64, len(p.facts)), fields: map[fieldOf]int64{}, full: map[*factPlan]fullness{}}
	for i := range w.since {
		w.since[i] = none
	}
	return w
}

// read takes over what a store remembers: when which identity was added.
func (w *warmth) read(p *Plan, added map[string]int64) {
	for _, s := range p.allScopes() {
		for _, f := range s.facts {
			id := f.identity(s)
			if t, ok := added[id]; ok {
				w.since[f.id] = t
			}
			for _, c := range f.prev {
				if t, ok := added[fieldIdentity(id, c.slot, p.Set.Paths)]; ok {
					w.fields[fieldOf{f.id, c.slot}] = t
				}
			}
		}
	}
}

// fieldIdentity identifies a field of previous events that a fact keeps.
func fieldIdentity(fact string, slot int, paths []event.Path) string {
	return fact + " field " + slotName(slot, paths)
}

func (p *Plan) allScopes() (all []*scope) {
	for _, d := range p.dims {
		all = append(all, d.scopes...)
	}
	return all
}

// kept returns the event time since which a rule's fact has been kept whole.
func (w *warmth) kept(rp *rulePlan, fp *factPlan) int64 {
	t := max(w.start, w.since[fp.shared.id])
	for _, pr := range rp.PrevRefs {
		if pr.Fact == fp.index {
			if added, ok := w.fields[fieldOf{fp.shared.id, pr.Slot}]; ok {
				t = max(t, added)
			}
		}
	}
	return t
}

// warming names the facts of the judged rule whose windows could not be full.
func (sh *shard) warming(j *judgement) (names []string) {
	for i := range j.rule.facts {
		fp := &j.rule.facts[i]
		if fp.Expr == nil && sh.windowStart(j, fp) < sh.engine.warmth.kept(j.rule, fp) {
			names = append(names, fp.Name)
		}
	}
	return names
}

// windowStart returns the first event time that could count for a fact as of the judgement.
func (sh *shard) windowStart(j *judgement, fp *factPlan) int64 {
	if w := fp.Window; w.Kind == rules.Session {
		return sh.sessionStart(j, fp) - w.Gap
	}
	return fp.from(j.asOf, j.mode == onClose)
}

// from returns the first event time that counts for a fact as of a time: of a close, or of an event. Its window is no
// session.
func (fp *factPlan) from(at int64, close bool) int64 {
	switch w := fp.Window; {
	case w.Kind != rules.Sliding:
		a := fp.scope.align
		return a.Shift(a.Start(at, w.Each), w.Each, -fp.windowsBehind(close))
	case close:
		return at - w.Reach()
	}
	return at - fp.Window.Reach() + 1
}

// windowsBehind returns how many aligned windows before a close, or before the start of the open window, a fact begins. They
// are counted, since their lengths differ where clocks change.
func (fp *factPlan) windowsBehind(close bool) int64 {
	w, n := fp.Window, int64(0)
	switch w.Kind {
	case rules.Hopping: // which is judged on closes only
		return w.Over / w.Each
	case rules.Buckets:
		n = (w.Over + w.Before) / w.Each
	}
	if close {
		n++
	}
	return n
}

// sessionStart returns when the session of the judgement began.
func (sh *shard) sessionStart(j *judgement, fp *factPlan) int64 {
	at := j.t
	if j.mode == onClose {
		at = j.span.Start
	}
	if row := j.row(fp.scope.dim); row != nil {
		x := fp.shared.sess
		p := window.Spans{Block: row.Block(x.unit), Width: x.width}
		if i := p.Find(at+1) - 1; i >= 0 && p.Last(i) >= at {
			return p.Start(i)
		}
	}
	return at
}

// Warming returns, by rule, the facts whose windows could not be full as of the newest event, or, in rules that are judged
// on a close, as of the last close before it.
func (e *Engine) Warming() map[string][]string {
	all := map[string][]string{}
	for _, rp := range e.plan.rules {
		for i := range rp.facts {
			if fp := &rp.facts[i]; fp.Expr == nil && e.newest < e.fullFrom(rp, fp) {
				all[rp.Name] = append(all[rp.Name], fp.Name)
			}
		}
	}
	return all
}

// fullFrom returns the newest event time from which on the fact's window is full.
func (e *Engine) fullFrom(rp *rulePlan, fp *factPlan) int64 {
	kept := e.warmth.kept(rp, fp)
	if kept == none {
		return none
	}
	if fp.Window.Kind == rules.Sliding || fp.Window.Kind == rules.Session {
		return kept + fp.Window.Reach()
	}
	full, ok := e.warmth.full[fp]
	if !ok || full.kept != kept {
		full = fullness{kept, fp.firstWhole(kept, !rp.OnEvent)}
		e.warmth.full[fp] = full
	}
	return full.from
}

// firstWhole returns the first time as of which a fact with aligned windows begins at kept or later. Counting windows forward
// nearly finds it: a day that a zone has left out is one forward and none back.
func (fp *factPlan) firstWhole(kept int64, close bool) int64 {
	a, each := fp.scope.align, fp.Window.Each
	at := a.Shift(a.Start(kept, each), each, fp.windowsBehind(close))
	for fp.from(at, close) < kept {
		at = a.Shift(at, each, 1)
	}
	for {
		before := a.Start(at-1, each)
		if fp.from(before, close) < kept {
			return at
		}
		at = before
	}
}
