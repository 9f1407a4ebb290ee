package engine

import (
	"cmp"
	"slices"
)

// A group is a set of key dimensions whose rows depend on each other when they are rewritten: those of one key are
// rewritten together. Mostly it is one dimension, before and after. A rule that comes to read other keys moves into
// dimensions of its own, or back, and then there are several.
type group struct {
	old  []*dim
	new  []*dimMove
	idle bool // nothing changes in the rows
}

// dimMove is what the rows of one dimension of the new plan are made of.
type dimMove struct {
	to     *dim
	was    *dim // the dimension of the same number in the old plan; nil: it is new
	tables []tableMove
	scopes []*scopeMove
	rules  []*ruleMove
}

type tableMove struct{ to, from *tablePlan }

// scopeMove is where the blocks of a scope come from.
type scopeMove struct {
	to   *scope
	same *scope   // a scope with the same layout, whose blocks are taken over as they are; nil: they are built
	from []*scope // else those that had some of the facts, the best first

	source  []int        // by index in to.facts: in from, -1 if the fact is new
	origin  []*fact      // likewise, the fact as it was
	feeds   [][]bitMove  // by from
	columns [][]pairMove // by from
}

// bitMove says that entries with one of the old bits in their masks get the new one.
type bitMove struct{ old, new uint64 }

// pairMove says that a column of the new log holds what one of the old log did.
type pairMove struct{ old, new int }

// ruleMove is an instance that goes on.
type ruleMove struct {
	to, from *rulePlan
	same     bool  // nothing changes in its surroundings
	fields   []int // by index in to.keep: in from.keep, -1 if it was not remembered
	keys     []int // by dimension of the new lane: of the old lane, -1 if it had no such key
}

// groups compares the plans.
func (m *migration) groups() []*group {
	had := m.holders()
	root := map[uint16]uint16{} // a forest over the numbers of dimensions
	var find func(id uint16) uint16
	find = func(id uint16) uint16 {
		if up, ok := root[id]; ok && up != id {
			root[id] = find(up)
			return root[id]
		}
		root[id] = id
		return id
	}
	moves := make([]*dimMove, len(m.to.dims))
	carried := map[*rulePlan]bool{}
	for i, d := range m.to.dims {
		mv := m.dimMove(d, had)
		moves[i] = mv
		for _, o := range mv.sources() {
			root[find(o.id)] = find(d.id)
		}
		for _, r := range mv.rules {
			carried[r.from] = true
		}
	}
	m.takeSide(moves)
	byRoot := map[uint16]*group{}
	var all []*group
	in := func(id uint16) *group {
		g := byRoot[find(id)]
		if g == nil {
			g = &group{}
			byRoot[find(id)] = g
			all = append(all, g)
		}
		return g
	}
	for _, d := range m.dims {
		g := in(d.id)
		g.old = append(g.old, d)
	}
	for _, mv := range moves {
		g := in(mv.to.id)
		g.new = append(g.new, mv)
	}
	for _, g := range all {
		g.idle = !slices.ContainsFunc(g.old, m.onSide) && g.unchanged()
	}
	m.carried = carried
	return all
}

// holder is where the old plan has a fact.
type holder struct {
	s *scope
	f *fact
}

// holders finds the old plan's facts by identity.
func (m *migration) holders() map[string][]holder {
	had := map[string][]holder{}
	for _, s := range m.from.allScopes() {
		for _, f := range s.facts {
			id := f.identity(s)
			had[id] = append(had[id], holder{s, f})
		}
	}
	if m.side == nil {
		return had
	}
	for _, s := range m.side.plan.allScopes() {
		for _, f := range s.facts {
			if id := f.identity(s); m.side.fills(id) {
				had[id] = []holder{{s, f}}
			}
		}
	}
	return had
}

func (m *migration) dimMove(d *dim, had map[string][]holder) *dimMove {
	mv := &dimMove{to: d, was: m.from.dimOf(d.id)}
	for _, tp := range d.tables {
		if o := m.tableBefore(tp); o != nil {
			mv.tables = append(mv.tables, tableMove{tp, o})
		}
	}
	for _, s := range d.scopes {
		mv.scopes = append(mv.scopes, m.scopeMove(s, had))
		for _, rp := range s.rules {
			if r := m.ruleMove(rp); r != nil {
				mv.rules = append(mv.rules, r)
			}
		}
	}
	for _, r := range mv.rules {
		r.same = r.from.unit == r.to.unit && mv.inPlace(r.to.scope) && !r.to.foreign
	}
	return mv
}

// inPlace reports whether the scope's blocks stay as they are, where they are.
func (mv *dimMove) inPlace(s *scope) bool {
	for _, x := range mv.scopes {
		if x.to == s {
			return x.same != nil && x.same.dim.id == mv.to.id
		}
	}
	return false
}

// sources returns the old dimensions that rows of this one are made of.
func (mv *dimMove) sources() (all []*dim) {
	add := func(d *dim) {
		if !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	for _, t := range mv.tables {
		add(t.from.dim)
	}
	for _, s := range mv.scopes {
		if s.same != nil {
			add(s.same.dim)
		}
		for _, o := range s.from {
			add(o.dim)
		}
	}
	for _, r := range mv.rules {
		add(r.from.scope.dim)
	}
	return all
}

// tableBefore returns the table as the old plan has it, best in the same dimension; nil if it is new.
func (m *migration) tableBefore(tp *tablePlan) (best *tablePlan) {
	for _, d := range m.from.dims {
		for _, o := range d.tables {
			if o.t.Text == tp.t.Text && (best == nil || d.id == tp.dim.id) {
				best = o
			}
		}
	}
	if best != nil || m.side == nil {
		return best
	}
	for _, d := range m.side.plan.dims {
		for _, o := range d.tables {
			if o.t.Text == tp.t.Text && (best == nil || d.id == tp.dim.id) {
				best = o
			}
		}
	}
	return best
}

// ruleMove returns how the instances of a rule go on; nil if the old plan has no such rule by the same key.
func (m *migration) ruleMove(rp *rulePlan) *ruleMove {
	i := slices.IndexFunc(m.from.rules, func(o *rulePlan) bool { return o.Name == rp.Name })
	if i < 0 || pathsText(m.from.rules[i].By) != pathsText(rp.By) {
		return nil
	}
	o := m.from.rules[i]
	r := &ruleMove{to: rp, from: o}
	for _, slot := range rp.keep {
		name := slotName(slot, m.to.Set.Paths)
		r.fields = append(r.fields, slices.IndexFunc(o.keep, func(k int) bool { return slotName(k, m.from.Set.Paths) == name }))
	}
	if rp.foreign || rp.farTable {
		for _, d := range rp.scope.dim.lane.dims {
			r.keys = append(r.keys, slices.IndexFunc(o.scope.dim.lane.dims, func(k *dim) bool { return k.name == d.name }))
		}
	}
	return r
}

// scopeMove finds out which old scopes have had the scope's facts.
func (m *migration) scopeMove(s *scope, had map[string][]holder) *scopeMove {
	mv := &scopeMove{to: s}
	for _, o := range m.from.allScopes() {
		if o.unit == s.unit && (mv.same == nil || o.dim.id == s.dim.id) {
			mv.same = o
		}
	}
	if mv.same != nil {
		return mv
	}
	shared := map[*scope]int{}
	for _, f := range s.facts {
		for _, h := range had[f.identity(s)] {
			if shared[h.s]++; shared[h.s] == 1 {
				mv.from = append(mv.from, h.s)
			}
		}
	}
	slices.SortStableFunc(mv.from, func(a, b *scope) int {
		return cmp.Or(order01(b.sameKey(s), a.sameKey(s)), order01(m.onSide(a.dim), m.onSide(b.dim)), order01(b.dim.id == s.dim.id, a.dim.id == s.dim.id), cmp.Compare(shared[b], shared[a]))
	})
	for _, f := range s.facts {
		k, origin := -1, (*fact)(nil)
		for i, o := range mv.from {
			for _, h := range had[f.identity(s)] {
				if h.s == o && k < 0 {
					k, origin = i, h.f
				}
			}
		}
		mv.source, mv.origin = append(mv.source, k), append(mv.origin, origin)
	}
	mv.matchLog(m.pathsOf, m.to.Set.Paths)
	return mv
}

// sameKey reports whether rules of the two scopes are judged in the same way as of the same times.
func (s *scope) sameKey(o *scope) bool { return s.key == o.key && s.dim.id == o.dim.id }

func order01(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// unchanged reports whether the rows of the group are as the new plan has them.
func (g *group) unchanged() bool {
	kept := map[any]bool{} // parts of the old plan that stay where they are
	for _, mv := range g.new {
		for _, t := range mv.tables {
			if t.from.dim.id != mv.to.id {
				return false
			}
			kept[t.from] = true
		}
		for _, s := range mv.scopes {
			if len(s.from) > 0 || s.same != nil && s.same.dim.id != mv.to.id {
				return false
			}
			kept[s.same] = true
		}
		for _, r := range mv.rules {
			if r.from.unit != r.to.unit || r.from.scope.dim.id != mv.to.id || !mv.inPlace(r.to.scope) {
				return false
			}
			kept[r.from] = true
		}
	}
	for _, d := range g.old {
		stays := slices.ContainsFunc(g.new, func(mv *dimMove) bool { return mv.to.id == d.id })
		for _, s := range d.scopes {
			for _, rp := range s.rules {
				if !kept[rp] {
					return false
				}
			}
			if stays && !kept[s] {
				return false
			}
		}
		for _, t := range d.tables {
			if stays && !kept[t] {
				return false
			}
		}
	}
	return true
}
