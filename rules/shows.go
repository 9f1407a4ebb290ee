package rules

import "slices"

// tracer finds out which fields of events can be seen in what rules and tables show, so that a field which is declared
// to be personal can be masked wherever a value of it comes to a reader, by whatever way: through a fact, a table, a
// function. The answer of a condition says nothing of the values in it, nor does a count; everything else is taken to show
// all that it was computed from.
type tracer struct {
	set   *Set
	rule  *Rule  // whose facts and tables an expression reads; nil in a table
	table *Table // whose row it reads; nil in a rule
}

// trace fills in what facts, tables and messages show.
func (s *Set) trace() {
	for _, t := range s.Tables {
		t.Shows = make([][]string, len(t.Fields))
		tr := &tracer{set: s, table: t}
		for changed := true; changed; { // a field may be computed from others of the row, in a circle
			changed = tr.updates()
		}
	}
	for _, r := range s.Rules {
		s.traceRule(r)
	}
}

// traceRule fills in what the facts, tables and message of a rule show; what tables show is known.
func (s *Set) traceRule(r *Rule) {
	tr := &tracer{set: s, rule: r}
	for i := range r.TableRefs {
		ref := &r.TableRefs[i]
		ref.Shows = s.Tables[ref.Table].Shows[ref.Field]
	}
	for _, f := range r.Facts {
		f.Shows = tr.fact(f)
	}
	if r.Alert == nil {
		return
	}
	for i := range r.Alert.parts {
		if p := &r.Alert.parts[i]; p.root != nil {
			p.shows = tr.of(p.root)
		}
	}
}

// updates adds to what the table's fields show; it reports whether there was something to add.
func (tr *tracer) updates() (changed bool) {
	for _, u := range tr.table.On {
		for _, set := range u.Set {
			was := tr.table.Shows[set.Field]
			now := union(was, tr.of(set.Expr.root))
			tr.table.Shows[set.Field] = now
			changed = changed || len(now) != len(was)
		}
	}
	return changed
}

// fact returns what a fact shows, of the rule's facts those before it being known.
func (tr *tracer) fact(f *Fact) []string {
	switch {
	case f.Expr != nil:
		return tr.of(f.Expr.root)
	case f.Arg == nil || f.Type == BoolType || f.Agg == "count" || f.Agg == "distinct" || f.Agg == "ratio" || f.Series == "count":
		return nil
	}
	return tr.of(f.Arg.root)
}

// of returns the fields that can be seen in the value of an expression, sorted, each once.
func (tr *tracer) of(n *node) []string {
	switch n.op {
	case opConst, opTime, opType, opSamples, opElement:
		return nil
	case opField:
		return []string{n.path.String()}
	case opKey:
		return []string{tr.rule.By[n.slot].String()}
	case opFact:
		return tr.rule.Facts[n.slot].Shows
	case opTable:
		return tr.rule.TableRefs[n.slot].Shows
	case opPrev:
		if slot := tr.rule.PrevRefs[n.slot].Slot; slot >= 0 {
			return []string{tr.set.Paths[slot].String()}
		}
		return nil
	case opRow:
		return tr.table.Shows[n.slot]
	case opChoose:
		return union(tr.of(n.args[1]), tr.of(n.args[2]))
	}
	if n.typ == BoolType && n.op != opCoalesce && n.op != opMember {
		return nil
	}
	var all []string
	for _, a := range n.args {
		all = union(all, tr.of(a))
	}
	return all
}

// union returns what is in a or in b, sorted. It changes neither.
func union(a, b []string) []string {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
