package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// buildScope makes the blocks of a scope from those that had some of its facts. Views and running values are left
// empty, as of no time: they are made anew from the log when the scope is used next.
func (m *migration) buildScope(row *state.Row, mv *scopeMove) {
	s := mv.to
	found := false
	a, newest := int64(none), int64(none)
	for _, o := range mv.from {
		b := m.scopeBlock(o)
		if b == nil {
			continue
		}
		if !found {
			a = getTime(b, scopeA) // of the scope that is most like it
		}
		found = true
		newest = max(newest, getTime(b, scopeNewest))
	}
	if !found {
		return
	}
	b := m.newScope(row, s)
	putTime(b, scopeA, a)
	putTime(b, scopeNewest, newest)
	for _, x := range s.sessions {
		m.buildSessions(row, mv, x)
	}
	for _, g := range s.grids {
		m.buildPanes(row, mv, g)
	}
	for i, f := range s.facts {
		if f.limited && mv.source[i] >= 0 {
			m.copyBlock(row, f.sketch, mv.from[mv.source[i]].dim, mv.origin[i].sketch)
		}
	}
	if s.log != nil {
		m.buildLog(row, mv)
	}
}

// scopeBlock returns the old scope's block of the key at hand, nil if there is none.
func (m *migration) scopeBlock(o *scope) []byte {
	if row := &m.rows[o.dim.at]; row.Valid() {
		return row.Block(o.unit)
	}
	return nil
}

// newScope returns an empty block of the scope.
func (m *migration) newScope(row *state.Row, s *scope) []byte {
	b := row.Ensure(s.unit, s.fixed)
	s.reset(b, 0)
	return b
}

// logSource is an old log that is read from front to end.
type logSource struct {
	window.Log
	scope *scope
	next  int
}

// mergedEntry is an entry of the new log.
type mergedEntry struct {
	t    int64
	seq  uint64
	mask uint64
}

// buildLog merges the entries of the old logs, by (time, position).
func (m *migration) buildLog(row *state.Row, mv *scopeMove) {
	s := mv.to
	horizon := s.horizon(row, row.Block(s.unit), m.new.now)
	m.logs = m.logs[:0]
	for _, o := range mv.from {
		src := logSource{scope: o}
		if b := m.scopeBlock(o); b != nil {
			src.Log = o.openLog(&m.rows[o.dim.at], b)
		}
		if src.N > 0 && m.new.now != none {
			src.next = src.SearchTime(horizon)
		}
		m.logs = append(m.logs, src)
	}
	heap := m.merge(mv)
	if len(m.entries) == 0 {
		return
	}
	row.Ensure(s.unit, s.fixed+(len(m.entries)+3)*s.log.Width)
	if s.log.Heap {
		row.Ensure(s.heap, max(64, heap+8))
	}
	b := row.Block(s.unit)
	l := s.openLog(row, b)
	if s.log.Heap {
		l.HeapInit()
	}
	for i, e := range m.entries {
		l.Insert(i, e.t, e.seq, e.mask)
		for k := range m.logs {
			if at := m.at[i*len(m.logs)+k]; at >= 0 {
				copyColumns(&l, i, &m.logs[k].Log, at, mv.columns[k])
			}
		}
	}
	le.PutUint32(b[scopeN:], uint32(l.N))
}

// merge lists the entries that facts of the new scope have, and returns how many bytes of text they hold.
func (m *migration) merge(mv *scopeMove) (heap int) {
	m.entries, m.at = m.entries[:0], m.at[:0]
	for {
		t, seq, ok := m.first()
		if !ok {
			return heap
		}
		e := mergedEntry{t: t, seq: seq}
		forgotten := window.Forgotten
		from := len(m.at)
		for k := range m.logs {
			src := &m.logs[k]
			if src.next >= src.N || src.Time(src.next) != t || src.Seq(src.next) != seq {
				m.at = append(m.at, -1)
				continue
			}
			m.at = append(m.at, src.next)
			old := src.Mask(src.next)
			for _, b := range mv.feeds[k] {
				if old&b.old != 0 {
					e.mask |= b.new
				}
			}
			forgotten &= old
			src.next++
		}
		if e.mask == 0 {
			m.at = m.at[:from]
			continue
		}
		e.mask |= forgotten
		m.entries = append(m.entries, e)
		for k := range m.logs {
			if at := m.at[from+k]; at >= 0 {
				heap += textOf(&m.logs[k].Log, at, mv.columns[k])
			}
		}
	}
}

// first returns the least (time, position) of what is left in the logs.
func (m *migration) first() (t int64, seq uint64, ok bool) {
	for k := range m.logs {
		src := &m.logs[k]
		if src.next >= src.N {
			continue
		}
		if x, y := src.Time(src.next), src.Seq(src.next); !ok || x < t || x == t && y < seq {
			t, seq, ok = x, y, true
		}
	}
	return t, seq, ok
}

// copyColumns gives entry i of a log what entry j of another one holds.
func copyColumns(l *window.Log, i int, from *window.Log, j int, columns []pairMove) {
	for _, c := range columns {
		if l.Columns[c.new] == window.HashColumn {
			if h, ok := from.Hash(j, c.old); ok {
				l.SetHash(i, c.new, h, true)
			}
		} else if v := from.Value(j, c.old); !v.IsMissing() && l.Value(i, c.new).IsMissing() {
			l.SetValue(i, c.new, v)
		}
	}
}

// textOf returns how many bytes of text the columns of an entry hold.
func textOf(l *window.Log, i int, columns []pairMove) (n int) {
	for _, c := range columns {
		if l.Columns[c.old] == window.AnyColumn {
			n += len(l.Value(i, c.old).S)
		}
	}
	return n
}
