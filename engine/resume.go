package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// What time alone does to a row is mostly not worth a write: a session closes and nothing comes of it, the row is to be
// looked at later, windows that nothing can see any more are empty. Such a row is written when something else changes it
// (state.Rows.MarkLater). After a crash the row that is stored has the times before, which are not after the watermark of
// the checkpoint: by these it is found. What is to be forgotten is then forgotten like at any other time. Sessions are
// different: what is judged may not depend on where a crash was, or on which rules run after it.

// behindRow is a row that was due before the watermark of the checkpoint.
type behindRow struct {
	hash uint64
	key  []byte
}

// resume closes the sessions that had closed before the state was committed, in rows that were not written for it: they
// have been judged, and nothing came of it.
func (sh *shard) resume(d *dim, behind []behindRow) {
	w := sh.engine.w
	for _, b := range behind {
		row, ok, err := sh.rows[d.at].Get(b.hash, b.key)
		if err != nil {
			sh.fatal(err)
			return
		}
		if !ok {
			continue
		}
		for i := range row.Blocks() {
			if s := d.unit(row.Unit(i)).scope; s != nil && s.onClose && s.beat == 0 && getTime(row.BlockAt(i), scopeDue) <= w {
				putTime(row.BlockAt(i), scopeDue, s.passClosed(&row, w))
			}
		}
		sh.touchLater(d, &row)
		sh.dueAt(&row, sh.earliest(d, &row).at)
	}
}

// passClosed marks the sessions that have closed by watermark w as judged and returns when the next one of the scope does.
func (s *scope) passClosed(row *state.Row, w int64) int64 {
	next := int64(state.Never)
	for _, x := range s.sessions {
		p := window.Spans{Block: row.Block(x.unit), Width: x.width}
		for i := 0; i < p.N() && p.Last(i)+x.gap+1 <= w; i++ {
			p.SetMask(i, p.Mask(i)|judgedSession)
		}
		next = min(next, nextSession(x, row))
	}
	return next
}
