package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// timer says that something in the rows of a key may be due.
type timer struct {
	due   int64
	hash  uint64
	dim   uint16 // index into the plan's dims
	check uint16 // state.RowCheck of the key
}

// timers is a binary heap by due time: what has an exact time. What only wants to be forgotten some time later waits
// in coarse buckets, which cost nothing to fill.
type timers struct {
	heap    []timer
	buckets map[int64][]timer
	first   int64 // no bucket before it
	width   int64 // of a bucket, ms
	spare   [][]timer
	out     []timer
}

func newTimers() *timers {
	return &timers{buckets: map[int64][]timer{}, first: state.Never, width: 60_000}
}

func (t *timers) next() int64 {
	if len(t.heap) == 0 {
		return state.Never
	}
	return t.heap[0].due
}

func (t *timers) push(x timer) {
	h := append(t.heap, x)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if h[p].due <= h[i].due {
			break
		}
		h[p], h[i] = h[i], h[p]
		i = p
	}
	t.heap = h
}

func (t *timers) pop() timer {
	h := t.heap
	top := h[0]
	n := len(h) - 1
	h[0] = h[n]
	h = h[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h[c+1].due < h[c].due {
			c++
		}
		if h[i].due <= h[c].due {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	t.heap = h
	return top
}

// later files x for some time after its due.
func (t *timers) later(x timer) {
	k := window.Floor(x.due, t.width)/t.width + 1
	b := t.buckets[k]
	if b == nil && len(t.spare) > 0 {
		b = t.spare[len(t.spare)-1]
		t.spare = t.spare[:len(t.spare)-1]
	}
	t.buckets[k] = append(b, x)
	t.first = min(t.first, k)
}

// passed takes the buckets that lie before time w.
func (t *timers) passed(w int64) []timer {
	if len(t.buckets) == 0 || t.first > w/t.width {
		return nil
	}
	next := int64(state.Never)
	out := t.out[:0]
	for k, b := range t.buckets {
		if k <= w/t.width {
			out = append(out, b...)
			t.spare = append(t.spare, b[:0])
			delete(t.buckets, k)
		} else {
			next = min(next, k)
		}
	}
	t.first, t.out = next, out
	return out
}

// dueAt notes that something in the row is due at watermark t.
func (sh *shard) dueAt(row *state.Row, t int64) {
	row.SetDue(t)
	if t != state.Never {
		sh.timers.push(timer{t, row.Hash(), uint16(sh.dimIndex(row)), row.Check()})
	}
}

// gcAt notes that something in the row may be forgotten after t.
func (sh *shard) gcAt(row *state.Row, t int64) {
	if t >= row.GC() {
		return
	}
	row.SetGC(t)
	sh.timers.later(timer{t, row.Hash(), uint16(sh.dimIndex(row)), row.Check()})
}

// fire handles everything that is due at watermark w.
func (sh *shard) fire(w int64) {
	var due [16]timer
	for sh.timers.next() <= w {
		n := 0
		for n < len(due) && sh.timers.next() <= w {
			due[n] = sh.timers.pop()
			n++
		}
		sh.peekTimers(due[:n])
		for _, t := range due[:n] {
			d := sh.engine.plan.dims[t.dim]
			err := sh.rows[t.dim].ByHash(t.hash, t.check, func(row state.Row) error {
				if row.Due() <= w {
					sh.rowDue(d, &row, w)
				}
				return nil
			})
			if err != nil {
				sh.fatal(err)
				return
			}
		}
	}
}

// peekTimers touches the rows of several timers, so that the cache misses overlap.
func (sh *shard) peekTimers(due []timer) {
	var ids [16]uint32
	for i, t := range due {
		ids[i] = sh.rows[t.dim].Peek(t.hash)
	}
	for i, t := range due {
		sh.peeked += sh.rows[t.dim].PeekRow(ids[i])
	}
}

// dueItem is the earliest thing that is due in a row.
type dueItem struct {
	at   int64
	s    *scope
	rule *rulePlan // nil: a window of the scope closes
}

// rowDue handles what is due in one row, in order, and notes what is due next.
func (sh *shard) rowDue(d *dim, row *state.Row, w int64) {
	for {
		it := sh.earliest(d, row)
		sh.touch(d, row) // also when only its due has changed: the timer of the one before is gone
		if it.at > w {
			row.SetDue(state.Never)
			sh.dueAt(row, it.at)
			return
		}
		sh.dueKey, sh.now = it.at, max(it.at, sh.was) // as if time had gone by evenly
		if it.rule != nil {
			sh.leaves(it.rule, row, min(it.at, w))
			continue
		}
		sh.close(it.s, row, it.at)
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
func (sh *shard) schedule(s *scope, row *state.Row, ev *foldEvent) {
	b := row.Block(s.unit)
	due := getTime(b, scopeDue)
	if s.beat > 0 {
		e := s.align.Shift(s.align.Start(ev.t, s.beat), s.beat, 1)
		for last := ev.t + s.span(); e <= ev.w && e <= last; {
			e = s.align.Shift(e, s.beat, 1)
		}
		if e > ev.w && e-s.span() <= ev.t {
			due = min(due, e)
		}
	}
	for _, x := range s.sessions {
		p := window.Spans{Block: row.Block(x.unit), Width: x.width}
		for i := p.N() - 1; i >= 0 && p.Mask(i)&judgedSession == 0; i-- {
			due = min(due, p.Last(i)+x.gap+1)
		}
	}
	putTime(b, scopeDue, due)
	if due < row.Due() {
		sh.dueAt(row, due)
	}
}

// judgedSession marks a session whose close has been judged.
const judgedSession = 1 << 63

// span returns the length of the longest window that is judged on a close.
func (s *scope) span() int64 {
	n := s.beat
	for _, f := range s.facts {
		if f.Window.Over > n && f.Window.Each > 0 && f.Series == "" {
			n = f.Window.Over
		}
	}
	return n
}

// close handles the closes of the scope that are due at `at`.
func (sh *shard) close(s *scope, row *state.Row, at int64) {
	next := int64(state.Never)
	if s.beat > 0 {
		for _, rp := range s.rules {
			sh.judgeClose(rp, row, at, false)
		}
		next = sh.nextClose(s, row, at)
	}
	for _, x := range s.sessions {
		next = min(next, sh.closeSessions(s, x, row, at))
	}
	if b := row.Block(s.unit); b != nil {
		putTime(b, scopeDue, next)
	}
}

// nextClose returns the first close after e that has to be judged: of a window that holds an event, or any while an
// instance is open.
func (sh *shard) nextClose(s *scope, row *state.Row, e int64) int64 {
	after := s.align.Shift(e, s.beat, 1)
	for _, rp := range s.rules {
		if in, err := sh.load(rp, row); err == nil && in.state != inactive {
			return after
		}
	}
	next := int64(state.Never)
	b := row.Block(s.unit)
	for _, f := range s.facts {
		if f.Window.Each == 0 {
			continue
		}
		if t, ok := sh.firstAfter(s, f, row, b, after-s.span()); ok {
			next = min(next, max(after, s.align.Shift(s.align.Start(t, s.beat), s.beat, 1)))
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
	if l.N == 0 {
		return 0, false
	}
	for i := l.SearchTime(max(t, sh.since[f.id])); i < l.N; i++ {
		if l.Mask(i)&f.bit != 0 {
			return l.Time(i), true
		}
	}
	return 0, false
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

// closeSessions judges the sessions that have closed by watermark w and returns when the next one does.
func (sh *shard) closeSessions(s *scope, x *sessions, row *state.Row, w int64) int64 {
	p := window.Spans{Block: row.Block(x.unit), Width: x.width}
	for i := 0; i < p.N(); i++ {
		if p.Mask(i)&judgedSession != 0 {
			continue
		}
		end := p.Last(i) + x.gap
		if end+1 > w {
			return end + 1
		}
		span := window.Span{Start: p.Start(i), End: end}
		sh.dueKey = end
		for _, rp := range s.rules {
			if rp.OnClose && rp.reads(x) {
				sh.closing(rp, row, end, span, false, false)
			}
		}
		p.Block = row.Block(x.unit)
		p.SetMask(i, p.Mask(i)|judgedSession)
	}
	return state.Never
}
