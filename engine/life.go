package engine

import (
	"slices"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// step moves the rule's instance by one judgement (semantics.md, Alerts).
func (sh *shard) step(j *judgement, row *state.Row, v verdict) {
	rp := j.rule
	in, err := sh.load(rp, row)
	if err != nil {
		sh.failed(rp, err)
		return
	}
	sh.move(j, row, &in, v)
}

// move moves an instance by one judgement.
func (sh *shard) move(j *judgement, row *state.Row, in *instance, v verdict) {
	rp := j.rule
	if in.state != inactive && in.judgedLater(j) {
		// A judgement never changes an instance that has been judged as of a later time; but its event will leave.
		if j.mode == onEvent {
			sh.settle(rp, row, in, sh.nextLeave(rp, sh.rowsOf(rp, row, in), in))
		}
		return
	}
	if j.mode != onClose {
		in.left = max(in.left, j.asOf)
	}
	if v == abstain && j.mode != onLeave {
		if in.state != inactive { // it stays as it is, but has been judged
			in.judged = j.asOf
			sh.remember(j, in)
			sh.again(j, row, in)
		}
		return
	}
	in.judged = j.asOf
	in.byClose, in.span = j.mode == onClose, j.span
	switch in.state {
	case inactive:
		sh.begin(j, row, in, v)
	case pending:
		if v == yes {
			sh.remember(j, in)
			sh.again(j, row, in)
		} else if !j.late {
			in.state = inactive
			sh.save(rp, row, in)
		}
	case firing:
		sh.goOn(j, row, in, v)
	}
}

// judgedLater reports whether the instance has been judged as of a later time. A close at e is earlier than an event, or
// the leaving of one, as of e.
func (in *instance) judgedLater(j *judgement) bool {
	return j.asOf < in.judged || j.mode == onClose && j.rule.beat > 0 && j.asOf <= in.left
}

// begin opens an instance, or makes it pending, when the rule holds.
func (sh *shard) begin(j *judgement, row *state.Row, in *instance, v verdict) {
	rp := j.rule
	if v != yes || j.mode == onLeave {
		sh.save(rp, row, in)
		return
	}
	op := sh.openerOf(j)
	if j.late && slices.Contains(in.windows, op.span.End) {
		sh.save(rp, row, in) // never a second time under one window
		return
	}
	if rp.For == 0 && !rp.cool(in, j.asOf) {
		sh.save(rp, row, in)
		return
	}
	in.opener, in.tail = op, false
	in.since, in.left = j.asOf, none // what left before is judged again for an instance that a late event begins
	if j.mode == onEvent {
		in.left = j.asOf
	}
	sh.remember(j, in)
	if rp.For > 0 {
		in.state = pending
		sh.again(j, row, in)
		return
	}
	sh.open(j, row, in, j.asOf)
}

// cool reports whether the cooldown allows an opening at t.
func (rp *rulePlan) cool(in *instance, t int64) bool {
	return rp.Cooldown == 0 || in.opened == none || t-in.opened >= rp.Cooldown
}

// open opens the alert at event time t.
func (sh *shard) open(j *judgement, row *state.Row, in *instance, t int64) {
	rp := j.rule
	in.state, in.since, in.opened, in.updates = firing, t, t, 1
	in.judged = max(in.judged, t)
	if rp.For > 0 {
		in.left = max(in.left, t)
	}
	if in.opener.isWindow && rp.scope.lateness > 0 {
		in.windows = slices.DeleteFunc(in.windows, func(e int64) bool { return e+rp.scope.lateness < sh.now })
		in.windows = append(in.windows, in.opener.span.End)
		in.tail = false
	}
	sh.count.opened[rp.index]++
	sh.emitChange(j, in, Opened, t, "")
	if rp.Point {
		sh.end(j, row, in, t, alert.Point)
		return
	}
	sh.again(j, row, in)
}

// goOn updates or resolves a firing instance.
func (sh *shard) goOn(j *judgement, row *state.Row, in *instance, v verdict) {
	rp := j.rule
	reason := alert.Reason("")
	switch {
	case j.late:
	case rp.Resolve != nil:
		if truth, ok := rp.Resolve.Test(&sh.env); truth && ok {
			reason = alert.Condition
		}
	case v == abstain:
		reason = alert.Left
	case v == no && j.mode == onLeave:
		reason = alert.Left
	case v == no:
		reason = alert.Condition
	}
	if reason != "" {
		sh.end(j, row, in, j.asOf, reason)
		return
	}
	if j.mode != onLeave {
		sh.remember(j, in)
	}
	if v == yes {
		in.updates++
		sh.heldTrue(j, in)
	}
	sh.again(j, row, in)
}

// end resolves a firing instance, or forgets a pending one.
func (sh *shard) end(j *judgement, row *state.Row, in *instance, t int64, reason alert.Reason) {
	if in.state == firing {
		sh.count.resolved[j.rule.index]++
		sh.out.tell(updateKey{j.rule.index, row.Hash()})
		sh.emitChange(j, in, Resolved, t, reason)
	}
	in.state, in.due, in.fields, in.keys, in.tail = inactive, state.Never, nil, nil, false
	sh.save(j.rule, row, in)
}

// remember keeps what a leaving judgement will need of the current event.
func (sh *shard) remember(j *judgement, in *instance) {
	rp := j.rule
	if j.mode != onEvent {
		return
	}
	in.tail = in.tail && in.hasEvent && in.typ == sh.typeText && len(in.fields) == len(rp.keep)
	in.hasEvent, in.time, in.seq, in.typ = true, j.t, j.seq, sh.typeText
	in.fields = slices.Grow(in.fields[:0], len(rp.keep))[:len(rp.keep)]
	for i, slot := range rp.keep {
		v := sh.env.Rec.Value(slot)
		in.tail = in.tail && in.fields[i] == v
		in.fields[i] = v
	}
	in.keys = nil
	if !rp.foreign && !rp.farTable {
		return
	}
	in.tail = false
	for i := range j.rows {
		k := ""
		if j.rows[i].Valid() {
			k = "=" + string(j.rows[i].Key())
		}
		in.keys = append(in.keys, k)
	}
}

// again notes when the instance is to be looked at without an event, and saves it.
func (sh *shard) again(j *judgement, row *state.Row, in *instance) {
	rp := j.rule
	rows := j.rows
	if j.mode == onClose {
		rows = sh.rowsOf(rp, row, in)
	}
	in.due = sh.nextDue(rp, in, sh.nextLeave(rp, rows, in))
	sh.save(rp, row, in)
	if rp.beat > 0 && (j.mode != onClose || j.late) {
		sh.closeNext(rp.scope, row, in)
	}
}

// closeNext sees to it that the next close is judged: while an instance is open, an empty window counts too.
func (sh *shard) closeNext(s *scope, row *state.Row, in *instance) {
	e := s.closeAfter(max(sh.now, in.judged))
	b := row.Block(s.unit)
	if b == nil || e >= getTime(b, scopeDue) {
		return
	}
	putTime(b, scopeDue, e)
	if e < row.Due() {
		sh.dueAt(row, e)
	}
}

// closeAfter returns the first close of the scope's windows after t.
func (s *scope) closeAfter(t int64) int64 { return s.align.Shift(s.align.Start(t, s.beat), s.beat, 1) }

// nextDue returns the watermark at which the instance has to be looked at, if x is when events leave next.
func (sh *shard) nextDue(rp *rulePlan, in *instance, x int64) int64 {
	due := int64(state.Never)
	if x != state.Never {
		due = x + 1
	}
	switch {
	case in.state == pending:
		due = min(due, in.since+rp.For+1)
	case !sh.draining:
		due = min(due, in.judged+rp.Expire+1)
	}
	return due
}

// nextLeave returns the next millisecond at which one of the rule's sliding facts loses an event: after what has been
// judged by events and leaves, and not before what has been judged by closes.
func (sh *shard) nextLeave(rp *rulePlan, rows []state.Row, in *instance) int64 {
	x := int64(state.Never)
	t := max(in.left, in.judged-1)
	if !rp.OnEvent {
		return x
	}
	for i := range rp.facts {
		fp := &rp.facts[i]
		if fp.Expr != nil || !fp.shared.loses() || fp.twin != nil && sh.since[fp.twin.id] == sh.since[fp.shared.id] {
			continue
		}
		row := &rows[fp.scope.dim.index]
		if !row.Valid() {
			continue
		}
		l := fp.scope.openLog(row, row.Block(fp.scope.unit))
		d := fp.Window.Over + fp.Window.Before
		from := t - d + 1
		if fp.scope.foreign || fp.shared.of != nil {
			from = max(from, sh.was-2*rp.Longest)
		}
		from = max(from, sh.since[fp.shared.id])
		if fp.shared.limited {
			x = min(x, fp.shared.paneLeaves(fp.shared.panes(row), t, from))
		}
		for k := l.SearchTime(from); k < l.N; k++ {
			if m := l.Mask(k); m&fp.shared.bit != 0 && (m&window.Forgotten == 0 || fp.shared.of != nil) {
				x = min(x, l.Time(k)+d)
				break
			}
		}
	}
	return x
}

// loses reports whether the leaving of an event is a reason to judge again: `previous`, `gap` and `unseen` are relative
// to an event, and change only with the next one.
func (f *fact) loses() bool { return f.kind == slidingAcc || f.kind == slidingScan }

// leaves handles what is due for an instance before time t: the leaving of events, the end of `for`, expiry.
func (sh *shard) leaves(rp *rulePlan, row *state.Row, t int64) {
	for {
		if instanceDue(row.Block(rp.unit)) > t {
			return
		}
		in, err := sh.load(rp, row)
		if err != nil {
			sh.failed(rp, err)
			return
		}
		if in.state == inactive {
			return
		}
		rows := sh.rowsOf(rp, row, &in)
		x := sh.nextLeave(rp, rows, &in)
		expires := int64(state.Never)
		if in.state == firing && !sh.draining {
			expires = in.judged + rp.Expire
		}
		switch {
		case in.state == pending && in.since+rp.For < min(x, t):
			sh.openPending(rp, row, rows, &in)
		case x < t && x <= expires:
			sh.judgeLeave(rp, row, rows, &in, x)
		case expires < t:
			j := &sh.judged
			*j = judgement{rule: rp, mode: onLeave, asOf: expires, w: max(expires, sh.was), rows: rows}
			in.judged = expires
			sh.end(j, row, &in, expires, alert.Expired)
		default:
			sh.settle(rp, row, &in, x)
			return
		}
	}
}

// settle stores the time at which the instance is due next.
func (sh *shard) settle(rp *rulePlan, row *state.Row, in *instance, x int64) {
	due := sh.nextDue(rp, in, x)
	if due != in.due {
		in.due = due
		sh.save(rp, row, in)
	}
}

// openPending opens an instance whose rule has held for as long as `for` asks.
func (sh *shard) openPending(rp *rulePlan, row *state.Row, rows []state.Row, in *instance) {
	t := in.since + rp.For
	j := &sh.judged
	*j = judgement{rule: rp, mode: onLeave, asOf: t, w: max(t, sh.was), t: in.time, seq: in.seq, rows: rows}
	if !rp.cool(in, t) {
		in.state = inactive
		sh.save(rp, row, in)
		return
	}
	sh.revisit(j, row, in)
	j.asOf = t
	sh.open(j, row, in, t)
}

// revisit computes the facts once more as they were when the instance was judged last, as of the time of j.
func (sh *shard) revisit(j *judgement, row *state.Row, in *instance) {
	sh.restore(j.rule, row, in, j.asOf)
	if in.byClose {
		sh.noEvent()
		j.mode, j.asOf, j.span, j.named = onClose, in.judged, in.span, true
	}
	sh.evalFacts(j, true)
}

// judgeLeave judges a rule as of x, when events leave one of its sliding windows.
func (sh *shard) judgeLeave(rp *rulePlan, row *state.Row, rows []state.Row, in *instance, x int64) {
	j := &sh.judged
	*j = judgement{rule: rp, mode: onLeave, asOf: x, w: max(x, sh.was), t: in.time, seq: in.seq, rows: rows}
	sh.restore(rp, row, in, x)
	sh.evalFacts(j, false)
	v, _ := sh.evaluate(rp)
	sh.move(j, row, in, v)
}

// restore puts the event judged last back into the environment, and the views to time t.
func (sh *shard) restore(rp *rulePlan, row *state.Row, in *instance, t int64) {
	sh.prepare(rp)
	sh.noEvent()
	if s := rp.scope; len(s.views) > 0 {
		if b := row.Block(s.unit); b != nil {
			sh.moveTo(s, row, b, t)
		}
	}
	if !in.hasEvent {
		return
	}
	sh.stored = slices.Grow(sh.stored[:0], len(sh.engine.plan.Schema.Paths))[:len(sh.engine.plan.Schema.Paths)]
	clear(sh.stored)
	for i, slot := range rp.keep {
		if i < len(in.fields) {
			sh.stored[slot] = in.fields[i]
		}
	}
	e := &sh.env
	e.Stored, e.HasEvent, e.Time, e.Type = sh.stored, true, in.time, event.StringValue(in.typ)
}
