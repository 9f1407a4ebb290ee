package engine

import (
	"math/bits"

	"kelpie/rules"
	"kelpie/state"
)

// concern is a scope that the current event matters to.
type concern struct {
	scope *scope
	dim   int  // index in the lane
	taken bool // the event passes the scope's filter, and its rules are judged; else it only may be taken by `of` facts
}

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
				sh.concerned = append(sh.concerned, concern{dw.scopes[64*j+k], i, met>>k&1 == 1})
			}
		}
		for _, s := range dw.of {
			sh.concerned = append(sh.concerned, concern{s, i, false})
		}
	}
	return tables || len(sh.concerned) > 0
}

// foldAll takes the current event into the scopes that it matters to.
func (sh *shard) foldAll(w *laneWork, rows []state.Row, ev *foldEvent) {
	k := 0
	for i := range w.dims {
		row := &rows[i]
		for ; k < len(sh.concerned) && sh.concerned[k].dim == i; k++ {
			if c := &sh.concerned[k]; row.Valid() && !c.scope.stateless() {
				sh.fold(c.scope, row, ev, c.taken)
			}
		}
		if row.Valid() {
			sh.newcomers(&w.dims[i], row)
		}
	}
}

// judgeAll judges, on the current event, the rules of the scopes that take it.
func (sh *shard) judgeAll(rows []state.Row, ev *foldEvent) {
	for _, c := range sh.concerned {
		switch {
		case !rows[c.dim].Valid() || c.scope.foreign:
		case c.taken:
			sh.judgeScope(c.scope, rows, ev)
		default:
			sh.judgeLate(c.scope, &rows[c.dim], ev, false)
		}
	}
}
