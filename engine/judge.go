package engine

import (
	"slices"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

type verdict uint8

const (
	no verdict = iota
	yes
	abstain
)

// prepare makes the environment that of a rule whose facts are not known yet.
func (sh *shard) prepare(rp *rulePlan) {
	e, env := &sh.known, &sh.env
	env.Facts, env.Samples = e.facts[:len(rp.facts)], e.samples[:len(rp.facts)]
	env.Tables, env.Prev = e.tables[:len(rp.tables)], e.prev[:len(rp.PrevRefs)]
	clear(env.Facts)
	clear(env.Samples)
	clear(env.Tables)
	clear(env.Prev)
	env.Missing, env.Err = "", nil
	sh.kin, sh.computed = nil, 0
}

// evaluate answers whether the rule holds. why says what an abstention is for.
func (sh *shard) evaluate(rp *rulePlan) (v verdict, why reason) {
	env := &sh.env
	if rp.Ready != nil {
		switch truth, ok := rp.Ready.Test(env); {
		case !ok:
			return sh.abstains(rp)
		case !truth:
			sh.count.notReady[rp.index]++
			return abstain, reason{ready: true}
		}
	}
	truth, ok := rp.When.Test(env)
	if !ok {
		return sh.abstains(rp)
	}
	if truth {
		return yes, reason{}
	}
	return no, reason{}
}

// reason is why a rule abstains.
type reason struct {
	ready   bool   // `ready` is false
	missing string // the name that is missing
	err     error
}

// String says it as rows do.
func (r reason) String() string {
	switch {
	case r.ready:
		return "not ready"
	case r.err != nil:
		return "error: " + r.err.Error()
	}
	return "missing " + r.missing
}

func (sh *shard) abstains(rp *rulePlan) (verdict, reason) {
	if err := sh.env.Err; err != nil {
		sh.count.errors[rp.index]++
		sh.failed(rp, err)
		return abstain, reason{err: err}
	}
	sh.count.lacked(rp.index, sh.env.Missing)
	return abstain, reason{missing: sh.env.Missing}
}

// judgeEvent judges a rule on the current event, as of A. own is the block of its scope.
func (sh *shard) judgeEvent(rp *rulePlan, rows []state.Row, own []byte, ev *foldEvent, asOf int64) {
	home := &rows[rp.scope.dim.index]
	known := rp.hasInstance(home, own)
	if l := &rp.limit; l.fact != nil && l.fact.kind == slidingAcc && !known && !sh.wantsAll(rp) && l.denies(own) {
		sh.count.evaluated[rp.index]++
		return
	}
	j := &sh.judged
	if rp.family != nil && rp.family == sh.kin {
		sh.join(rp)
	} else {
		*j = judgement{}
		j.rule, j.asOf, j.w, j.t, j.seq = rp, asOf, ev.w, ev.t, ev.seq // mode: onEvent
		j.rows, j.own, j.moves = rows, own, home.Moves()
		sh.prepare(rp)
		if rp.tables != nil {
			sh.evalTables(j)
		}
		sh.kin = rp.family
	}
	sh.count.evaluated[rp.index]++
	switch {
	case sh.wantsAll(rp):
		sh.supply(j, rp.all)
	case rp.first == nil || known:
		sh.supply(j, rp.need)
	case !sh.firstHolds(j):
		return
	}
	v, why := sh.evaluate(rp)
	if sh.wantsAll(rp) {
		sh.report(j, v, why)
	}
	if v == yes && sh.wantFirings {
		sh.fired(j)
	}
	if v != yes && !known {
		return
	}
	sh.out.opened, sh.kin = "", nil
	sh.step(j, home, v)
	if v == yes && rp.Decide != "" && sh.engine.decides {
		sh.verdict(j, home)
	}
}

// firstHolds evaluates the first part of the rule's `when`, which mostly decides, before the facts that only the others
// need; these it evaluates if the answer still depends on them.
func (sh *shard) firstHolds(j *judgement) bool {
	rp := j.rule
	sh.supply(j, rp.firstNeed)
	truth, ok := rp.first.Test(&sh.env)
	if !ok {
		sh.abstains(rp)
		return false
	}
	if truth {
		sh.supply(j, rp.restNeed)
	}
	return truth
}

// splitWhen finds the part of `when` that is worth to be asked first.
func (rp *rulePlan) splitWhen() {
	first, ok := rp.When.First()
	if !ok || rp.Ready != nil {
		return
	}
	need := reachedFacts(rp.Rule, first)
	if len(need) == len(rp.need) {
		return
	}
	rp.first, rp.firstNeed = first, need
	for _, i := range rp.need {
		if !slices.Contains(need, i) {
			rp.restNeed = append(rp.restNeed, i)
		}
	}
}

// report tells the world of an evaluation.
func (sh *shard) report(j *judgement, v verdict, why reason) {
	if sh.wantRows {
		sh.emitRow(j, v, why)
	}
	if f := sh.engine.observe; f != nil {
		row := &j.rows[j.rule.scope.dim.index]
		o := Observation{Rule: j.rule.Rule, Key: splitKey(row.Key(), len(j.rule.By)), AsOf: j.asOf, Fired: v == yes, Env: &sh.env, Approx: j.approximate(), Shard: sh.index}
		if v == abstain {
			o.Abstained = why.String()
		}
		if j.mode == onEvent {
			o.Seq, o.Position = j.seq, sh.engine.position(j.seq)
		}
		if j.named {
			o.Window = &j.span
		}
		f(&o)
	}
}

// hasInstance reports whether the rule has a block in the row.
func (sh *shard) hasInstance(rp *rulePlan, row *state.Row) bool {
	if row.Note() == 0 {
		return false
	}
	return rp.hasInstance(row, row.Block(rp.scope.unit))
}

// hasInstance reports the same where own is the block of the rule's scope, nil if there is none.
func (rp *rulePlan) hasInstance(row *state.Row, own []byte) bool {
	switch {
	case row.Note() == 0:
		return false
	case rp.scope.stateless():
		return row.Block(rp.unit) != nil
	}
	return own != nil && le.Uint64(own[scopeFlags:])&rp.bit != 0
}

// stateless reports whether rules of the scope have no window, so that nothing is kept but instances.
func (s *scope) stateless() bool { return len(s.facts) == 0 && s.longest == 0 }

// judgeClose judges a rule on the close of its window at e. An empty window is judged for an instance only.
func (sh *shard) judgeClose(rp *rulePlan, row *state.Row, e int64, late bool) {
	empty := !sh.windowHolds(rp, row, e)
	if empty && (late || !sh.hasInstance(rp, row)) {
		return
	}
	sh.closing(rp, row, e, rp.closeSpan(e), empty, late)
}

// closing judges a rule as of the close of a window. It reports whether it has looked at the rule's instance.
func (sh *shard) closing(rp *rulePlan, row *state.Row, e int64, span window.Span, empty, late bool) (stepped bool) {
	j := &sh.judged
	rows := sh.onlyRow(rp, row)
	*j = judgement{rule: rp, mode: onClose, asOf: e, w: e, late: late, span: span, named: true, rows: rows}
	if empty {
		in, err := sh.load(rp, row)
		if err != nil {
			sh.failed(rp, err)
			return true
		}
		if in.state != inactive && !in.judgedLater(j) {
			in.judged = e
			sh.end(j, row, &in, e, alert.Empty)
		}
		return true
	}
	sh.prepare(rp)
	if late {
		sh.count.late[rp.index]++
	}
	sh.noEvent()
	sh.evalFacts(j, sh.wantsAll(rp))
	v, why := sh.evaluate(rp)
	sh.count.evaluated[rp.index]++
	if sh.wantsAll(rp) {
		sh.report(j, v, why)
	}
	if v == yes && sh.wantFirings {
		sh.fired(j)
	}
	if v != yes && !sh.hasInstance(rp, row) {
		return false
	}
	sh.step(j, row, v)
	return true
}

func (sh *shard) noEvent() {
	e := &sh.env
	e.Rec, e.Stored, e.HasEvent, e.Time, e.Type = nil, nil, false, 0, event.Value{}
}

// onlyRow returns the lane's rows when there is no event: only the rule's own is known.
func (sh *shard) onlyRow(rp *rulePlan, row *state.Row) []state.Row {
	n := len(rp.scope.dim.lane.dims)
	for len(sh.alone) < n {
		sh.alone = append(sh.alone, state.Row{})
	}
	rows := sh.alone[:n]
	clear(rows)
	rows[rp.scope.dim.index] = *row
	return rows
}

// closeSpan returns the window that a row of the rule shows at the close e: that of its longest fact.
func (rp *rulePlan) closeSpan(e int64) window.Span {
	start := rp.scope.align.Shift(e, rp.beat, -1)
	if f := rp.rowFact(); f != nil && f.Window.Kind == rules.Hopping {
		start = rp.scope.align.Shift(e, rp.beat, -f.Window.Over/f.Window.Each)
	}
	return window.Span{Start: start, End: e}
}

// windowHolds reports whether some `each` fact of the rule has an event in its window that ends at e.
func (sh *shard) windowHolds(rp *rulePlan, row *state.Row, e int64) bool {
	s := rp.scope
	b := row.Block(s.unit)
	sh.skip = 0
	for i := range rp.facts {
		fp := &rp.facts[i]
		n := fp.closeLength(rp)
		if n == 0 {
			continue
		}
		sh.floor = sh.since[fp.shared.id]
		if sh.holds(s, fp.shared, row, b, s.align.Shift(e, rp.beat, -n), e) {
			return true
		}
	}
	return false
}

// closeLength returns the length, in beats, of the fact's window on a close; 0 if it is no `each` fact. A series counts
// only in a rule that has nothing else: its window is the bucket that is judged.
func (fp *factPlan) closeLength(rp *rulePlan) int64 {
	if fp.Expr != nil || fp.scope != rp.scope {
		return 0
	}
	switch w := fp.Window; w.Kind {
	case rules.Tumbling:
		return 1
	case rules.Hopping:
		return w.Over / w.Each
	case rules.Buckets:
		if rp.onlySeries {
			return 1
		}
	}
	return 0
}
