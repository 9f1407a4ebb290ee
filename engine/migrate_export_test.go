package engine

// ParsePlan makes a plan from its version.
func ParsePlan(text string, units Units) (*Plan, error) { return parsePlan(text, units) }

// SameParts reports whether two plans number the same parts of rows.
func SameParts(p, q *Plan) bool { return p.parts.holds(q.parts) && q.parts.holds(p.parts) }

// SharedFacts returns, by rule of q, the facts over windows that p has too; all tells of which rules these are all facts
// that windows close for.
func SharedFacts(p, q *Plan) (shared map[string]map[string]bool, all map[string]bool) {
	had := map[string]bool{}
	for _, s := range p.allScopes() {
		for _, f := range s.facts {
			had[f.identity(s)] = true
		}
	}
	shared, all = map[string]map[string]bool{}, map[string]bool{}
	for _, rp := range q.rules {
		shared[rp.Name], all[rp.Name] = map[string]bool{}, true
		for i := range rp.facts {
			fp := &rp.facts[i]
			switch {
			case fp.Expr != nil:
			case had[fp.shared.identity(fp.scope)]:
				shared[rp.Name][fp.Name] = true
			case fp.Window.Each > 0 || fp.Window.Gap > 0:
				all[rp.Name] = false
			}
		}
	}
	return shared, all
}
