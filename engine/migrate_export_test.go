package engine

// ParsePlan makes a plan from its version.
func ParsePlan(text string, units Units) (*Plan, error) { return parsePlan(text, units) }

// SameParts reports whether two plans number the same parts of rows.
func SameParts(p, q *Plan) bool { return p.parts.holds(q.parts) && q.parts.holds(p.parts) }
