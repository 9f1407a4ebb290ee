package engine

import (
	"math/bits"

	"kelpie/rules"
	"kelpie/state"
)

// concern is a scope that the current event matters to.
type concern struct {
	scope *scope
	dim   int    // index in the lane
	taken bool   // the event passes the scope's filter, and its rules are judged; else it only may be taken by `of` facts
	block []byte // the scope's, so that it is looked up once only
	moves uint32 // of the row when it was looked up
}

// in returns the scope's block in its row, nil if there is none.
func (c *concern) in(row *state.Row) []byte {
	if c.block == nil || c.moves != row.Moves() {
		c.keep(row, row.Block(c.scope.unit))
	}
	return c.block
}

// keep notes what the scope's block is, as long as no blocks of the row move.
func (c *concern) keep(row *state.Row, b []byte) { c.block, c.moves = b, row.Moves() }

// index prepares for finding out which scopes an event matters to.
func (w *dimWork) index() {
	var filters []*rules.Expr
	w.always = make([]uint64, (len(w.scopes)+63)/64)
	for i, s := range w.scopes {
		filters = append(filters, s.where)
		if s.hasOf {
			w.always[i/64] |= 1 << (i % 64)
		}
		if s.foreign || s.hasOf {
			w.stirred = append(w.stirred, s)
		}
	}
	w.stirred = append(w.stirred, w.of...)
	w.filters = rules.NewFilters(filters)
}

// concerns lists the scopes that the current event matters to, by dimension and then in the order of their first rules'
// names, and reports whether it matters to any row at all.
func (sh *shard) concerns(w *laneWork) bool {
	sh.concerned = sh.concerned[:0]
	tables := false
	for i := range w.dims {
		dw := &w.dims[i]
		tables = tables || len(dw.tables) > 0
		sh.met = dw.filters.Match(&sh.env, sh.met)
		for j, met := range sh.met {
			for all := met | dw.always[j]; all != 0; all &= all - 1 {
				k := bits.TrailingZeros64(all)
				sh.concerned = append(sh.concerned, concern{scope: dw.scopes[64*j+k], dim: i, taken: met>>k&1 == 1})
			}
		}
		for _, s := range dw.of {
			sh.concerned = append(sh.concerned, concern{scope: s, dim: i})
		}
	}
	return tables || len(sh.concerned) > 0
}

// foldAll takes the current event into the scopes that it matters to.
func (sh *shard) foldAll(w *laneWork, rows []state.Row, ev *foldEvent) {
	rest := sh.concerned
	for i := range w.dims {
		k := 0
		for k < len(rest) && rest[k].dim == i {
			k++
		}
		list, row := rest[:k], &rows[i]
		rest = rest[k:]
		if !row.Valid() {
			continue
		}
		sh.openAll(list, row)
		for k := range list {
			if c := &list[k]; !c.scope.stateless() {
				c.keep(row, sh.fold(c.scope, row, c.in(row), ev, c.taken))
			}
		}
		sh.newcomers(&w.dims[i], row)
	}
}

// openAll makes the blocks of those scopes that the row is new to, if there are several: what stands in the row moves once,
// not for each of them.
func (sh *shard) openAll(list []concern, row *state.Row) {
	if len(list) < 2 {
		return
	}
	sh.fresh, sh.blocks = sh.fresh[:0], sh.blocks[:0]
	for i := range list {
		if s := list[i].scope; !s.stateless() && list[i].in(row) == nil {
			sh.fresh = append(sh.fresh, s)
			sh.blocks = append(sh.blocks, state.NewBlock{Unit: s.unit, Size: s.freshSize()})
		}
	}
	if len(sh.fresh) < 2 {
		return
	}
	row.InsertAll(sh.blocks)
	for _, s := range sh.fresh {
		s.reset(row.Block(s.unit), 0)
	}
}

// judgeAll judges, on the current event, the rules of the scopes that take it.
func (sh *shard) judgeAll(rows []state.Row, ev *foldEvent) {
	for i := range sh.concerned {
		c := &sh.concerned[i]
		switch {
		case !rows[c.dim].Valid() || c.scope.foreign:
		case c.taken:
			sh.judgeScope(c, rows, ev)
		default:
			sh.judgeLate(c.scope, &rows[c.dim], ev, false)
		}
	}
}
