package rules

import "slices"

// derive fills in what follows from the rule's expressions.
func (rr *ruleReader) derive() {
	r := rr.r
	fields := map[int]bool{}
	note := func(slots []int) {
		for _, s := range slots {
			fields[s] = true
		}
	}
	for _, x := range []*Expr{r.Ready, r.When, r.Resolve} {
		if x != nil {
			note(x.Fields)
		}
	}
	if r.Alert != nil {
		note(r.Alert.Fields)
	}
	for _, f := range r.Facts {
		if f.Expr != nil {
			note(f.Expr.Fields)
		} else {
			r.Longest = max(r.Longest, f.Window.Reach())
		}
	}
	for s := range fields {
		r.FieldSlots = append(r.FieldSlots, s)
	}
	slices.Sort(r.FieldSlots)
	r.Point = rr.isPoint()
}

// reached returns which facts expressions reach, also through other facts.
func (r *Rule) reached(xs ...*Expr) []bool {
	seen := make([]bool, len(r.Facts))
	var visit func(x *Expr)
	visit = func(x *Expr) {
		if x == nil {
			return
		}
		for _, i := range x.Facts {
			if !seen[i] {
				seen[i] = true
				visit(r.Facts[i].Expr)
			}
		}
	}
	for _, x := range xs {
		visit(x)
	}
	return seen
}

// isPoint reports whether the rule has no window and reaches no table. A window in `let` counts even where `when` does not
// reach it: the page's fine print and the case `abstain` differ here, and the case decides.
func (rr *ruleReader) isPoint() bool {
	r := rr.r
	if len(r.When.Tables) > 0 {
		return false
	}
	for i, reached := range r.reached(r.When) {
		f := r.Facts[i]
		if f.Expr == nil || reached && len(f.Expr.Tables) > 0 {
			return false
		}
	}
	return true
}

// check refuses what can be written but not computed.
func (rr *ruleReader) check() {
	if rr.r.Decide != "" && rr.Order == "time" {
		rr.fail(rr.keys["decide"], "set time.order to arrival, or remove decide", "a decision is an answer to an event at once, and under order: time events wait")
	}
	if rr.r.OnClose {
		rr.checkClose()
	}
}

// checkFact checks one aggregate by itself.
func (rr *ruleReader) checkFact(f *Fact, w *writtenFact) {
	head := w.syntax.head
	if f.Series != "" {
		head = w.syntax.series.head
	}
	switch {
	case needsEvent[f.Agg] && f.Window.Kind != Sliding:
		rr.failIn(head, "write "+f.Agg+" over 24h", "%s looks back from the current event, so its window is over a duration, not %s", f.Agg, f.Window.Kind)
	case needsEvent[f.Agg] && !rr.r.OnEvent:
		rr.failIn(head, "write on: event", "%s looks back from the current event, and on a close there is none", f.Agg)
	case f.Series != "" && (f.Agg == "first" || f.Agg == "last") && f.Arg.Type != NumberType && f.Arg.Type != AnyType:
		rr.failIn(head, "", "a series is over numbers, and %s of this is a %s", f.Agg, f.Arg.Type)
	case f.Window.Kind == Hopping && rr.r.OnEvent:
		rr.failIn(head, "write on: close, or a sliding window (over 10m)", "hopping windows (over … each …) can only be judged when they close")
	case f.By != nil && f.Window.Kind == Session:
		rr.failIn(w.syntax.session, "", "a session belongs to the rule's own key, so it takes no by")
	case f.By != nil && !rr.r.OnEvent:
		rr.failIn(head, "write on: event", "by takes the other key from the current event, and on a close there is none")
	}
	if rr.r.Timezone != "" && f.Window.Each > 0 && day%f.Window.Each != 0 && f.Window.Each%day != 0 {
		each := w.syntax.each
		if f.Series != "" {
			each = w.syntax.series.each
		}
		rr.failIn(each, "", "with a time zone, each must divide a day or be whole days: %s does neither", each.text)
	}
}

// checkClose checks a rule that is judged when windows close.
func (rr *ruleReader) checkClose() {
	r := rr.r
	var beat, session *writtenFact
	closes := false
	for i, f := range r.Facts {
		w := rr.written[i]
		if f.Expr != nil || f.By != nil {
			continue
		}
		switch k := f.Window.Kind; {
		case k == Session && session == nil:
			session, closes = w, true
		case k == Session && (f.Window.Gap != session.window.Gap || f.Window.Max != session.window.Max):
			rr.failIn(w.syntax.session, "put them in two rules", "the sessions of a rule that is judged on their close must be the same: %s has %s", session.name, session.window)
		case k == Sliding || k == Session:
		case beat == nil:
			beat, closes = w, true
		case f.Window.Each != beat.window.Each:
			rr.failIn(w.eachSpan(), "put them in two rules", "a rule has one beat: all its each are equal, and %s has each %s", beat.name, FormatDuration(beat.window.Each))
		}
	}
	switch {
	case !closes:
		rr.fail(rr.keys["on"], "write on: event, or a fact with each", "on: close needs a window that closes (each, a session or a series)")
	case session != nil && beat != nil:
		rr.failIn(session.syntax.session, "put them in two rules", "a session and each do not close together")
	}
	rr.checkCloseTables()
	rr.checkCloseEvent()
}

// eachSpan is where the fact's each stands.
func (w *writtenFact) eachSpan() span {
	if w.syntax.series != nil {
		return w.syntax.series.each
	}
	return w.syntax.each
}
