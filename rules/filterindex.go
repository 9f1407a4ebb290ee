package rules

import (
	"cmp"
	"slices"

	"kelpie/event"
)

// worthIndexing is from how many conditions on it a field is looked up: fewer are tried as quickly.
const worthIndexing = 4

// filter is a condition while its place is looked for.
type filter struct {
	at    uint32
	parts []*node // all must be true
	key   *node   // the part that it is looked up by, nil if there is none
}

// NewFilters prepares conditions; one that is nil is always met.
func NewFilters(list []*Expr) *Filters {
	f := &Filters{n: len(list), always: make([]uint64, (len(list)+63)/64)}
	var conds []*filter
	for i, x := range list {
		if x == nil {
			f.always[i/64] |= 1 << (i % 64)
			continue
		}
		conds = append(conds, &filter{at: uint32(i), parts: conjuncts(x.root, nil)})
	}
	chooseKeys(conds)
	bySlot := map[int][]*filter{}
	for _, c := range conds {
		if c.key != nil {
			slot := asked(c.key).slot
			bySlot[slot] = append(bySlot[slot], c)
		}
	}
	for slot, cs := range bySlot {
		if len(cs) >= worthIndexing {
			f.fields = append(f.fields, newFieldIndex(slot, cs))
			continue
		}
		for _, c := range cs {
			c.key = nil
		}
	}
	slices.SortFunc(f.fields, func(a, b fieldIndex) int { return cmp.Compare(a.slot, b.slot) })
	f.root.fill(slices.DeleteFunc(conds, func(c *filter) bool { return c.key != nil }))
	return f
}

// conjuncts appends the conditions that n joins by `and`, left to right.
func conjuncts(n *node, dst []*node) []*node {
	if n.op == opAnd {
		return conjuncts(n.args[1], conjuncts(n.args[0], dst))
	}
	return append(dst, n)
}

// chooseKeys gives each condition the part that it is looked up by, if it has one. A part is the better the fewer
// constants it names out of all that conditions name for its field: the fewer events will have one of them.
func chooseKeys(conds []*filter) {
	named := map[int]map[event.Value]bool{}
	for _, c := range conds {
		for _, p := range c.parts {
			if f := asked(p); f != nil {
				if named[f.slot] == nil {
					named[f.slot] = map[event.Value]bool{}
				}
				for _, v := range constants(p) {
					named[f.slot][v] = true
				}
			}
		}
	}
	for _, c := range conds {
		best := 0.0
		for _, p := range c.parts {
			if f := asked(p); f != nil {
				share := float64(len(constants(p))) / float64(len(named[f.slot]))
				if c.key == nil || share < best {
					c.key, best = p, share
				}
			}
		}
	}
}

// asked returns the field that a part of a condition asks to be one of some constants, nil if the part is something else.
// Lists and objects are compared by their members, so that there is nothing to look them up by.
func asked(p *node) *node {
	switch p.op {
	case opEqual:
		l, r := p.args[0], p.args[1]
		if l.isConst() {
			l, r = r, l
		}
		if l.op == opField && r.isConst() && r.val.Kind != event.Missing && r.val.Kind < event.Object {
			return l
		}
	case opIn:
		deep := slices.ContainsFunc(p.set.others, func(v event.Value) bool { return v.Kind >= event.Object })
		if p.args[0].op == opField && !deep {
			return p.args[0]
		}
	}
	return nil
}

// constants returns the constants that the field of such a part may be, numbers as numerals are, so that equal ones are
// equal values.
func constants(p *node) []event.Value {
	set := p.set
	if p.op == opEqual {
		set = newConstSet(p.args) // of the constant side: the other one has no value
	}
	out := slices.Clone(set.others)
	for s := range set.texts {
		out = append(out, event.StringValue(s))
	}
	for k := range set.numbers {
		out = append(out, k.value())
	}
	return out
}

// newFieldIndex places conditions by the constants that they ask the field to be.
func newFieldIndex(slot int, conds []*filter) fieldIndex {
	byValue := map[event.Value][]*filter{}
	for _, c := range conds {
		for _, v := range constants(c.key) {
			byValue[v] = append(byValue[v], c)
		}
	}
	x := fieldIndex{slot: slot, texts: map[string]*bucket{}, numbers: map[numeral]*bucket{}}
	for v, cs := range byValue {
		b := &bucket{}
		b.fill(cs)
		switch v.Kind {
		case event.String:
			x.texts[v.S] = b
		case event.Bool:
			x.bools[v.N] = b
		default:
			x.numbers[numeralOf(v)] = b
		}
	}
	return x
}

// fill takes in what is left of the conditions without the parts that they are looked up by.
func (b *bucket) fill(conds []*filter) {
	byRung := map[rung][]*filter{}
	for _, c := range conds {
		if r, ok := rungOf(c.limit()); ok {
			byRung[r] = append(byRung[r], c)
		}
	}
	for _, c := range conds {
		r, ok := rungOf(c.limit())
		if ok && len(byRung[r]) >= worthIndexing {
			if byRung[r][0] == c {
				b.ladders = append(b.ladders, newLadder(byRung[r]))
			}
			continue
		}
		if t := c.try(nil); len(t.rest) > 0 {
			b.tries = append(b.tries, t)
		} else {
			b.met = append(b.met, t.at)
		}
	}
}

// try compiles what is left to ask, without one part more.
func (c *filter) try(without *node) try {
	t := try{at: c.at}
	for _, p := range c.parts {
		if p != c.key && p != without {
			t.rest = append(t.rest, compileTruth(p))
		}
	}
	return t
}

// limit returns the first part that orders a field against a number, nil if there is none.
func (c *filter) limit() *node {
	for _, p := range c.parts {
		if _, ok := rungOf(p); ok {
			return p
		}
	}
	return nil
}

// rung tells which ladder a part that orders a field against a number belongs to.
type rung struct {
	slot int
	up   bool // the field must be above
	kind event.Kind
}

func rungOf(p *node) (r rung, ok bool) {
	if p == nil || p.op < opLess || p.op > opGreaterEqual {
		return r, false
	}
	field, o, k := p.againstConst()
	if field.op != opField || field.typ == StringType || !k.isConst() || !k.val.IsNumber() {
		return r, false
	}
	return rung{field.slot, o == opGreater || o == opGreaterEqual, numeralOf(k.val).kind}, true
}

// againstConst returns the sides of an order, a constant on the right if there is one.
func (n *node) againstConst() (l *node, o op, r *node) {
	if n.args[0].isConst() {
		return n.args[1], n.op.mirrored(), n.args[0]
	}
	return n.args[0], n.op, n.args[1]
}

func newLadder(conds []*filter) ladder {
	var l ladder
	for _, c := range conds {
		p := c.limit()
		field, o, k := p.againstConst()
		l.number = compileNumber(field)
		l.steps = append(l.steps, step{numeralOf(k.val), o.holds(), c.try(p)})
	}
	slices.SortStableFunc(l.steps, func(a, b step) int {
		order := compareNumerals(a.limit, b.limit)
		if a.holds&0b001 != 0 { // the field must be below: the highest limit is the easiest
			order = -order
		}
		return cmp.Or(order, cmp.Compare(b.holds&0b010, a.holds&0b010)) // or equal is easier
	})
	return l
}
