package oracle

import (
	"slices"
)

// verdict is what one evaluation says.
type verdict struct {
	fired     bool
	abstained string // why, "" if it did not
	resolve   bool   // the rule's own `resolve:` says true
}

// lateWindows are the closed windows of one key that a late event belongs to, by their end.
type lateWindows struct {
	key  Key
	ends map[int64]bool
}

// touch notes what one more event of a fact means for windows and sessions.
func (f *factState) touch(e *happened, late map[string]lateWindows) {
	k, _ := f.keyOf(e)
	if f.isSession() {
		s := f.sessions[k.text()]
		if s == nil {
			s = &sessions{}
			f.sessions[k.text()] = s
			f.rule.keyState(k)
		}
		f.join(s, sample{happened: e, arg: f.argument(e)})
		return
	}
	r := f.rule
	if !r.OnClose || !slices.Contains(r.closes, f) {
		return
	}
	for _, end := range f.endsAround(e.time) {
		switch {
		case end > r.o.w:
			r.keyState(k).ends[end] = true
		case r.o.w < end+r.o.opts.Lateness:
			if late[k.text()].ends == nil {
				late[k.text()] = lateWindows{k, map[int64]bool{}}
			}
			late[k.text()].ends[end] = true
		}
	}
}

// endsAround returns the ends of the fact's windows that hold t.
func (f *factState) endsAround(t int64) (ends []int64) {
	w := f.Window
	for n := range int(f.length() / w.Each) {
		ends = append(ends, f.rule.beats(t, w.Each, n+1))
	}
	return ends
}

// judgeLate judges the windows again that an event came late for.
func (r *ruleState) judgeLate(late map[string]lateWindows) {
	for _, l := range late {
		var ends []int64
		for end := range l.ends {
			ends = append(ends, end)
		}
		slices.Sort(ends)
		for _, end := range ends {
			r.judgeClose(r.keyState(l.key), end, true)
		}
	}
}

// judgeClose judges the windows of a key that end at e, unless they are empty; it reports whether they were.
func (r *ruleState) judgeClose(k *keyState, end int64, late bool) (empty bool) {
	j := &judgement{how: onClose, key: k, asOf: end, w: min(r.o.w, end), late: late}
	j.span = r.shown.ending(end)
	empty = true
	for _, f := range r.closes {
		all, _ := f.list(j)
		in := f.ending(end)
		empty = empty && len(between(all, in.Start, in.End)) == 0
	}
	if empty {
		return true
	}
	v := r.evaluate(j)
	r.row(j, v)
	r.step(k, v, j)
	return false
}

// judgeSession judges a session that closes.
func (r *ruleState) judgeSession(k *keyState, span Span) {
	j := &judgement{how: onClose, key: k, asOf: span.End, w: min(r.o.w, span.End), span: span}
	v := r.evaluate(j)
	r.row(j, v)
	r.step(k, v, j)
}

// judgeEvent judges the rule on an event.
func (r *ruleState) judgeEvent(k *keyState, e *happened) {
	if k.startsAfresh(r) {
		k.asOf = e.time
		k.fresh = e.fold
	}
	k.judged = true
	k.asOf = max(k.asOf, e.time)
	j := &judgement{how: onEvent, key: k, asOf: k.asOf, w: r.o.w, e: e}
	v := r.evaluate(j)
	r.row(j, v)
	r.step(k, v, j)
}

// evaluate computes facts, `ready`, `when` and `resolve`. The facts stay in the environment.
func (r *ruleState) evaluate(j *judgement) (v verdict) {
	r.fill(j.e, j.key.key)
	for i, f := range r.facts {
		if f.Expr != nil {
			r.env.Facts[i] = f.Expr.Eval(&r.env)
			continue
		}
		r.env.Facts[i], r.env.Samples[i], _ = r.windowFact(j, i)
	}
	if r.Ready != nil {
		truth, ok := r.Ready.Test(&r.env)
		if !ok {
			v.abstained = "missing " + r.env.Missing
		} else if !truth {
			v.abstained = "not ready"
		}
	}
	if v.abstained == "" {
		truth, ok := r.When.Test(&r.env)
		if !ok {
			v.abstained = "missing " + r.env.Missing
		}
		v.fired = ok && truth
	}
	if r.Resolve != nil {
		truth, ok := r.Resolve.Test(&r.env)
		v.resolve = ok && truth
	}
	return v
}

// sessionSpan returns the longest-gapped session that the event is in, nil if there is none.
func (r *ruleState) sessionSpan(j *judgement) (span *Span) {
	gap := int64(0)
	for _, f := range r.facts {
		if !f.isSession() || f.Window.Gap <= gap {
			continue
		}
		if _, s, ok := f.session(j); ok {
			span, gap = &s, f.Window.Gap
		}
	}
	return span
}

// row prints an evaluation.
func (r *ruleState) row(j *judgement, v verdict) {
	row := Row{Rule: r.Name, Key: j.key.key, Time: j.asOf, Fired: v.fired, Abstained: v.abstained, Late: j.late}
	switch {
	case j.how == onClose:
		row.Window = &j.span
	default:
		row.ID, row.Position = j.e.id, j.e.pos.String()
		row.Window = r.sessionSpan(j)
	}
	for i, f := range r.facts {
		x := r.env.Facts[i]
		if f.Agg == "previous" && f.Series == "" || x.IsMissing() {
			continue
		}
		row.Values = append(row.Values, Named{f.Name, x})
		if f.Expr == nil {
			r.o.off = 0
			if _, _, inexact := r.windowFact(j, i); inexact {
				row.Inexact = append(row.Inexact, f.Name)
			}
			if r.o.off > 0 {
				if row.Approx == nil {
					row.Approx = map[string]float64{}
				}
				row.Approx[f.Name] = r.o.off
			}
		}
	}
	r.o.out.Rows = append(r.o.out.Rows, row)
}
