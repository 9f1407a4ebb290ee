package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// enterSession takes the event into the session that it falls into, joining two if it lies between them. It reports
// false if the event is too late: it could only join a session that has closed, or its own would have.
func (sh *shard) enterSession(s *scope, x *sessions, row *state.Row, ev *foldEvent, judged bool) bool {
	var mask uint64
	for _, f := range x.facts {
		if sh.takes(f.of, f.filter, judged) && ev.t >= sh.since[f.id] {
			mask |= f.mask
		}
	}
	if mask == 0 {
		return false
	}
	p := window.Spans{Block: row.Block(x.unit), Width: x.width}
	if x.max > 0 {
		sh.takeOut(s, x, row, &p, ev.w)
	}
	i, j, shut := x.near(&p, ev.t, ev.w)
	joins, open := i < j, true
	if joins && x.max > 0 {
		joins, open = sh.joins(s, x, row, &p, ev)
	}
	if !joins && (shut || ev.w > ev.t+x.gap) {
		open = false
	}
	if i == j || !open {
		if !open {
			for _, f := range x.facts {
				sh.tooLate(s, f)
			}
			return false
		}
		if p.N() == p.Room() {
			n := x.dropClosed(&p, ev.w)
			i -= n
			if p.N() == p.Room() {
				p.Block = row.Ensure(x.unit, window.SpansSize(p.N()+1+p.N()/2, x.width))
			}
		}
		p.Insert(i, ev.t, ev.t)
	} else {
		x.join(&p, i, j)
	}
	p.Set(i, min(p.Start(i), ev.t), max(p.Last(i), ev.t))
	p.SetMask(i, p.Mask(i)|mask)
	for _, f := range x.facts {
		if f.kind != sessionAcc || mask&f.mask == 0 {
			continue
		}
		if v, ok := sh.value(f); ok {
			f.agg.Add(p.At(i)[f.acc:f.acc+f.agg.Size()], v)
		}
	}
	return true
}

// near returns the open sessions [i, j) that an event at t touches; i == j is where a new one would stand. shut tells
// that t touches a closed one.
func (x *sessions) near(p *window.Spans, t, w int64) (i, j int, shut bool) {
	i = p.N()
	for i > 0 && p.Last(i-1)+x.gap >= t {
		i--
	}
	for j = i; j < p.N() && p.Start(j)-x.gap <= t; j++ {
		if w > p.Last(j)+x.gap {
			if x.max == 0 || t-p.Start(j) <= x.max {
				shut = true
			}
			i = j + 1
		}
	}
	return i, max(i, j), shut
}

// join makes one session of the open sessions [i, j).
func (x *sessions) join(p *window.Spans, i, j int) {
	for k := i + 1; k < j; k++ {
		p.Set(i, min(p.Start(i), p.Start(k)), max(p.Last(i), p.Last(k)))
		p.SetMask(i, p.Mask(i)|p.Mask(k))
		for _, f := range x.facts {
			if f.kind == sessionAcc {
				n := f.agg.Size()
				f.agg.Merge(p.At(i)[f.acc:f.acc+n], p.At(k)[f.acc:f.acc+n])
			}
		}
	}
	p.Delete(i+1, j)
}

// dropClosed forgets sessions that closed so long ago that no event can touch them without being too late anyway.
func (x *sessions) dropClosed(p *window.Spans, w int64) int {
	n := 0
	for n < p.N() && w > p.Last(n)+2*x.gap {
		n++
	}
	p.Delete(0, n)
	return n
}

// recut divides the events of the open sessions anew, in time order: a session with a maximum begins where the
// distance is more than the gap, or the session would be longer than the maximum.
func (sh *shard) recut(s *scope, x *sessions, row *state.Row) {
	p := window.Spans{Block: row.Block(x.unit), Width: x.width}
	first := x.firstOpen(&p, sh.now)
	if first == p.N() {
		return
	}
	mask := p.Mask(first)
	for k := first; k < p.N(); k++ {
		mask |= p.Mask(k)
	}
	l := s.openLog(row, row.Block(s.unit))
	cuts := x.cut(s, &l, p.Start(first), nil)
	p.Delete(first, p.N())
	if need := first + len(cuts); need > p.Room() {
		p.Block = row.Ensure(x.unit, window.SpansSize(need+need/2, x.width))
	}
	for k, c := range cuts {
		p.Insert(first+k, c.Start, c.End)
		p.SetMask(first+k, mask)
	}
}

// firstOpen returns the index of the first session that is open at watermark w.
func (x *sessions) firstOpen(p *window.Spans, w int64) int {
	i := 0
	for i < p.N() && w > p.Last(i)+x.gap {
		i++
	}
	return i
}

// cut returns the sessions of the log's events from a time on; End is the time of the last event. extra, if not nil, is
// the time of one more event.
func (x *sessions) cut(s *scope, l *window.Log, from int64, extra *int64) (cuts []window.Span) {
	add := func(t int64) {
		if k := len(cuts) - 1; k >= 0 && t-cuts[k].End <= x.gap && t-cuts[k].Start <= x.max {
			cuts[k].End = t
		} else {
			cuts = append(cuts, window.Span{Start: t, End: t})
		}
	}
	bits := x.bits(s)
	for i := l.SearchTime(from); l.N > 0 && i < l.N; i++ {
		if l.Mask(i)&bits == 0 {
			continue
		}
		t := l.Time(i)
		if extra != nil && *extra < t {
			add(*extra)
			extra = nil
		}
		add(t)
	}
	if extra != nil {
		add(*extra)
	}
	return cuts
}

// joins reports whether the event would share a session with a maximum with others, and whether that session is open.
func (sh *shard) joins(s *scope, x *sessions, row *state.Row, p *window.Spans, ev *foldEvent) (joins, open bool) {
	l := s.openLog(row, row.Block(s.unit))
	n := 0
	for _, c := range x.cut(s, &l, p.Start(x.firstOpen(p, ev.w)), &ev.t) {
		if c.Start <= ev.t && ev.t <= c.End {
			for i := l.SearchTime(c.Start); i < l.N && l.Time(i) <= c.End; i++ {
				if l.Mask(i)&x.bits(s) != 0 {
					n++
				}
			}
			return n > 0, ev.w <= c.End+x.gap
		}
	}
	return false, true
}

// takenOut marks a closed session whose events have been taken out of the log.
const takenOut = 1 << 62

// takeOut takes the events of closed sessions out of the log: a late event may join an open session from among them.
func (sh *shard) takeOut(s *scope, x *sessions, row *state.Row, p *window.Spans, w int64) {
	for i := range x.firstOpen(p, w) {
		if p.Mask(i)&takenOut != 0 {
			continue
		}
		p.SetMask(i, p.Mask(i)|takenOut)
		sh.bigForget(s, row)
		l := s.openLog(row, row.Block(s.unit))
		for k := l.SearchTime(p.Start(i)); k < l.N && l.Time(k) <= p.Last(i); k++ {
			l.SetMask(k, l.Mask(k)&^x.bits(s))
		}
	}
}

// bits returns the feeds of the log that belong to the sessions.
func (x *sessions) bits(s *scope) (m uint64) {
	for i := range s.feeds {
		if s.feeds[i].gap == x {
			m |= 1 << i
		}
	}
	return m
}

// tooLateFor reports whether the current event was too late for the sessions.
func (sh *shard) tooLateFor(x *sessions) bool { return sh.late[x.id] }

// tooLate counts an event that a fact refuses because its window has closed.
func (sh *shard) tooLate(s *scope, f *fact) {
	for _, rp := range s.rules {
		for i := range rp.facts {
			if rp.facts[i].shared == f {
				sh.count.tooLate[rp.index]++
				break
			}
		}
	}
}
