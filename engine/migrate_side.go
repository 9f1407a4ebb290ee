package engine

import (
	"fmt"
	"slices"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

// A fact that is new need not start empty: beside the state that runs an engine of the new facts folds the log again, from
// far enough back up to the place where the rules change (fill.go). Its rows, in a store of their own, are then a second
// source of the migration: what the old plan has comes from the state, what it has not from the side.

// fillSpec says from where windows are filled; with the log it decides what is in them.
type fillSpec struct {
	From *trailMark `json:"from,omitempty"` // where the folding begins; nil: at the beginning of the log
	To   int64      `json:"to"`             // offset up to, and without, which the log is folded
}

// side is what was filled.
type side struct {
	spec  fillSpec
	store *state.Store
	plan  *Plan           // made to be read with: its dimensions are numbered behind those of the old plan
	ids   map[string]bool // identities of facts, and of fields of previous events, that the old plan has not
	since int64           // first event time that counts for them; none: all
}

// fills reports whether a fact, or a field of one, comes from the side.
func (x *side) fills(identity string) bool { return x != nil && x.ids[identity] }

// takeSide adds the dimensions of the side that something is taken from to those of the old plan.
func (m *migration) takeSide(moves []*dimMove) {
	if m.side == nil {
		return
	}
	used := map[*dim]bool{}
	for _, mv := range moves {
		for _, t := range mv.tables {
			used[t.from.dim] = true
		}
		for _, s := range mv.scopes {
			for _, o := range s.from {
				used[o.dim] = true
			}
		}
	}
	m.dims = slices.Clone(m.from.dims)
	for _, d := range m.side.plan.dims {
		if used[d] {
			d.at = len(m.dims)
			m.dims = append(m.dims, d)
		}
	}
}

// onSide reports whether a dimension is one of the side.
func (m *migration) onSide(d *dim) bool {
	return m.side != nil && slices.Contains(m.side.plan.dims, d)
}

// storeOf returns where the rows of an old dimension are.
func (m *migration) storeOf(d *dim) *state.Store {
	if m.onSide(d) {
		return m.side.store
	}
	return m.store
}

// pathsOf returns the fields that an old scope's plan numbers.
func (m *migration) pathsOf(s *scope) []event.Path {
	if m.onSide(s.dim) {
		return m.side.plan.Set.Paths
	}
	return m.from.Set.Paths
}

// missing is what a plan has and another one has not.
type missing struct {
	ids    map[string]bool // of facts, with all of a fact's fields if one of these is missing
	rules  []string        // that have such facts, or read such tables
	tables bool
	span   int64 // how far back the windows may reach that are to be filled, ms
}

// missingIn finds out what is to be filled for a plan, where another one has run.
func (p *Plan) missingIn(old *Plan) (x missing) {
	x.ids = map[string]bool{}
	had, tables := map[string]bool{}, map[string]bool{}
	for _, s := range old.allScopes() {
		for _, f := range s.facts {
			id := f.identity(s)
			had[id] = true
			for _, c := range f.prev {
				had[fieldIdentity(id, c.slot, old.Set.Paths)] = true
			}
		}
	}
	for _, t := range old.Set.Tables {
		tables[t.Text] = true
	}
	for _, rp := range p.rules {
		lacks := false
		for i := range rp.facts {
			if fp := &rp.facts[i]; fp.Expr == nil {
				lacks = x.note(fp.scope, fp.shared, p.Set.Paths, had) || lacks
			}
		}
		for _, src := range rp.tables {
			if !tables[src.table.t.Text] {
				lacks, x.tables = true, true
			}
		}
		if lacks {
			x.rules = append(x.rules, rp.Name)
			x.span = max(x.span, rp.reach(p.Time))
		}
	}
	for _, t := range p.Set.Tables {
		x.tables = x.tables || !tables[t.Text]
	}
	return x
}

// note notes a fact if it, or a field that it keeps, is missing.
func (x *missing) note(s *scope, f *fact, paths []event.Path, had map[string]bool) bool {
	id := f.identity(s)
	all := []string{id}
	for _, c := range f.prev {
		all = append(all, fieldIdentity(id, c.slot, paths))
	}
	if !slices.ContainsFunc(all, func(n string) bool { return !had[n] }) {
		return false
	}
	for _, n := range all {
		x.ids[n] = true
	}
	return true
}

// empty reports whether nothing is missing.
func (x *missing) empty() bool { return len(x.rules) == 0 && !x.tables }

// reach returns how much older than the watermark an event may be that a rule still knows of: it is judged as of the newest
// event of its key until W is later than that by its longest window, and the windows reach as far back again.
func (rp *rulePlan) reach(t TimeSpec) int64 {
	n := 2*rp.Longest + t.Lateness + t.Disorder
	for i := range rp.facts {
		if fp := &rp.facts[i]; fp.Expr == nil {
			n = max(n, 2*(fp.Window.Reach()+fp.Window.Each)+t.Lateness+t.Disorder)
		}
	}
	return n + 1
}

// sidePlan returns the version of what is missing, planned with the numbers that the whole plan has.
func (x *missing) sidePlan(v *version, whole *Plan, units Units) (*Plan, error) {
	few, err := v.only(x.rules)
	if err != nil {
		return nil, err
	}
	if x.tables { // those that no rule reads are wanted for their own sake
		var texts []string
		for _, r := range few.set.Rules {
			texts = append(texts, r.Text)
		}
		for _, t := range v.set.Tables {
			texts = append(texts, t.Text)
		}
		if few.set, err = rules.LoadTexts("rules", texts, v.set.Options); err != nil {
			return nil, err
		}
	}
	p, err := few.plan(units)
	if err != nil {
		return nil, fmt.Errorf("engine: windows to be filled: %w", err)
	}
	if !whole.parts.Dims.holds(p.parts.Dims) { // unreachable: a part of a set has a part of its dimensions
		return nil, fmt.Errorf("engine: windows to be filled have keys of their own")
	}
	return p, nil
}
