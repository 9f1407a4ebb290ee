package engine

import (
	"slices"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// shard holds the rows of its share of the keys and folds the events that concern them, in log order. Everything in it
// is owned by one goroutine at a time.
type shard struct {
	engine *Engine
	index  int
	mem    state.Memory
	rows   []*state.Rows // by dim
	timers []*timers     // by lane
	watch  watchers
	out    output
	count  counters
	counts []bool // by lane: the counters are of what counts (see counting)
	err    error  // of the storage: the fold stops

	now      int64 // the watermark
	was      int64 // the watermark before it moved last: what was due by then has been handled
	big      bigs
	rough    bool    // the fact computed last comes from a sketch
	sketch   []byte  // scratch
	keyed    uint64  // on a leave: the dims of the lane whose keys the instance remembers
	floor    int64   // for the fact that is being computed: no older events
	since    []int64 // by fact.id: for added facts, no older events
	skip     uint64  // marks of entries that it does not see
	draining bool
	dueKey   int64
	wantRows bool
	wantAll  []bool // by rule: all facts, not only those that conditions need; nil: of no rule

	wantFirings bool

	env       rules.Env
	known     ruleEnv
	typeText  string
	judged    judgement
	kin       *family // of the judgement at hand, if another rule of the family can go on with it
	computed  uint64  // bits of the facts that it has computed
	late      []bool  // by sessions: the current event came too late for them
	passed    []bool
	cols      []columnValue
	vals      []event.Value
	series    []event.Value
	stored    []event.Value
	seen      map[window.Hash128]struct{}
	acc       []byte
	key       []byte
	enc       []byte
	alone     []state.Row
	opened    []state.Row
	met       []uint64  // scopes whose filters the current event passes
	concerned []concern // see concerns
	fresh     []*scope  // see openAll
	blocks    []state.NewBlock
	wanted    []state.Wanted  // see fetch
	ids       [opGroup]uint32 // of the rows of a group of ops, where they have been found
	touched   byte
	buffers   [8][]event.Value // for the fields of instances
	turn      int
	units     []unitRef
	applied   uint32 // events of the stride, up to the one folded last
}

// ruleEnv holds the values of the rule that is being judged. All rules take turns with it, which keeps it in the cache.
type ruleEnv struct {
	facts, tables, prev []event.Value
	samples             []int64
}

// fit makes room for the rule's values.
func (e *ruleEnv) fit(rp *rulePlan) {
	e.facts = make([]event.Value, max(len(e.facts), len(rp.Facts)))
	e.samples = make([]int64, len(e.facts))
	e.tables = make([]event.Value, max(len(e.tables), len(rp.TableRefs)))
	e.prev = make([]event.Value, max(len(e.prev), len(rp.PrevRefs)))
}

func newShard(e *Engine, i int) *shard {
	sh := &shard{engine: e, since: e.warmth.since, index: i, timers: e.plan.newTimers(), watch: watchers{}, late: make([]bool, e.plan.nsessions), acc: make([]byte, 256)}
	sh.big = newBigs(bigLimit)
	p := e.plan
	for _, d := range p.dims {
		sh.rows = append(sh.rows, state.NewRows(d.id, &sh.mem, nil, 0))
	}
	for _, rp := range p.rules {
		sh.known.fit(rp)
	}
	sh.counts = make([]bool, len(p.lanes))
	for i := range sh.counts {
		sh.counts[i] = e.counting.begun
	}
	sh.count.init(p)
	return sh
}

// op is one event for one lane; for a lane of one dimension with the key, which is keys[from:to] of the piece, and its hash. There are no pointers in it, so that the garbage collector has nothing to walk.
type op struct {
	hash     uint64
	ev       uint32
	from, to uint32
}

// opGroup is how many ops are looked ahead at.
const opGroup = 32

// stride folds the shard's events of a stride, and what they make due up to watermark w, lane by lane: lanes have nothing in
// common, and one after the other each finds its code, its rows and what the processor has learned about its branches at
// hand. Effects say themselves where in the stride they belong.
func (sh *shard) stride(evs []foldEvent, w int64) {
	sh.out.reset()
	sh.fetch(evs)
	for _, l := range sh.engine.plan.lanes {
		sh.applied = 0
		for _, p := range sh.engine.now.used() {
			sh.apply(l, p, evs)
		}
		sh.finish(l, evs, w)
	}
	if len(sh.out.updated) > 0 && sh.err == nil {
		sh.out.at(uint32(len(evs)), phaseDue)
		sh.out.tellAll()
	}
}

// apply folds the ops of a piece for a lane in order. The places of several rows are touched before they are needed, so that the cache
// misses overlap.
func (sh *shard) apply(l *lane, p *piece, evs []foldEvent) {
	ts, ops, mine := sh.timers[l.id], p.ops[sh.index][l.id], evs[p.base:]
	for len(ops) > 0 {
		g := ops[:min(len(ops), opGroup)]
		ops = ops[len(g):]
		sh.prefetch(l, g, mine)
		sh.peekTimers(ts, mine[g[len(g)-1].ev].w)
		for i := range g {
			if sh.err != nil {
				return
			}
			o := &g[i]
			ev := &mine[o.ev]
			if ts.reach(ev.w) {
				sh.fireUpTo(l, ts, ev.index, evs)
			}
			sh.countAt(l, int64(ev.index))
			sh.event(l, o.hash, p.keys[o.from:o.to], ev, sh.ids[i])
			sh.applied = ev.index + 1
		}
	}
}

// prefetch finds the rows of the ops, for event, and touches them and the bytes of their events.
func (sh *shard) prefetch(l *lane, g []op, evs []foldEvent) {
	if len(l.dims) > 1 {
		return
	}
	rows := sh.rows[l.dims[0].at]
	for i := range g {
		sh.ids[i] = rows.Find(g[i].hash)
	}
	var b byte
	for i := range g {
		b += rows.Approach(sh.ids[i])
	}
	for i := range g {
		b += rows.Touch(sh.ids[i])
		rec := evs[g[i].ev].rec
		for _, slot := range l.workOf(rec.Type).reads {
			if f := &rec.Fields[slot]; f.Kind != event.FieldAbsent {
				b += rec.Raw[f.Off]
			}
		}
	}
	sh.touched = b
}

// fireUpTo handles the timers of a lane that are due at the events up to the one with index i, in the order in which the
// watermark reached them.
func (sh *shard) fireUpTo(l *lane, ts *timers, i uint32, evs []foldEvent) {
	from := max(sh.applied, 1) - 1 // what an event has made due itself comes right after it
	for ts.reach(evs[i].w) && sh.err == nil {
		k := from + firstAt(ts.bound, evs[from:])
		sh.out.at(max(k, sh.applied), phaseDue)
		sh.was = sh.engine.before
		if at := sh.out.ev; at > 0 {
			sh.was = evs[at-1].w
		}
		sh.countAt(l, int64(k)-1)
		sh.fire(ts, evs[k].w)
	}
}

// finish handles what the end of a stride makes due in a lane, and forgets.
func (sh *shard) finish(l *lane, evs []foldEvent, w int64) {
	ts := sh.timers[l.id]
	if n := len(evs); n > 0 && ts.reach(evs[n-1].w) {
		sh.fireUpTo(l, ts, uint32(n-1), evs)
	}
	if sh.err == nil && ts.reach(w) {
		sh.out.at(uint32(len(evs)), phaseDue)
		sh.was = sh.engine.before
		if n := len(evs); n > 0 {
			sh.was = evs[n-1].w
		}
		sh.countAt(l, int64(len(evs))-1)
		sh.fire(ts, w)
	}
	if sh.err == nil && !sh.draining {
		sh.collect(ts, w)
	}
}

// event folds one event into the rows of a lane: first what is due before it, then tables, then facts, then the rules.
// In a lane of one dimension, key and hash name the row; id is that of the row, if it has been found.
func (sh *shard) event(l *lane, hash uint64, key []byte, ev *foldEvent, id uint32) {
	w := l.workOf(ev.rec.Type)
	sh.current(ev)
	if !sh.concerns(w) {
		return
	}
	rows, ok := sh.openRows(l, w, hash, key, id)
	if !ok {
		return
	}
	sh.out.at(ev.index, phaseEvent)
	if sh.before(rows, ev) {
		sh.current(ev)
	}
	for i := range w.dims {
		for _, tw := range w.dims[i].tables {
			if rows[i].Valid() {
				sh.update(tw, &rows[i])
			}
		}
	}
	sh.foldAll(w, rows, ev)
	sh.judgeAll(rows, ev)
}

// current makes ev the event of the environment.
func (sh *shard) current(ev *foldEvent) {
	e := &sh.env
	e.Rec, e.Stored, e.HasEvent, e.Time = ev.rec, nil, true, ev.t
	sh.now, sh.was = ev.w, ev.w
	if t := ev.rec.Type; t >= 0 {
		sh.typeText = sh.engine.plan.Schema.Types[t]
	} else {
		sh.typeText = ev.rec.TypeText()
	}
}

// openRows returns the rows of the event's keys; of a dimension for which it has no key, a zero Row.
func (sh *shard) openRows(l *lane, w *laneWork, hash uint64, key []byte, id uint32) ([]state.Row, bool) {
	for len(sh.opened) < len(l.dims) {
		sh.opened = append(sh.opened, state.Row{})
	}
	rows := sh.opened[:len(l.dims)]
	any := false
	for i, d := range l.dims {
		rows[i] = state.Row{}
		if len(l.dims) > 1 {
			var ok bool
			if key, ok = sh.engine.appendKey(sh.key[:0], sh.env.Rec, d.slots); !ok {
				continue
			}
			sh.key = key
			hash = sh.engine.hash(key)
		}
		row, err := sh.rows[d.at].GetOrNew(id, hash, key, w.dims[i].room)
		if err != nil {
			sh.fatal(err)
			return nil, false
		}
		sh.touch(d, &row)
		rows[i] = row
		any = true
	}
	return rows, any
}

func (sh *shard) touch(d *dim, row *state.Row) { sh.rows[d.at].MarkDirty(row) }

// touchLater notes a change of the row that the timers of the stored row, which are due earlier, bring about again.
func (sh *shard) touchLater(d *dim, row *state.Row) { sh.rows[d.at].MarkLater(row) }

// before handles, for the rules that the event is about to be judged by, what is due before A. It reports whether there
// was an instance to look at.
func (sh *shard) before(rows []state.Row, ev *foldEvent) (looked bool) {
	if !slices.ContainsFunc(rows, hasInstances) {
		return false
	}
	for i := range sh.concerned {
		c := &sh.concerned[i]
		row, s := &rows[c.dim], c.scope
		if !c.taken || s.foreign || !row.Valid() || row.Note() == 0 {
			continue
		}
		a := ev.t
		if b := c.in(row); b != nil {
			if le.Uint64(b[scopeFlags:]) == 0 {
				continue
			}
			a = max(a, sh.asOf(s, b, ev))
		} else if !s.stateless() {
			continue
		}
		for _, rp := range s.rules {
			if rp.OnEvent && sh.hasInstance(rp, row) {
				sh.dueKey, looked = a, true
				sh.leaves(rp, row, a)
			}
		}
	}
	return looked
}

// hasInstances reports whether the row, if there is one, has instances: its note counts them.
func hasInstances(row state.Row) bool { return row.Valid() && row.Note() != 0 }

// asOf returns A for an event that is about to be folded.
func (sh *shard) asOf(s *scope, b []byte, ev *foldEvent) int64 {
	if a := getTime(b, scopeA); a != none && ev.w <= a+s.longest {
		return max(a, ev.t)
	}
	return ev.t
}

// judgeScope judges the scope's rules on the event, and again the windows that it came late for.
func (sh *shard) judgeScope(c *concern, rows []state.Row, ev *foldEvent) {
	s := c.scope
	row := &rows[s.dim.index]
	sh.judgeLate(s, row, ev, true)
	if !s.onEvent {
		return
	}
	sh.kin = nil
	if s.stateless() {
		for _, rp := range s.rules {
			sh.judgeEvent(rp, rows, nil, ev, ev.t)
		}
		return
	}
	a := getTime(c.in(row), scopeA)
	for _, rp := range s.rules {
		sh.judgeEvent(rp, rows, c.in(row), ev, a)
	}
}

// judgeLate judges the closed windows that hold the event and still accept it.
func (sh *shard) judgeLate(s *scope, row *state.Row, ev *foldEvent, judged bool) {
	if s.beat == 0 || s.lateness == 0 {
		return
	}
	e := s.closeAfter(ev.t)
	for n := s.span / s.beat; n > 0 && e <= ev.w; n, e = n-1, s.align.Shift(e, s.beat, 1) {
		if ev.w >= e+s.lateness {
			continue
		}
		for _, rp := range s.rules {
			if sh.holdsCurrent(rp, ev, e, judged) {
				sh.dueKey = e
				sh.judgeClose(rp, row, e, true)
			}
		}
	}
	sh.current(ev)
}

// holdsCurrent reports whether the current event belongs to some `each` fact of the rule in its window that ends at e.
func (sh *shard) holdsCurrent(rp *rulePlan, ev *foldEvent, e int64, judged bool) bool {
	s := rp.scope
	sh.current(ev)
	sh.filter(s)
	for i := range rp.facts {
		fp := &rp.facts[i]
		n := fp.closeLength(rp)
		if n > 0 && s.align.Shift(e, rp.beat, -n) <= ev.t && sh.takes(fp.shared.of, fp.shared.filter, judged) {
			return true
		}
	}
	return false
}

// rowsOf opens the rows of the event that an instance remembers, for a judgement without an event.
func (sh *shard) rowsOf(rp *rulePlan, row *state.Row, in *instance) []state.Row {
	rows := sh.onlyRow(rp, row)
	sh.keyed = 0
	for i, k := range in.keys {
		if k != "" {
			sh.keyed |= 1 << i
		}
		if k == "" || i == rp.scope.dim.index || i >= len(rows) {
			continue
		}
		key := []byte(k[1:])
		r, ok, err := sh.rows[rp.scope.dim.lane.dims[i].at].Get(sh.engine.hash(key), key)
		if err != nil {
			sh.fatal(err)
		} else if ok {
			rows[i] = r
		}
	}
	return rows
}

// collect forgets what no window can see any more at watermark w.
func (sh *shard) collect(ts *timers, w int64) {
	passed := ts.passed(w)
	for i, t := range passed {
		if i%opGroup == 0 {
			sh.peek(passed[i:min(i+opGroup, len(passed))], w)
		}
		d := sh.engine.plan.dims[t.dim]
		if row, ok := sh.rows[t.dim].At(t.id, t.hash, t.check); ok {
			if row.GC() < w {
				sh.forgetRow(d, &row, w)
			}
			continue
		}
		err := sh.rows[t.dim].ByHash(t.hash, t.check, func(row state.Row) error {
			if row.GC() < w {
				sh.forgetRow(d, &row, w)
			}
			return nil
		})
		if err != nil {
			sh.fatal(err)
			return
		}
	}
}

// forgetRow drops what has expired in the row, and the row itself when nothing is left.
func (sh *shard) forgetRow(d *dim, row *state.Row, w int64) {
	sh.now = w
	row.SetGC(state.Never)
	next := int64(state.Never)
	sh.units = sh.units[:0]
	for i := range row.Blocks() {
		sh.units = append(sh.units, d.unit(row.Unit(i)))
	}
	for _, u := range sh.units {
		switch {
		case u.scope != nil:
			next = min(next, sh.forgetScope(u.scope, row, w))
		case u.rule != nil:
			next = min(next, sh.forgetInstance(u.rule, row, w))
		}
	}
	if row.Blocks() == 0 {
		sh.rows[d.at].Delete(row)
		return
	}
	sh.touchLater(d, row) // the stored row has the GC before, and is looked at again
	sh.rows[d.at].Fit(row)
	if next != state.Never {
		sh.gcAt(row, next)
	}
}

// forgetScope drops the scope's events if they are in no window any more; it returns when to look again.
func (sh *shard) forgetScope(s *scope, row *state.Row, w int64) int64 {
	b := row.Block(s.unit)
	if b == nil {
		return state.Never
	}
	if t := getTime(b, scopeNewest) + s.gc; w <= t {
		return t + s.linger + 1
	}
	sh.bigForget(s, row)
	flags := le.Uint64(b[scopeFlags:])
	due := getTime(b, scopeDue)
	s.reset(b, flags)
	putTime(b, scopeDue, due)
	for _, f := range s.limited {
		row.Remove(f.sketch)
	}
	for _, g := range s.grids {
		row.Remove(g.unit)
	}
	for _, x := range s.sessions {
		row.Remove(x.unit)
	}
	if s.log != nil && s.log.Heap {
		row.Remove(s.heap)
	}
	if flags == 0 {
		row.Remove(s.unit)
		return state.Never
	}
	row.Shrink(s.unit, s.fixed)
	return state.Never
}

func (sh *shard) forgetInstance(rp *rulePlan, row *state.Row, w int64) int64 {
	if _, ok := judgedAt(row.Block(rp.unit)); ok {
		return state.Never
	}
	in, err := sh.load(rp, row)
	if err != nil {
		return state.Never
	}
	if t := in.until(rp); t != none && t >= w {
		return t + 1
	}
	sh.dropInstance(rp, row)
	sh.touch(rp.scope.dim, row)
	return state.Never
}

func (sh *shard) fatal(err error) {
	if sh.err == nil {
		sh.err = err
	}
}
