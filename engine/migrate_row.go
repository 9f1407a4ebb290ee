package engine

import (
	"kelpie/state"
)

// key rewrites the rows of one key, which was found in dimension d.
func (m *migration) key(g *group, d *dim, hash uint64, key, value []byte) error {
	done, err := m.open(g, d, hash, key, value)
	if done || err != nil {
		return err
	}
	for _, mv := range g.new {
		if mv.was == nil {
			continue
		}
		if row := &m.rows[mv.was.at]; row.Valid() && m.store.HasChunks(row.Bytes()) {
			m.batch.DeleteChunks(mv.to.id, hash, key) // the new row's, if it has any, are made when it is written
		}
	}
	for _, mv := range g.new {
		if err := m.build(mv, hash, key); err != nil {
			return err
		}
	}
	return m.endOthers(g, hash, key)
}

// open reads the key's rows as the old plan has them. done tells that they have been rewritten before.
func (m *migration) open(g *group, d *dim, hash uint64, key, value []byte) (done bool, err error) {
	clear(m.rows)
	for _, o := range g.old {
		b := value
		if o != d {
			if b, err = m.storeOf(o).GetRow(o.id, hash, key, nil); err != nil {
				return false, err
			}
		}
		if b == nil {
			continue
		}
		m.value.value = b
		row, _, err := m.old.rows[o.at].Get(hash, key)
		if err != nil {
			return false, err
		}
		if !m.onSide(o) && row.Plan() == m.registry.Rewrites {
			return true, nil
		}
		m.rows[o.at] = row
	}
	if len(g.old) == 1 && !m.resumed {
		return false, nil
	}
	for _, mv := range g.new {
		if mv.was != nil {
			continue // seen above
		}
		b, err := m.store.GetRow(mv.to.id, hash, key, nil)
		if b != nil || err != nil {
			return true, err
		}
	}
	return false, nil
}

// build makes the key's row in a dimension of the new plan.
func (m *migration) build(mv *dimMove, hash uint64, key []byte) error {
	rows := m.new.rows[mv.to.at]
	row, err := rows.GetOrNew(nowhere, hash, key, someRoom)
	if err != nil {
		return err
	}
	for _, t := range mv.tables {
		m.copyBlock(&row, t.to.unit, t.from.dim, t.from.unit)
	}
	for _, s := range mv.scopes {
		if s.same != nil {
			m.copyScope(&row, s)
		} else {
			m.buildScope(&row, s)
		}
	}
	for _, r := range mv.rules {
		if err := m.moveInstance(&row, r); err != nil {
			return err
		}
	}
	if row.Blocks() == 0 {
		rows.Delete(&row)
		if mv.was != nil {
			m.batch.DeleteRow(mv.to.id, hash, key)
		}
		return nil
	}
	for _, s := range mv.scopes {
		if s.same == nil {
			m.setCloses(&row, s)
		}
	}
	m.setTimes(&row, mv.to)
	row.SetPlan(m.registry.Rewrites)
	rows.MarkDirty(&row)
	return nil
}

// copyBlock takes a block over as it is.
func (m *migration) copyBlock(row *state.Row, unit uint16, from *dim, old uint16) {
	if o := &m.rows[from.at]; o.Valid() {
		if b := o.Block(old); b != nil {
			copy(row.Ensure(unit, len(b)), b)
		}
	}
}

// copyScope takes the blocks of a scope over. Its flags come with the instances.
func (m *migration) copyScope(row *state.Row, mv *scopeMove) {
	s, o := mv.to, mv.same
	m.copyBlock(row, s.unit, o.dim, o.unit)
	if s.log != nil && s.log.Heap {
		m.copyBlock(row, s.heap, o.dim, o.heap)
	}
	for i, f := range s.limited {
		m.copyBlock(row, f.sketch, o.dim, o.limited[i].sketch)
	}
	for i, g := range s.grids {
		m.copyBlock(row, g.unit, o.dim, o.grids[i].unit)
	}
	for i, x := range s.sessions {
		m.copyBlock(row, x.unit, o.dim, o.sessions[i].unit)
	}
	if b := row.Block(s.unit); b != nil {
		le.PutUint64(b[scopeFlags:], 0)
	}
}

// setTimes notes when the row is due, and when something in it may be forgotten.
func (m *migration) setTimes(row *state.Row, d *dim) {
	row.SetDue(m.new.earliest(d, row).at)
	gc := int64(state.Never)
	for i := range row.Blocks() {
		u := d.unit(row.Unit(i))
		switch {
		case u.scope != nil:
			if t := getTime(row.BlockAt(i), scopeNewest); t != none {
				gc = min(gc, t+u.scope.gc+u.scope.linger+1)
			}
		case u.rule != nil:
			if in, err := m.new.load(u.rule, row); err == nil && in.state == inactive {
				gc = min(gc, in.until(u.rule)+1)
			}
		}
	}
	row.SetGC(gc)
}

// setCloses notes when windows of a scope that was built anew close next.
func (m *migration) setCloses(row *state.Row, mv *scopeMove) {
	s := mv.to
	b := row.Block(s.unit)
	if b == nil || !s.onClose || m.new.now == none {
		return
	}
	due := int64(state.Never)
	if s.beat > 0 {
		due = m.new.nextClose(s, row, s.align.Start(m.new.now, s.beat))
	}
	for _, x := range s.sessions {
		due = min(due, nextSession(x, row))
	}
	putTime(row.Block(s.unit), scopeDue, due)
}

// endOthers ends the instances that do not go on, and deletes rows that are in no dimension any more.
func (m *migration) endOthers(g *group, hash uint64, key []byte) error {
	for _, d := range g.old {
		row := &m.rows[d.at]
		if !row.Valid() || m.onSide(d) {
			continue
		}
		n := len(m.ended)
		for _, s := range d.scopes {
			for _, rp := range s.rules {
				if m.carried[rp] {
					continue
				}
				if err := m.endInstance(rp, row); err != nil {
					return err
				}
			}
		}
		if len(m.ended) > n && m.to.dimOf(d.id) == nil { // not to be found again
			m.batch.DeleteRow(d.id, hash, key)
		}
	}
	return nil
}
