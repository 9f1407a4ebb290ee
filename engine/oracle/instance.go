package oracle

import (
	"kelpie/rules"
)

// The states of an instance.
const (
	none = iota
	pending
	open
)

// instance is the alert of one rule and key.
type instance struct {
	state      int
	since      int64 // pending: when it began
	judged     int64 // the latest time that it was judged as of
	after      bool  // it was judged as of then by what comes after a close of windows at that time
	alert      int   // open: index into the result's alerts
	cause      Alert // pending: what began it
	hasOpened  bool
	lastOpened int64
}

// step lets an evaluation change the key's instance.
func (r *ruleState) step(k *keyState, v verdict, j *judgement) {
	in := &k.instance
	if in.state != none && in.judgedLater(j.asOf, j.how != onClose || r.beat == 0) {
		return
	}
	if j.how == onEvent {
		k.last = j.e
	}
	in.judged, in.after = j.asOf, j.how != onClose || r.beat == 0
	if j.late && !v.fired {
		return
	}
	switch in.state {
	case none:
		r.begin(k, v, j)
	case pending:
		if v.fired || v.abstained != "" && j.how != onLeave {
			return
		}
		in.state = none
	case open:
		if !j.late && r.resolves(v, j) {
			r.resolve(k, j.asOf)
		}
	}
}

// judgedLater reports whether the instance has been judged as of a later time than at. A close of windows at e comes
// before all else as of e, since it is about what happened before e.
func (in *instance) judgedLater(at int64, after bool) bool {
	return at < in.judged || at == in.judged && in.after && !after
}

// resolves reports whether an evaluation ends an open instance.
func (r *ruleState) resolves(v verdict, j *judgement) bool {
	if v.abstained != "" && j.how != onLeave {
		return false
	}
	if r.Resolve != nil {
		return v.resolve
	}
	return !v.fired
}

// begin opens an instance, or a pending one.
func (r *ruleState) begin(k *keyState, v verdict, j *judgement) {
	if !v.fired || j.how == onLeave {
		return
	}
	cause := Alert{Rule: r.Name, Key: k.key}
	if j.how == onClose {
		if k.opened[j.span] {
			return
		}
		span := j.span
		cause.Window = &span
		k.last = nil
	} else {
		cause.ID, cause.Position = j.e.id, j.e.pos.String()
	}
	in := &k.instance
	if r.For > 0 {
		in.state, in.since, in.cause = pending, j.asOf, cause
		return
	}
	r.open(k, cause, j.asOf)
}

// open opens an instance, unless the last opening is too near.
func (r *ruleState) open(k *keyState, cause Alert, at int64) {
	in := &k.instance
	in.state = none
	if r.Cooldown > 0 && in.hasOpened && at < in.lastOpened+r.Cooldown {
		return
	}
	cause.Opened = at
	if cause.Window != nil {
		k.opened[*cause.Window] = true
	}
	in.state, in.hasOpened, in.lastOpened = open, true, at
	if at > in.judged { // `for` has ended
		in.judged, in.after = at, true
	}
	in.alert = len(r.o.out.Alerts)
	r.o.out.Alerts = append(r.o.out.Alerts, cause)
	if r.Point {
		r.resolve(k, at)
	}
}

func (r *ruleState) resolve(k *keyState, at int64) {
	k.instance.state = none
	r.o.out.Alerts[k.instance.alert].Resolved = &at
}

// The kinds of what is due, in the order in which they are handled at one time.
const (
	dueClose = iota
	dueLeave
	dueSession
	dueOpen
	dueExpire
)

// due is something that time brings.
type due struct {
	at   int64
	kind int
	span Span
	fact *factState
}

// first returns the earlier of two.
func first(a, b *due) *due {
	if a == nil || b != nil && (b.at < a.at || b.at == a.at && b.kind < a.kind) {
		return b
	}
	return a
}

// advance moves the watermark and handles what this makes due. Rules and keys do not see each other here,
// so each is brought up to w on its own.
func (o *oracle) advance(w int64) {
	from := o.w
	o.was, o.w = o.w, max(o.w, w)
	for _, r := range o.rules {
		for _, k := range r.sortedKeys() {
			r.catchUp(k, from)
		}
	}
}

// catchUp handles all that is due for a key; the ends up to handled are done.
func (r *ruleState) catchUp(k *keyState, handled int64) {
	for {
		d := r.nextTimer(k, r.o.w)
		d = first(d, r.nextEnd(k, handled))
		for _, f := range r.facts {
			if f.isSession() {
				if span, ok := f.nextClose(k); ok {
					d = first(d, &due{at: span.End, kind: dueSession, span: span, fact: f})
				}
			}
		}
		if d == nil {
			return
		}
		switch d.kind {
		case dueClose:
			handled = d.at
			r.close(k, d.at)
		case dueSession:
			if r.OnClose && d.fact == r.shown {
				r.judgeSession(k, d.span)
			}
			d.fact.closeSession(k, d.span)
		default:
			r.timer(k, d)
		}
	}
}

// nextEnd returns the next end of windows at which the key is judged: some of its windows holds an event, or an
// instance lives.
func (r *ruleState) nextEnd(k *keyState, handled int64) (d *due) {
	if !r.OnClose || r.beat == 0 {
		return nil
	}
	for end := range k.ends {
		d = first(d, &due{at: end, kind: dueClose})
	}
	if k.instance.state != none {
		from := max(handled, r.beats(k.instance.judged, r.beat, -1))
		d = first(d, &due{at: r.beats(from, r.beat, 1), kind: dueClose})
	}
	if d == nil || d.at > r.o.w {
		return nil
	}
	return d
}

// close handles an end of windows: a judgement, or the resolving by an empty window.
func (r *ruleState) close(k *keyState, end int64) {
	delete(k.ends, end)
	if !r.judgeClose(k, end, false) {
		return
	}
	in := &k.instance
	if in.state == none || in.judgedLater(end, false) {
		return
	}
	if in.state == open {
		r.resolve(k, end)
	}
	in.state = none
}

// timers handles the timers of a key that come before its judgement as of limit.
func (r *ruleState) timers(k *keyState, limit int64) {
	for d := r.nextTimer(k, limit); d != nil; d = r.nextTimer(k, limit) {
		r.timer(k, d)
	}
}

// nextTimer returns the first timer of a key before limit.
func (r *ruleState) nextTimer(k *keyState, limit int64) (d *due) {
	in := &k.instance
	if in.state == none {
		return nil
	}
	if r.OnEvent {
		if x, ok := r.nextLeaving(k); ok {
			d = first(d, &due{at: x, kind: dueLeave})
		}
	}
	if in.state == pending {
		d = first(d, &due{at: in.since + r.For, kind: dueOpen})
	} else if !r.o.ended {
		d = first(d, &due{at: in.judged + r.Expire, kind: dueExpire})
	}
	if d == nil || d.at >= limit {
		return nil
	}
	return d
}

// nextLeaving returns the first time at which a sliding fact loses an event, after the instance was judged last, or
// at that very time if only a close of windows was.
func (r *ruleState) nextLeaving(k *keyState) (at int64, ok bool) {
	for _, f := range r.facts {
		if f.Expr != nil || f.Window.Kind != rules.Sliding || f.Agg == "previous" || f.Agg == "gap" || f.Agg == "unseen" {
			continue
		}
		all, _ := f.list(&judgement{how: onLeave, key: k, w: r.o.was, e: k.last})
		for _, s := range all {
			x := s.time + f.Window.Before + f.Window.Over
			if !k.instance.judgedLater(x, false) && (!ok || x < at) {
				at, ok = x, true
			}
		}
	}
	return at, ok
}

// timer handles one timer.
func (r *ruleState) timer(k *keyState, d *due) {
	switch d.kind {
	case dueLeave:
		j := &judgement{how: onLeave, key: k, asOf: d.at, w: min(r.o.w, max(r.o.was, d.at)), e: k.last}
		r.step(k, r.evaluate(j), j)
	case dueOpen:
		r.open(k, k.instance.cause, d.at)
	case dueExpire:
		r.resolve(k, d.at)
	}
}
