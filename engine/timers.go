package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// dueAt notes that something in the row is due at watermark t.
func (sh *shard) dueAt(row *state.Row, t int64) {
	row.SetDue(t)
	if t != state.Never {
		d := sh.engine.plan.dimOf(row.Dim())
		sh.timers[d.lane.id].push(timerOf(d, row, t))
	}
}

// gcAt notes that something in the row may be forgotten after t.
func (sh *shard) gcAt(row *state.Row, t int64) {
	if t >= row.GC() {
		return
	}
	row.SetGC(t)
	d := sh.engine.plan.dimOf(row.Dim())
	sh.timers[d.lane.id].later(timerOf(d, row, t))
}

func timerOf(d *dim, row *state.Row, t int64) timer {
	return timer{due: t, hash: row.Hash(), id: row.ID(), dim: uint16(d.at), check: row.Check()}
}

// newTimers returns timers for each lane.
func (p *Plan) newTimers() (all []*timers) {
	for range p.lanes {
		all = append(all, newTimers())
	}
	return all
}

// fire handles everything that is due at watermark w.
func (sh *shard) fire(ts *timers, w int64) {
	for sh.err == nil && ts.reach(w) {
		t := ts.pop()
		d := sh.engine.plan.dims[t.dim]
		if row, ok := sh.rows[t.dim].At(t.id, t.hash, t.check); ok {
			if row.Due() <= w {
				sh.rowDue(d, &row, w)
			}
			continue
		}
		err := sh.rows[t.dim].ByHash(t.hash, t.check, func(row state.Row) error {
			if row.Due() <= w {
				sh.rowDue(d, &row, w)
			}
			return nil
		})
		if err != nil {
			sh.fatal(err)
		}
	}
}

// peekTimers touches the rows of what is due by watermark w, so that the cache misses overlap.
func (sh *shard) peekTimers(ts *timers, w int64) {
	if !ts.reach(w) {
		return
	}
	near := ts.near
	sh.peek(near[:min(len(near), 16)], w) // the first ones of the heap, nearly
}

// peek touches the rows of those timers that are due by w.
func (sh *shard) peek(list []timer, w int64) {
	for i := range list {
		if t := &list[i]; t.due <= w {
			sh.touched += sh.rows[t.dim].Approach(t.id)
		}
	}
	for i := range list {
		if t := &list[i]; t.due <= w {
			sh.touched += sh.rows[t.dim].Touch(t.id)
		}
	}
}

// dueItem is the earliest thing that is due in a row.
type dueItem struct {
	at   int64
	s    *scope
	rule *rulePlan // nil: a window of the scope closes
}

// rowDue handles what is due in one row, in order, and notes what is due next. Closes of sessions of which nothing came
// need not be written: a recovery finds them again (resume).
func (sh *shard) rowDue(d *dim, row *state.Row, w int64) {
	for {
		it := sh.earliest(d, row)
		if it.at > w {
			sh.touchLater(d, row)
			row.SetDue(state.Never)
			sh.dueAt(row, it.at)
			return
		}
		sh.dueKey, sh.now = it.at, max(it.at, sh.was) // as if time had gone by evenly
		if it.rule != nil {
			sh.touch(d, row)
			sh.leaves(it.rule, row, min(it.at, w))
			continue
		}
		if sh.close(it.s, row, it.at) {
			sh.touch(d, row)
		}
	}
}

// earliest returns what is due first in the row: by time, then by the rule's name.
func (sh *shard) earliest(d *dim, row *state.Row) dueItem {
	best := dueItem{at: state.Never}
	for i := range row.Blocks() {
		u := d.unit(row.Unit(i))
		switch {
		case u.scope != nil && u.scope.onClose:
			best.take(dueItem{at: getTime(row.BlockAt(i), scopeDue), s: u.scope})
		case u.rule != nil:
			best.take(dueItem{at: instanceDue(row.BlockAt(i)), s: u.rule.scope, rule: u.rule})
		}
	}
	return best
}

// take replaces d by x if x comes first.
func (d *dueItem) take(x dueItem) {
	if x.at < d.at || x.at == d.at && x.at != state.Never && (x.rank() < d.rank() || x.rank() == d.rank() && x.name() < d.name()) {
		*d = x
	}
}

// rank orders what the same watermark makes due. What is said of a time x becomes due when the watermark is beyond x,
// a close of windows at e when it is at e: so at one watermark the close is the later one. Sessions close before
// other things are said of the same time.
func (d *dueItem) rank() int {
	switch {
	case d.rule != nil:
		return 1
	case d.s != nil && d.s.beat > 0:
		return 2
	}
	return 0
}

func (d *dueItem) name() string {
	if d.rule != nil {
		return d.rule.Name
	}
	return d.s.rules1()
}

// schedule notes when the next window that holds the event closes.
func (sh *shard) schedule(s *scope, row *state.Row, b []byte, ev *foldEvent) {
	due := getTime(b, scopeDue)
	was := due
	if s.beat > 0 {
		e, n := s.closeAfter(ev.t), s.span/s.beat
		for ; n > 0 && e <= ev.w; n-- {
			e = s.align.Shift(e, s.beat, 1)
		}
		if n > 0 {
			due = min(due, e)
		}
	}
	for _, x := range s.sessions {
		if x.max == 0 && due <= ev.t+x.gap+1 {
			continue // the event has begun no session that closes earlier, and made none shorter
		}
		p := window.Spans{Block: row.Block(x.unit), Width: x.width}
		due = min(due, sh.nextAwaited(s, x, b, &p, ev.w))
	}
	if due == was {
		return
	}
	putTime(b, scopeDue, due)
	if due < row.Due() {
		sh.dueAt(row, due)
	}
}

// judgedSession marks a session whose close has been judged.
const judgedSession = 1 << 63

// close handles the closes of the scope that are due at `at`. It reports whether the row is to be written for it.
func (sh *shard) close(s *scope, row *state.Row, at int64) (changed bool) {
	next := int64(state.Never)
	if s.beat > 0 {
		for _, rp := range s.rules {
			sh.judgeClose(rp, row, at, false)
		}
		next, changed = sh.nextClose(s, row, at), true
	}
	for _, x := range s.sessions {
		due, judged := sh.closeSessions(s, x, row, at)
		next, changed = min(next, due), changed || judged
	}
	if b := row.Block(s.unit); b != nil {
		putTime(b, scopeDue, next)
	}
	return changed
}

// nextClose returns the first close after e that has to be judged: of a window that holds an event, or any while an
// instance is open.
func (sh *shard) nextClose(s *scope, row *state.Row, e int64) int64 {
	after := s.closeAfter(e)
	next := int64(state.Never)
	for _, rp := range s.rules {
		if judged, ok := judgedAt(row.Block(rp.unit)); ok {
			next = min(next, max(after, s.closeAfter(judged))) // one that is not later changes nothing
		}
	}
	b := row.Block(s.unit)
	for _, f := range s.facts {
		if f.Window.Each == 0 {
			continue
		}
		if t, ok := sh.firstAfter(s, f, row, b, after-s.span-s.align.Slack()); ok {
			next = min(next, max(after, s.closeAfter(t)))
		}
	}
	return next
}

// firstAfter returns the time of the first event, or the start of the first pane, of the fact that is not before t.
func (sh *shard) firstAfter(s *scope, f *fact, row *state.Row, b []byte, t int64) (int64, bool) {
	if f.grid != nil {
		p := window.Spans{Block: row.Block(f.grid.unit), Width: f.grid.width}
		for i := p.Find(t); i < p.N(); i++ {
			if p.Mask(i)&f.mask != 0 {
				return p.Start(i), true
			}
		}
		return 0, false
	}
	l := s.openLog(row, b)
	t = max(t, sh.since[f.id])
	first, ok := f.panes(row).firstIn(t, state.Never, true)
	for i := l.SearchTime(t); i < l.N && (!ok || l.Time(i) < first); i++ {
		if l.Mask(i)&f.bit != 0 {
			return l.Time(i), true
		}
	}
	return first, ok
}

// reads reports whether some fact of the rule is over these sessions.
func (rp *rulePlan) reads(x *sessions) bool {
	for i := range rp.facts {
		if f := rp.facts[i].shared; f != nil && f.sess == x {
			return true
		}
	}
	return false
}

// closeSessions judges the sessions that have closed by watermark w and returns when the next one does, and whether an
// instance has been looked at.
func (sh *shard) closeSessions(s *scope, x *sessions, row *state.Row, w int64) (next int64, stepped bool) {
	p := window.Spans{Block: row.Block(x.unit), Width: x.width}
	for i := 0; i < p.N(); i++ {
		if p.Mask(i)&judgedSession != 0 {
			continue
		}
		end := p.Last(i) + x.gap
		if !sh.awaited(s, row.Block(s.unit), &p, i) {
			if end < w {
				p.SetMask(i, p.Mask(i)|judgedSession)
			}
			continue
		}
		if end+1 > w {
			return end + 1, stepped
		}
		span := window.Span{Start: p.Start(i), End: end}
		sh.dueKey = end
		for _, rp := range s.rules {
			if rp.OnClose && rp.reads(x) {
				stepped = sh.closing(rp, row, end, span, false, false) || stepped
			}
		}
		p.Block = row.Block(x.unit)
		p.SetMask(i, p.Mask(i)|judgedSession)
	}
	return state.Never, stepped
}
