package engine

import (
	"math/bits"
	"slices"

	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// concern is a scope that the current event matters to.
type concern struct {
	scope *scope
	block []byte // the scope's, so that it is looked up once only
	moves uint32 // of the row when it was looked up
	dim   uint16 // index in the lane
	taken bool   // the event passes the scope's filter, and its rules are judged; else it only may be taken by `of` facts
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
				sh.concerned = append(sh.concerned, concern{scope: dw.scopes[64*j+k], dim: uint16(i), taken: met>>k&1 == 1})
			}
		}
		for _, s := range dw.of {
			sh.concerned = append(sh.concerned, concern{scope: s, dim: uint16(i)})
		}
	}
	return tables || len(sh.concerned) > 0
}

// foldAll takes the current event into the scopes that it matters to.
func (sh *shard) foldAll(w *laneWork, rows []state.Row, ev *foldEvent) {
	rest := sh.concerned
	for i := range w.dims {
		k := 0
		for k < len(rest) && int(rest[k].dim) == i {
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

// openAll makes the blocks of those scopes that the row is new to, if there are several blocks: what stands in the row moves
// once, not for each of them.
func (sh *shard) openAll(list []concern, row *state.Row) {
	sh.fresh, sh.blocks = sh.fresh[:0], sh.blocks[:0]
	for i := range list {
		c := &list[i]
		if s := c.scope; !s.stateless() && c.in(row) == nil {
			sh.fresh = append(sh.fresh, s)
			sh.blocks = s.appendBlocks(sh.blocks, row, c.taken)
		}
	}
	if len(sh.blocks) < 2 {
		return
	}
	row.InsertAll(sh.blocks)
	for _, s := range sh.fresh {
		s.reset(row.Block(s.unit), 0)
	}
}

// appendBlocks appends the blocks that an event makes in a row which the scope is new to; row is nil for one that has none.
func (s *scope) appendBlocks(list []state.NewBlock, row *state.Row, taken bool) []state.NewBlock {
	list = append(list, state.NewBlock{Unit: s.unit, Size: s.freshSize()})
	if !taken {
		return list
	}
	for _, g := range s.grids {
		if takesAll(g.facts) && (row == nil || row.Block(g.unit) == nil) {
			list = append(list, state.NewBlock{Unit: g.unit, Size: window.SpansSize(1, g.width)})
		}
	}
	for _, x := range s.sessions {
		if takesAll(x.facts) && (row == nil || row.Block(x.unit) == nil) {
			list = append(list, state.NewBlock{Unit: x.unit, Size: window.SpansSize(1, x.width)})
		}
	}
	return list
}

// someRoom is the room for blocks that a row begins with where it is not known which it will have.
const someRoom = 80

// setRoom finds out how much room a row is given that an event makes: enough for all blocks that it then gets, so that the
// row does not move at once, if they are not so many that most events make only some of them.
func (w *dimWork) setRoom() {
	w.room = someRoom
	if len(w.scopes) > 8 {
		return
	}
	w.room = 0
	for _, tw := range w.tables {
		w.room += state.BlockSize(tw.fixed)
	}
	for _, s := range w.scopes {
		if s.stateless() {
			continue
		}
		for _, b := range s.appendBlocks(nil, nil, true) {
			w.room += state.BlockSize(b.Size)
		}
	}
}

// takesAll reports whether some of the facts takes every event that its scope takes.
func takesAll(facts []*fact) bool {
	return slices.ContainsFunc(facts, func(f *fact) bool { return f.of == nil && f.filter < 0 })
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
