package engine

import (
	"slices"

	"kelpie/state"
	"kelpie/window"
)

// spanSource says of one fact over panes or sessions where its part of a span comes from.
type spanSource struct {
	spans window.Spans
	old   *fact
	new   *fact
}

// spanSources returns those of the facts, of which the key at hand has spans.
func (m *migration) spanSources(mv *scopeMove, facts []*fact, unit func(old *fact) (uint16, int)) (all []spanSource) {
	for i, f := range mv.to.facts {
		if mv.source[i] < 0 || !slices.Contains(facts, f) {
			continue
		}
		row := &m.rows[mv.from[mv.source[i]].dim.at]
		if !row.Valid() {
			continue
		}
		u, width := unit(mv.origin[i])
		if b := row.Block(u); b != nil {
			all = append(all, spanSource{window.Spans{Block: b, Width: width}, mv.origin[i], f})
		}
	}
	return all
}

// take gives the fact its part of a span: its bit, and its accumulator.
func (src *spanSource) take(to *window.Spans, i int, from int) bool {
	if src.spans.Mask(from)&src.old.mask == 0 {
		return false
	}
	to.SetMask(i, to.Mask(i)|src.new.mask)
	if n := src.accumulator(); n > 0 {
		copy(to.At(i)[src.new.acc:src.new.acc+n], src.spans.At(from)[src.old.acc:src.old.acc+n])
	}
	return true
}

// accumulator returns the size of the fact's accumulator in a span, 0 if it has none there.
func (src *spanSource) accumulator() int {
	if src.new.kind == sessionScan {
		return 0
	}
	return src.new.agg.Size()
}

// buildPanes makes the panes of a grid.
func (m *migration) buildPanes(row *state.Row, mv *scopeMove, g *grid) {
	sources := m.spanSources(mv, g.facts, func(old *fact) (uint16, int) { return old.grid.unit, old.grid.width })
	var panes []window.Span
	for i := range sources {
		src := &sources[i]
		for k := range src.spans.N() {
			if src.spans.Mask(k)&src.old.mask != 0 {
				panes = append(panes, window.Span{Start: src.spans.Start(k), End: src.spans.Last(k)})
			}
		}
	}
	if len(panes) == 0 {
		return
	}
	slices.SortFunc(panes, func(a, b window.Span) int { return int(min(max(a.Start-b.Start, -1), 1)) })
	panes = slices.Compact(panes)
	p := window.Spans{Block: row.Ensure(g.unit, window.SpansSize(len(panes)+1, g.width)), Width: g.width}
	for i, x := range panes {
		p.Insert(i, x.Start, x.End)
		for k := range sources {
			src := &sources[k]
			if at := src.spans.Find(x.Start); at < src.spans.N() && src.spans.Start(at) == x.Start {
				src.take(&p, i, at)
			}
		}
	}
	if m.new.now != none {
		m.new.dropPanes(mv.to, g, row, &p, m.new.now)
	}
}

// buildSessions makes the sessions of a gap: those of the old scope that had the first of the facts that are kept. The
// others add to them what they say of the same session.
func (m *migration) buildSessions(row *state.Row, mv *scopeMove, x *sessions) {
	y, k := mv.sessionsOf(x)
	if y == nil {
		return
	}
	o := mv.from[k]
	old := &m.rows[o.dim.at]
	if !old.Valid() || old.Block(y.unit) == nil {
		return
	}
	was := window.Spans{Block: old.Block(y.unit), Width: y.width}
	sources := m.spanSources(mv, x.facts, func(f *fact) (uint16, int) { return f.sess.unit, f.sess.width })
	p := window.Spans{Block: row.Ensure(x.unit, window.SpansSize(was.N()+1, x.width)), Width: x.width}
	for i := range was.N() {
		n := p.N()
		p.Insert(n, was.Start(i), was.Last(i))
		any := false
		for k := range sources {
			src := &sources[k]
			at := src.spans.Find(was.Start(i))
			if at < src.spans.N() && src.spans.Start(at) == was.Start(i) && src.spans.Last(at) == was.Last(i) {
				any = src.take(&p, n, at) || any
			}
		}
		if !any {
			p.Delete(n, n+1)
			continue
		}
		marks := was.Mask(i) & sessionMarks
		if m.new.now > was.Last(i)+x.gap {
			marks |= judgedSession // by whom it concerned; nobody is to do so now
		}
		p.SetMask(n, p.Mask(n)|marks)
	}
	if p.N() == 0 {
		row.Remove(x.unit)
	}
}

// sessionMarks are the bits of a session's mask that are no facts.
const sessionMarks = judgedSession | takenOut

// nextSession returns the watermark at which a session closes next that has not been judged.
func nextSession(x *sessions, row *state.Row) int64 {
	p := window.Spans{Block: row.Block(x.unit), Width: x.width}
	for i := range p.N() {
		if p.Mask(i)&judgedSession == 0 {
			return p.Last(i) + x.gap + 1
		}
	}
	return state.Never
}
