package rules

// Limit is a comparison of a fact with a whole number: orders > 5.
type Limit struct {
	Fact  int
	K     int64
	holds uint8 // see op.holds
}

// Holds reports whether the comparison is true of a whole number.
func (l *Limit) Holds(n int64) bool {
	switch {
	case n < l.K:
		return l.holds&1 != 0
	case n > l.K:
		return l.holds>>2&1 != 0
	}
	return l.holds>>1&1 != 0
}

// Limit returns the comparison that x is, or the first of the conditions that it joins by `and`: where the fact has a value
// of which that is not true, x is false, whatever else there is. ok is false if x begins with something else.
func (x *Expr) Limit() (l Limit, ok bool) {
	n := conjuncts(x.root, nil)[0]
	if n.op < opLess || n.op > opGreaterEqual {
		return l, false
	}
	fact, o, k := n.againstConst()
	if fact.op != opFact || !k.isConst() || !isInt(k) {
		return l, false
	}
	return Limit{fact.slot, k.val.N, o.holds()}, true
}
