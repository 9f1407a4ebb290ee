package engine

import (
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

type mode uint8

const (
	onEvent mode = iota
	onClose
	onLeave // events have left a sliding window
)

// judgement is one evaluation of one rule for one key.
type judgement struct {
	rule  *rulePlan
	mode  mode
	now   bool  // with onEvent: there is no event, the facts are those of the moment
	asOf  int64 // A, e or X
	w     int64 // the watermark
	t     int64 // of the current event; on a leave of the last one judged
	seq   uint64
	late  bool // a window that is judged again
	span  window.Span
	rows  []state.Row // by dimension of the lane; a zero Row is absent
	named bool        // span is set
	own   []byte      // on an event: the block of the rule's scope,
	moves uint32      // as long as no blocks of the row have moved since

	inexact uint64 // bits of facts that hold float64 sums
	approx  uint64 // bits of facts that come from a sketch
}

func (j *judgement) row(d *dim) *state.Row {
	r := &j.rows[d.index]
	if !r.Valid() {
		return nil
	}
	return r
}

// block returns the block of a scope that has facts of the rule, nil if the row has none.
func (j *judgement) block(s *scope, row *state.Row) []byte {
	if s == j.rule.scope && j.own != nil && row.Moves() == j.moves {
		return j.own
	}
	return row.Block(s.unit)
}

// openLog returns a view of the scope's log in a row's block.
func (s *scope) openLog(row *state.Row, b []byte) (l window.Log) {
	if s.log == nil || len(b) == 0 {
		return l
	}
	l.LogLayout = s.log
	l.Entries = b[s.fixed:]
	l.Start, l.N = int(le.Uint32(b[scopeStart:])), int(le.Uint32(b[scopeN:]))
	if s.log.Heap {
		l.Heap = row.Block(s.heap)
	}
	return l
}

// evalFacts fills the environment with the rule's facts: those that its conditions need, or all.
func (sh *shard) evalFacts(j *judgement, all bool) {
	if all {
		if j.rule.tables != nil {
			sh.evalTables(j)
		}
		for i := range j.rule.facts {
			sh.evalFact(j, i)
		}
		return
	}
	sh.evalSome(j, j.rule.need)
}

// evalSome fills the environment with the tables and some facts; the others are missing.
func (sh *shard) evalSome(j *judgement, need []int) {
	if j.rule.tables != nil {
		sh.evalTables(j)
	}
	clear(sh.env.Facts)
	for _, i := range need {
		sh.evalFact(j, i)
	}
}

func (sh *shard) evalFact(j *judgement, i int) {
	fp := &j.rule.facts[i]
	env := &sh.env
	if fp.shared == nil {
		env.Facts[i] = fp.Expr.Eval(env)
		return
	}
	sh.rough = false
	v, samples, exact := sh.windowFact(j, fp)
	if sh.rough && !v.IsMissing() {
		j.approx |= 1 << i
	}
	env.Facts[i], env.Samples[i] = v, samples
	if !exact && fp.shared.adds && !v.IsMissing() {
		j.inexact |= 1 << i
	}
}

// windowFact computes a fact as of the judgement.
func (sh *shard) windowFact(j *judgement, fp *factPlan) (v event.Value, samples int64, exact bool) {
	s, f := fp.scope, fp.shared
	sh.floor, sh.skip = none, 0
	if j.mode != onClose {
		sh.skip = window.Forgotten
	}
	if (s.foreign || f.of != nil) && j.mode != onClose {
		sh.floor = j.w - 2*j.rule.Longest
	}
	sh.floor = max(sh.floor, sh.since[f.id])
	row := j.row(s.dim)
	if row == nil {
		if s.foreign && (j.mode != onLeave || sh.keyed&(1<<s.dim.index) == 0) {
			sh.clearPrev(j, fp.index)
			return event.Value{}, 0, true // the event has no such key
		}
	}
	var b []byte
	if row != nil {
		b = j.block(s, row)
	}
	switch f.kind {
	case slidingAcc:
		if j.mode != onClose && b != nil {
			v, exact = f.agg.Value(b[f.acc : f.acc+f.agg.Size()])
			if exact {
				return f.finish(v, f.over), 0, true
			}
		}
		v, exact = sh.scanSliding(j, s, f, row, b)
		return f.finish(v, f.over), 0, exact
	case slidingScan:
		v, exact = sh.scanSliding(j, s, f, row, b)
		return f.finish(v, f.over), 0, exact
	case previousFact, gapFact:
		return sh.previous(j, fp, row, b), 0, true
	case unseenFact:
		return sh.unseen(j, s, f, row, b), 0, true
	case paneAcc, paneScan:
		return sh.pane(j, s, f, row, b)
	case seriesAcc, seriesScan:
		return sh.seriesFact(j, s, f, row, b)
	}
	return sh.session(j, s, f, row, b)
}

// sees reports whether an entry with this mask belongs to the fact, for the judgement at hand.
func (sh *shard) sees(f *fact, mask uint64) bool {
	return mask&f.bit != 0 && (mask&sh.skip == 0 || f.of != nil)
}

// nearest returns the float64 nearest to an exact sum, which is what an expression sees of it.
func nearest(v event.Value) event.Value {
	if v.Kind == event.Int && (v.N > 1<<53 || v.N < -1<<53) {
		return event.FloatValue(float64(v.N))
	}
	return v
}

// finish turns a count into a rate, and a sum into what an expression sees of it.
func (f *fact) finish(v event.Value, over int64) event.Value {
	switch {
	case f.sum:
		return nearest(v)
	case !f.rate || v.IsMissing():
		return v
	}
	n, _ := v.Float64()
	return event.FloatValue(n / (float64(over) / 1000))
}

// slidingTimes returns the times [from, to) of the fact's sliding window.
func (sh *shard) slidingTimes(j *judgement, f *fact) (from, to int64) {
	from = j.asOf - f.Window.Before - f.Window.Over + 1 // event times >= from
	to = j.asOf - f.Window.Before + 1                   // and < to
	if j.mode == onClose {
		from, to = from-1, to-1
	}
	return max(from, sh.floor), to
}

// slidingRange returns the entries [lo, hi) in the fact's sliding window.
func (sh *shard) slidingRange(j *judgement, f *fact, l *window.Log) (lo, hi int) {
	from, to := sh.slidingTimes(j, f)
	if l.N == 0 || to <= from {
		return 0, 0
	}
	lo, hi = l.SearchTime(from), l.SearchTime(to)
	return min(lo, hi), hi
}

func (sh *shard) scanSliding(j *judgement, s *scope, f *fact, row *state.Row, b []byte) (event.Value, bool) {
	l := s.openLog(row, b)
	from, to := sh.slidingTimes(j, f)
	if f.limited {
		return sh.overLimited(j, s, f, row, &l, from, to)
	}
	return sh.over(j, s, f, row, &l, from, to)
}

// foldRange computes the fact's aggregate over the entries [lo, hi) that belong to it.
func (sh *shard) foldRange(f *fact, l *window.Log, lo, hi int) (event.Value, bool) {
	if f.Agg == "distinct" {
		return sh.distinct(f, l, lo, hi), true
	}
	vals := sh.vals[:0]
	for i := lo; i < hi; i++ {
		if !sh.sees(f, l.Mask(i)) {
			continue
		}
		v := event.BoolValue(true)
		if f.column >= 0 {
			if v = l.Value(i, f.column); v.IsMissing() {
				continue
			}
		}
		vals = append(vals, v)
	}
	sh.vals = vals
	return f.agg.Fold(vals)
}

func (sh *shard) distinct(f *fact, l *window.Log, lo, hi int) event.Value {
	if sh.seen == nil {
		sh.seen = map[window.Hash128]struct{}{}
	}
	clear(sh.seen)
	for i := lo; i < hi; i++ {
		if !sh.sees(f, l.Mask(i)) {
			continue
		}
		if h, ok := l.Hash(i, f.column); ok {
			sh.seen[h] = struct{}{}
		}
	}
	return event.IntValue(int64(len(sh.seen)))
}

// newestBefore returns the newest entry of the fact before the current event and within its window, -1 if there is none.
func (sh *shard) newestBefore(j *judgement, f *fact, l *window.Log) int {
	if j.mode == onClose || l.N == 0 {
		return -1
	}
	lo, hi := sh.slidingRange(j, f, l)
	for i := min(l.Search(j.t, j.seq), hi) - 1; i >= lo; i-- {
		if sh.sees(f, l.Mask(i)) {
			return i
		}
	}
	return -1
}

func (sh *shard) clearPrev(j *judgement, fact int) {
	for k, pr := range j.rule.PrevRefs {
		if pr.Fact == fact {
			sh.env.Prev[k] = event.Value{}
		}
	}
}

// previous computes `previous` (whose fields go to the environment) and `gap`.
func (sh *shard) previous(j *judgement, fp *factPlan, row *state.Row, b []byte) event.Value {
	s, f := fp.scope, fp.shared
	l := s.openLog(row, b)
	i := sh.newestBefore(j, f, &l)
	if f.kind == gapFact {
		if i < 0 {
			return event.Value{}
		}
		return event.IntValue(j.t - l.Time(i))
	}
	for k, pr := range j.rule.PrevRefs {
		if pr.Fact != fp.index {
			continue
		}
		sh.env.Prev[k] = event.Value{}
		if i < 0 {
			continue
		}
		if pr.Slot == rules.SlotTime {
			sh.env.Prev[k] = event.IntValue(l.Time(i))
		}
		for _, pc := range f.prev {
			if pc.slot == pr.Slot {
				sh.env.Prev[k] = l.Value(i, pc.column)
			}
		}
	}
	if i < 0 {
		return event.Value{}
	}
	return event.Value{Kind: event.Object, S: "{}"}
}

func (sh *shard) unseen(j *judgement, s *scope, f *fact, row *state.Row, b []byte) event.Value {
	l := s.openLog(row, b)
	if j.mode == onClose {
		return event.Value{}
	}
	key, ok := event.AppendKey(sh.key[:0], f.arg.Eval(&sh.env))
	if !ok {
		return event.Value{}
	}
	sh.key = key
	h := window.HashText(key)
	lo, hi := sh.slidingRange(j, f, &l)
	if hi-lo > sh.big.from {
		from, to := sh.slidingTimes(j, f)
		if c := sh.companion(j, s, f, row, &l, from, to); c != nil {
			return event.BoolValue(c.counter.Count(h) == sh.occurrences(f, &l, max(lo, l.Search(j.t, j.seq)), hi, h))
		}
	}
	for i := min(l.Search(j.t, j.seq), hi) - 1; i >= lo; i-- {
		if !sh.sees(f, l.Mask(i)) {
			continue
		}
		if o, ok := l.Hash(i, f.column); ok && o == h {
			return event.BoolValue(false)
		}
	}
	return event.BoolValue(true)
}

// pane computes a tumbling or hopping fact: on a close of the window that ends there, on an event of the open one.
func (sh *shard) pane(j *judgement, s *scope, f *fact, row *state.Row, b []byte) (event.Value, int64, bool) {
	from, to, ok := j.paneRange(s, f)
	if !ok {
		return event.Value{}, 0, true
	}
	v, exact := sh.between(j, s, f, row, b, from, to)
	return f.finish(v, to-from), 0, exact
}

func (j *judgement) paneRange(s *scope, f *fact) (from, to int64, ok bool) {
	w := f.Window
	if j.mode == onClose {
		n := int64(1)
		if w.Kind == rules.Hopping {
			n = w.Over / w.Each
		}
		return s.align.Shift(j.asOf, w.Each, -n), j.asOf, true
	}
	from = s.align.Start(j.asOf, w.Each)
	to = s.align.Shift(from, w.Each, 1)
	if w.Kind == rules.Hopping { // as of now: the one that closes next
		from = s.align.Shift(to, w.Each, -w.Over/w.Each)
	}
	return from, to, j.w < to
}

// between computes the fact's aggregate over the aligned windows in [from, to).
func (sh *shard) between(j *judgement, s *scope, f *fact, row *state.Row, b []byte, from, to int64) (event.Value, bool) {
	if f.kind == paneScan || f.kind == seriesScan {
		l := s.openLog(row, b)
		if l.N == 0 && f.panes(row).n() == 0 {
			return f.agg.Fold(nil)
		}
		if f.kind == seriesScan && f.limited {
			return sh.bucketOf(f, row, &l, from, max(from, sh.floor), to, f.seesForgotten(j.mode)), true
		}
		from = max(from, sh.floor)
		if f.kind == seriesScan { // a different range for each bucket
			return sh.foldRange(f, &l, l.SearchTime(from), l.SearchTime(max(from, to)))
		}
		if f.limited {
			return sh.overLimited(j, s, f, row, &l, from, to)
		}
		return sh.over(j, s, f, row, &l, from, to)
	}
	n := f.agg.Size()
	acc := sh.acc[:n]
	clear(acc)
	if row != nil {
		p := window.Spans{Block: row.Block(f.grid.unit), Width: f.grid.width}
		for i := p.Find(from); i < p.N() && p.Start(i) < to; i++ {
			if p.Mask(i)&f.mask == 0 {
				continue
			}
			f.agg.Merge(acc, p.At(i)[f.acc:f.acc+n])
		}
	}
	return f.agg.Value(acc)
}

// holds reports whether some event of the key belongs to the fact and lies in [from, to).
func (sh *shard) holds(s *scope, f *fact, row *state.Row, b []byte, from, to int64) bool {
	if f.grid == nil {
		if p := f.panes(row); p.n() > 0 && f.touched(p, max(from, sh.floor), to, sh.skip == 0 || f.of != nil, true) {
			return true
		}
		l := s.openLog(row, b)
		if l.N == 0 {
			return false
		}
		for i := l.SearchTime(max(from, sh.floor)); i < l.N && l.Time(i) < to; i++ {
			if sh.sees(f, l.Mask(i)) {
				return true
			}
		}
		return false
	}
	p := window.Spans{Block: row.Block(f.grid.unit), Width: f.grid.width}
	for i := p.Find(from); i < p.N() && p.Start(i) < to; i++ {
		if p.Mask(i)&f.mask != 0 {
			return true
		}
	}
	return false
}

// session computes a fact over the session that the event falls into, or that closes.
func (sh *shard) session(j *judgement, s *scope, f *fact, row *state.Row, b []byte) (event.Value, int64, bool) {
	if row == nil {
		return event.Value{}, 0, true
	}
	x := f.sess
	p := window.Spans{Block: row.Block(x.unit), Width: x.width}
	at := j.t
	if j.mode == onClose {
		at = j.span.Start
	}
	i := p.Find(at+1) - 1
	if i < 0 || p.Last(i) < at && !(j.now && at <= p.Last(i)+x.gap) || j.mode == onEvent && sh.tooLateFor(x) {
		return event.Value{}, 0, true
	}
	if end := p.Last(i) + x.gap; j.mode == onLeave && max(j.asOf, j.w) > end {
		return event.Value{}, 0, true // it has closed
	}
	if j.mode != onClose && (!j.named || f == j.rule.facts[j.rule.row].shared) {
		j.span, j.named = window.Span{Start: p.Start(i), End: p.Last(i) + x.gap}, true
	}
	length := p.Last(i) + x.gap - p.Start(i)
	if f.kind == sessionAcc {
		n := f.agg.Size()
		v, exact := f.agg.Value(p.At(i)[f.acc : f.acc+n])
		return f.finish(v, length), 0, exact
	}
	l := s.openLog(row, b)
	if l.N == 0 && f.panes(row).n() == 0 {
		return event.Value{}, 0, true
	}
	from, to := max(p.Start(i), sh.floor), p.Last(i)+1
	if f.limited {
		v, exact := sh.overLimited(j, s, f, row, &l, from, to)
		return f.finish(v, length), 0, exact
	}
	v, exact := sh.over(j, s, f, row, &l, from, to)
	return f.finish(v, length), 0, exact
}

func (rp *rulePlan) rowFact() *rules.Fact {
	if rp.row < 0 {
		return nil
	}
	return rp.Facts[rp.row]
}
