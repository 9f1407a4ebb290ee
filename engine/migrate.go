package engine

import (
	"errors"
	"fmt"
	"math"

	"kelpie/state"
)

// Rules may change while state exists. The parts of rows are numbered by what they mean and how they are laid out, so a
// row that another plan wrote is never misread; before a plan takes it over, its rows are rewritten:
//
//   - A fact that the old plan had too, about the same events and key (fact.identity), keeps its state, whatever has
//     become of its rule's name, conditions and other facts. A fact that is new starts empty (warm.go).
//   - A table whose definition is the same keeps its row.
//   - An instance goes on if its rule is still there, by the same key. Others end; alerts among them are told of
//     (Engine.Dropped).
//   - Everything else is deleted.
//
// Only rows in which something changes are touched. They are rewritten in chunks, each one commit: the rows that one
// key has in the dimensions that depend on each other are in one chunk, and marked as rewritten. First of all it is
// committed that the rewriting has begun, and last, with the checkpoint's new fingerprint, that it is done. So a crash
// at any moment leaves a state from which it goes on, and that happens before anything else, whatever the rules are by
// then.

// migration is one rewriting of rows.
type migration struct {
	store    *state.Store
	registry *registry
	check    state.Checkpoint
	from, to *Plan
	side     *side              // windows that were filled from the log, of facts that the old plan has not; nil: none
	dims     []*dim             // those of the old plan, then those of the side that something is taken from
	carried  map[*rulePlan]bool // rules of the old plan whose instances go on
	resumed  bool               // one that a crash has ended goes on
	progress func(rows int64)

	// Shards of no engine that runs: old reads rows as the old plan has them, new builds those of the new plan.
	old, new *shard
	value    oneRow
	batch    *state.Batch
	pending  int   // rows looked at since the last commit
	looked   int64 // rows looked at
	ended    []ending
	rows     []state.Row // of the key at hand, by dimension of the old plan; zero where it has none
	logs     []logSource
	entries  []mergedEntry
	at       []int // of each entry, by source: its index there, or -1
}

// The bounds of a chunk.
const (
	chunkRows  = 500
	chunkBytes = 8 << 20
)

// adopt makes the rows of a store those of the plan, if other rules ran until then.
func (p *Plan) adopt(units Units, s *state.Store, filled *side, progress func(int64)) (*registry, error) {
	r, ok := units.(*registry)
	if !ok {
		return nil, errors.New("engine: recover: the plan was not made with the units of the store")
	}
	c, ok, err := s.Checkpoint()
	if err != nil || !ok {
		return r, err
	}
	if r.Into != "" {
		to := p
		if p.fingerprint != r.Into {
			if to, err = loadPlan(s, r.Into, r); err != nil {
				return nil, err
			}
		}
		if err := migrate(s, r, c, to, p, filled, progress); err != nil {
			return nil, err
		}
		c.Rules = to.fingerprint
	}
	if c.Rules != p.fingerprint {
		return r, migrate(s, r, c, p, p, filled, progress)
	}
	if !r.stored.holds(p.parts) {
		return nil, notLaidOut(p.fingerprint)
	}
	return r, nil
}

func notLaidOut(fingerprint string) error {
	return fmt.Errorf("engine: the rows of the state are laid out in another way than this Kelpie lays them out for the same rules (version %s): "+
		"use the Kelpie that wrote them, or delete the state, which is then made anew from the log", fingerprint)
}

// migrate rewrites the rows for the plan `to`; final is the plan that will run.
func migrate(s *state.Store, r *registry, c state.Checkpoint, to, final *Plan, filled *side, progress func(int64)) error {
	from, err := loadPlan(s, c.Rules, r)
	if err != nil {
		return err
	}
	m := &migration{store: s, registry: r, check: c, from: from, to: to, side: filled, dims: from.dims, resumed: r.Into != "", progress: progress, batch: s.NewBatch()}
	defer m.batch.Close()
	if m.old, err = m.reader(from); err != nil {
		return err
	}
	if m.new, err = m.reader(to); err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	for _, g := range m.groups() {
		if err := m.walk(g); err != nil {
			return fmt.Errorf("engine: rewrite rows: %w", err)
		}
	}
	return m.end(final)
}

// reader returns a shard of a plan as of the checkpoint, without rows.
func (m *migration) reader(p *Plan) (*shard, error) {
	e := New(p, Options{Seed: m.store.Seed()})
	if err := e.restore(m.check); err != nil {
		return nil, err
	}
	sh := e.shards[0]
	sh.now, sh.was = e.w, e.w
	return sh, nil
}

// begin notes that rows are being rewritten, and all that the next start needs to go on.
func (m *migration) begin() error {
	if !m.resumed {
		m.registry.Rewrites++
		m.registry.Into = m.to.fingerprint
		if m.side != nil {
			m.registry.Filling = &m.side.spec
		}
	}
	m.registry.put(m.batch)
	m.batch.SetRules(m.to.fingerprint, m.to.text)
	return m.store.Commit(m.batch, false)
}

// end makes the rows those of the new plan.
func (m *migration) end(final *Plan) error {
	r := m.registry
	r.Since = m.since()
	r.Into, r.Filling = "", nil
	stored := newParts()
	stored.add(m.to.parts)
	r.parts = stored.clone()
	r.add(final.parts)
	for _, d := range m.from.dims {
		if m.to.dimOf(d.id) == nil {
			m.batch.DeleteDimension(d.id)
		}
	}
	r.put(m.batch)
	m.check.Rules = m.to.fingerprint
	m.batch.SetCheckpoint(m.check)
	r.stored = r.parts.clone()
	return m.store.Commit(m.batch, true)
}

// dimOf returns the dimension with a number, nil if the plan has none.
func (p *Plan) dimOf(id uint16) *dim {
	if int(id) < len(p.dimAt) && p.dimAt[id] != noDim {
		return p.dims[p.dimAt[id]]
	}
	return nil
}

// since returns from when on the new plan's facts count, of those that have not always been kept.
func (m *migration) since() map[string]int64 {
	had := map[string]bool{}
	each := func(p *Plan, f func(identity string)) {
		for _, s := range p.allScopes() {
			for _, x := range s.facts {
				id := x.identity(s)
				f(id)
				for _, c := range x.prev {
					f(fieldIdentity(id, c.slot, p.Set.Paths))
				}
			}
		}
	}
	each(m.from, func(id string) { had[id] = true })
	since := map[string]int64{}
	each(m.to, func(id string) {
		if m.side.fills(id) {
			if m.side.since != none {
				since[id] = m.side.since
			}
			return
		}
		if t, ok := m.registry.Since[id]; ok && had[id] {
			since[id] = t
		} else if !had[id] && m.check.Newest != none {
			since[id] = m.check.Newest + 1
		}
	})
	return since
}

// walk rewrites the rows of a group of dimensions.
func (m *migration) walk(g *group) error {
	if g.idle {
		return nil
	}
	m.rows = make([]state.Row, len(m.dims))
	for _, d := range g.old {
		m.fresh()
		err := m.storeOf(d).ScanRows(d.id, -1, func(hash uint64, key, value []byte) error {
			if err := m.key(g, d, hash, key, value); err != nil {
				return err
			}
			m.looked++
			if m.pending++; m.pending >= chunkRows || m.batch.Size() >= chunkBytes {
				return m.commit(g)
			}
			return nil
		})
		if err == nil {
			err = m.commit(g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fresh forgets the rows in memory.
func (m *migration) fresh() {
	m.old.mem, m.new.mem = state.Memory{}, state.Memory{}
	m.new.timers, m.new.watch = m.to.newTimers(), watchers{}
	m.old.rows = m.old.rows[:0]
	for _, d := range m.dims {
		m.old.rows = append(m.old.rows, state.NewRows(d.id, &m.old.mem, &m.value, math.MaxInt64))
	}
	for i, d := range m.to.dims {
		m.new.rows[i] = state.NewRows(d.id, &m.new.mem, nil, 0)
	}
	m.pending = 0
}

// commit makes the chunk at hand true.
func (m *migration) commit(g *group) error {
	for _, d := range g.new {
		m.new.rows[d.to.at].Flush(m.batch)
	}
	if err := m.putEnded(); err != nil {
		return err
	}
	if err := m.store.Commit(m.batch, false); err != nil {
		return err
	}
	m.fresh()
	if m.progress != nil {
		m.progress(m.looked)
	}
	return nil
}

// oneRow is a backing that holds the row that was read last.
type oneRow struct{ value []byte }

// GetRow implements state.Backing.
func (o *oneRow) GetRow(_ uint16, _ uint64, _, dst []byte) ([]byte, error) {
	return append(dst, o.value...), nil
}

// SeekRows implements state.Backing.
func (o *oneRow) SeekRows(uint16, uint64, func(row []byte) error) error { return nil }

// takeUp goes on with what the store remembers beside its checkpoint.
func (e *Engine) takeUp(r *registry) error {
	e.warmth.read(e.plan, r.Since)
	e.registry = r
	text, err := e.store.Rules(e.plan.fingerprint)
	if err != nil {
		return err
	}
	e.unknown = text == nil || !r.stored.holds(e.plan.parts)
	return e.loadDropped()
}

// putNotes adds to a batch what the store is to know from then on.
func (e *Engine) putNotes(b *state.Batch) {
	forget := e.forgetDropped(b)
	if e.unknown {
		b.SetRules(e.plan.fingerprint, e.plan.text)
	}
	if e.unknown || forget {
		e.registry.put(b)
	}
	e.unknown = false
}
