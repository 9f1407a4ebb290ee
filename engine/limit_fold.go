package engine

import (
	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// folding is what the fold of values into panes works with.
type folding struct {
	fold   []bool // by entry of the log
	frozen []frozenBucket
	points []point
	at     []int
}

// frozenBucket is a bucket of a series that has closed for good.
type frozenBucket struct {
	start int64
	v     event.Value
	rough bool
	last  int64 // time of an event in it
}

// limit folds what is to be folded after entry `at` has come into the log.
func (sh *shard) limit(s *scope, row *state.Row, at int, w int64) {
	l := s.openLog(row, row.Block(s.unit))
	if l.N <= sh.big.values {
		return
	}
	if l.Seq(at)*0x9e3779b97f4a7c15>>(64-uint(sh.big.foldBits)) != 0 {
		return
	}
	mask := l.Mask(at)
	for _, f := range s.limited {
		if f.folds() && mask&f.bit != 0 {
			sh.foldFact(s, f, row, w)
		}
	}
}

// foldFact folds what no window of the fact needs one by one any more.
func (sh *shard) foldFact(s *scope, f *fact, row *state.Row, w int64) {
	b := row.Block(s.unit)
	l := s.openLog(row, b)
	from := max(s.earliest(f, b, w), sh.since[f.id])
	x := &sh.big.folding
	x.fold = append(x.fold[:0], make([]bool, l.N)...)
	x.frozen = x.frozen[:0]
	if !sh.foldable(s, f, row, &l, from, w) {
		return
	}
	all := f.panes(row).open(f, from)
	for _, z := range x.frozen {
		var p *paneOf
		all, p = paneAt(all, z.start, 0)
		p.freeze(z.v, z.rough)
		p.first, p.last = min(p.first, z.last), max(p.last, z.last)
	}
	for i, fold := range x.fold {
		if !fold || f.sess != nil && !f.holds(&l, i) {
			continue
		}
		var p *paneOf
		all, p = paneAt(all, sh.paneStart(s, f, row, l.Time(i)), f.forgotten(&l, i))
		if p.marks&paneFrozen != 0 {
			continue // its value has been computed
		}
		if err := p.add(f, &l, i); err != nil {
			sh.fatal(err)
			return
		}
	}
	for i := range all {
		if p := &all[i]; p.marks&paneFrozen == 0 && f.freezes(s) && s.closed(p.start, f.Window.Each, f.Window.Each, w) {
			if err := p.freezeSketch(f); err != nil {
				sh.fatal(err)
				return
			}
		}
	}
	sh.foldedAway(s, f, row, b, &l)
	sh.storePanes(f, row, all)
}

// freezes reports whether buckets of the fact's series can be kept as their values once they have closed.
func (f *fact) freezes(s *scope) bool {
	return f.kind == seriesScan && !s.foreign && !s.judgesAgain() && !(f.of != nil && s.onEvent)
}

// forgotten returns the mark of the pane that entry i belongs to.
func (f *fact) forgotten(l *window.Log, i int) uint32 {
	if f.of == nil && l.Mask(i)&window.Forgotten != 0 {
		return paneForgotten
	}
	return 0
}

// foldedAway takes the entries that have been folded from the fact, and out of the log where no other fact needs them.
func (sh *shard) foldedAway(s *scope, f *fact, row *state.Row, b []byte, l *window.Log) {
	x := &sh.big.folding
	g := sh.big.find(s, row)
	for i, fold := range x.fold {
		if !fold {
			continue
		}
		if g != nil {
			g.folded(f, l, i)
		}
		l.SetMask(i, l.Mask(i)&^f.bit)
	}
	x.at = x.at[:0]
	for i := range 2 * len(s.views) {
		x.at = append(x.at, int(le.Uint32(b[scopeViews+4*i:])))
	}
	n := l.Purge(x.at)
	for i, at := range x.at {
		le.PutUint32(b[scopeViews+4*i:], uint32(at))
	}
	le.PutUint32(b[scopeN:], uint32(l.N))
	if g != nil {
		g.n -= n
	}
}

// folded takes entry i from the companions of a fact.
func (g *bigLog) folded(f *fact, l *window.Log, i int) {
	t := l.Time(i)
	for _, c := range g.bigs {
		if c.fact != f {
			continue
		}
		c.live = false
		if c.from <= t && t < c.to && c.sees(l.Mask(i)) {
			c.take(l, i)
			g.changes++
		}
	}
}

// paneStart returns the start of the fact's pane for an event at t.
func (sh *shard) paneStart(s *scope, f *fact, row *state.Row, t int64) int64 {
	switch {
	case f.sess != nil:
		p := window.Spans{Block: row.Block(f.sess.unit), Width: f.sess.width}
		return p.Start(max(p.Find(t+1)-1, 0))
	case f.coarse():
		return t &^ (f.grain - 1)
	}
	return s.align.Start(t, f.Window.Each)
}
