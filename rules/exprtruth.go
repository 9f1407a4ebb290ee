package rules

import (
	"strings"

	"kelpie/event"
)

// compileTruth compiles a node that must be a condition.
func compileTruth(n *node) truthFn {
	switch n.op {
	case opAnd:
		return and(n)
	case opOr:
		return or(n)
	case opNot:
		return not(n)
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return compileOrder(n)
	case opEqual, opNotEqual:
		return compileEquality(n)
	case opPresent, opAbsent:
		return presence(n)
	case opIn:
		return inSet(n)
	case opInOf:
		return inValues(n)
	case opInRange:
		return inRange(n)
	case opInList:
		return inList(n)
	case opContains:
		return contains(n)
	case opStartsWith, opEndsWith:
		return compileTextTest(n)
	case opMatches:
		return matches(n)
	case opAny, opAll, opNone:
		return overList(n)
	case opChoose:
		return chooseTruth(n)
	case opCall:
		if n.fn.truth != nil {
			return n.fn.truth(n)
		}
	}
	return truthOfValue(n)
}

// truthOfValue takes a value, of a field for one, as a condition.
func truthOfValue(n *node) truthFn {
	f, name := compileValue(n), n.name
	return func(e *Env) truth {
		v := f(e)
		switch v.Kind {
		case event.Bool:
			return truth(v.N)
		case event.Missing:
		default:
			e.mismatch(name)
		}
		return unknown
	}
}

// and asks its conditions from left to right, as long as they are true.
func and(n *node) truthFn {
	var all []truthFn
	for _, c := range conjuncts(n, nil) {
		all = append(all, compileTruth(c))
	}
	if len(all) == 2 {
		l, r := all[0], all[1]
		return func(e *Env) truth {
			if t := l(e); t != yes {
				return t
			}
			return r(e)
		}
	}
	return func(e *Env) truth {
		for _, f := range all {
			if t := f(e); t != yes {
				return t
			}
		}
		return yes
	}
}

// or evaluates the right side only where the left one is false.
func or(n *node) truthFn {
	l, r := compileTruth(n.args[0]), compileTruth(n.args[1])
	return func(e *Env) truth {
		if t := l(e); t != no {
			return t
		}
		return r(e)
	}
}

func not(n *node) truthFn {
	f := compileTruth(n.args[0])
	return func(e *Env) truth {
		if t := f(e); t != unknown {
			return 1 - t
		}
		return unknown
	}
}

func chooseTruth(n *node) truthFn {
	cond, a, b := compileTruth(n.args[0]), compileTruth(n.args[1]), compileTruth(n.args[2])
	return func(e *Env) truth {
		switch cond(e) {
		case yes:
			return a(e)
		case no:
			return b(e)
		}
		return unknown
	}
}

// presence says whether there is a value, and is never missing itself.
func presence(n *node) truthFn {
	f, present := compileValue(n.args[0]), n.op == opPresent
	return func(e *Env) truth { return truthOf((f(e).Kind != event.Missing) == present) }
}

// holds says which results of a comparison (-1, 0, 1) an operator is true for, as bits 0 to 2.
func (o op) holds() uint8 {
	switch o {
	case opLess:
		return 0b001
	case opLessEqual:
		return 0b011
	case opGreater:
		return 0b100
	}
	return 0b110
}

// mirrored is the operator for the same comparison with its sides swapped.
func (o op) mirrored() op {
	switch o {
	case opLess:
		return opGreater
	case opLessEqual:
		return opGreaterEqual
	case opGreater:
		return opLess
	}
	return opLessEqual
}

func compileOrder(n *node) truthFn {
	l, r := n.args[0], n.args[1]
	switch {
	case l.typ == StringType || r.typ == StringType:
		return orderTexts(n)
	case l.typ == AnyType && r.typ == AnyType:
		return orderAny(n)
	case r.isConst() && l.op == opFact && isInt(r):
		return factAgainst(n.op, l, r.val.N)
	case l.isConst() && r.op == opFact && isInt(l):
		return factAgainst(n.op.mirrored(), r, l.val.N)
	case l.op == opFact:
		return factAgainstNumber(n)
	case r.isConst() && r.val.IsNumber():
		return orderAgainst(n.op, l, numeralOf(r.val))
	case l.isConst() && l.val.IsNumber():
		return orderAgainst(n.op.mirrored(), r, numeralOf(l.val))
	}
	return orderNumbers(n)
}

// orderAgainst compares a number with a constant.
func orderAgainst(o op, n *node, k numeral) truthFn {
	f, mask := compileNumber(n), o.holds()
	return func(e *Env) truth {
		a := f(e)
		if a.kind == event.Missing {
			return unknown
		}
		return truth(mask >> (compareNumerals(a, k) + 1) & 1)
	}
}

func isInt(n *node) bool { return n.val.Kind == event.Int }

func orderNumbers(n *node) truthFn {
	l, r, mask := compileNumber(n.args[0]), compileNumber(n.args[1]), n.op.holds()
	return func(e *Env) truth {
		a := l(e)
		if a.kind == event.Missing {
			return unknown
		}
		b := r(e)
		if b.kind == event.Missing {
			return unknown
		}
		return truth(mask >> (compareNumerals(a, b) + 1) & 1)
	}
}

// factAgainst compares a fact with a whole number: orders > 5.
func factAgainst(o op, fact *node, k int64) truthFn {
	slot, mask := fact.slot, o.holds()
	low, high := truth(mask&1), truth(mask>>2&1) // what is true below and above k
	same := truth(mask >> 1 & 1)
	slow := compileNumber(fact)
	limit := numeral{k, event.Int}
	return func(e *Env) truth {
		if slot < len(e.Facts) {
			switch v := &e.Facts[slot]; {
			case v.Kind != event.Int:
			case v.N < k:
				return low
			case v.N > k:
				return high
			default:
				return same
			}
		}
		a := slow(e)
		if a.kind == event.Missing {
			return unknown
		}
		return truth(mask >> (compareNumerals(a, limit) + 1) & 1)
	}
}

// factAgainstNumber compares a fact with a number that is computed: current > 10 * max(normal, 3).
func factAgainstNumber(n *node) truthFn {
	l, r, mask := compileNumber(n.args[0]), compileNumber(n.args[1]), n.op.holds()
	slot := n.args[0].slot
	return func(e *Env) truth {
		var a numeral
		if slot < len(e.Facts) && e.Facts[slot].Kind == event.Int {
			a = numeral{e.Facts[slot].N, event.Int}
		} else if a = l(e); a.kind == event.Missing {
			return unknown
		}
		b := r(e)
		if b.kind == event.Missing {
			return unknown
		}
		return truth(mask >> (compareNumerals(a, b) + 1) & 1)
	}
}

func orderTexts(n *node) truthFn {
	l, r, mask := compileText(n.args[0]), compileText(n.args[1]), n.op.holds()
	return func(e *Env) truth {
		a, ok := l(e)
		if !ok {
			return unknown
		}
		b, ok := r(e)
		if !ok {
			return unknown
		}
		return truth(mask >> (strings.Compare(a, b) + 1) & 1)
	}
}

// orderAny orders two numbers or two texts, as it turns out.
func orderAny(n *node) truthFn {
	l, r, mask := compileValue(n.args[0]), compileValue(n.args[1]), n.op.holds()
	left, right := n.args[0].name, n.args[1].name
	return func(e *Env) truth {
		a := l(e)
		switch {
		case a.Kind == event.Missing:
			return unknown
		case !a.IsNumber() && a.Kind != event.String:
			e.mismatch(left)
			return unknown
		}
		b := r(e)
		switch {
		case b.Kind == event.Missing:
			return unknown
		case a.IsNumber() && b.IsNumber():
			return truth(mask >> (compareNumerals(numeralOf(a), numeralOf(b)) + 1) & 1)
		case a.Kind == event.String && b.Kind == event.String:
			return truth(mask >> (strings.Compare(a.S, b.S) + 1) & 1)
		}
		e.mismatch(right)
		return unknown
	}
}

// compileEquality compiles == and !=, which are missing only where a side is: values of different types are not equal.
func compileEquality(n *node) truthFn {
	l, r, same := n.args[0], n.args[1], truthOf(n.op == opEqual)
	if l.isConst() && !r.isConst() {
		l, r = r, l
	}
	switch {
	case r.isConst() && r.val.Kind == event.String && l.op == opField:
		return fieldIs(l, r.val.S, same)
	case r.isConst() && r.val.Kind == event.String:
		return valueIs(l, r.val.S, same)
	case r.isConst() && r.val.Kind == event.Int:
		return valueIsInt(l, r.val.N, same)
	}
	f, g, name := compileValue(n.args[0]), compileValue(n.args[1]), n.name
	return func(e *Env) truth {
		a := f(e)
		if a.Kind == event.Missing {
			return unknown
		}
		b := g(e)
		if b.Kind == event.Missing || a.Kind >= event.Object && !e.spend(8*len(a.S), name) {
			return unknown
		}
		if event.Equal(a, b) {
			return same
		}
		return 1 - same
	}
}

// fieldIs compares a field's bytes with a text, without making a value of it.
func fieldIs(n *node, s string, same truth) truthFn {
	slot, name := n.slot, n.name
	slow := valueIs(n, s, same)
	return func(e *Env) truth {
		f, ok := e.recordField(slot)
		switch {
		case ok && f.Kind == event.FieldString:
			if string(e.Rec.Raw[f.Off:f.End]) == s {
				return same
			}
			return 1 - same
		case ok && f.Kind <= event.FieldNull:
			e.miss(name)
			return unknown
		}
		return slow(e)
	}
}

func valueIs(n *node, s string, same truth) truthFn {
	f := compileValue(n)
	return func(e *Env) truth {
		switch v := f(e); {
		case v.Kind == event.Missing:
			return unknown
		case v.Kind == event.String && v.S == s:
			return same
		}
		return 1 - same
	}
}

func valueIsInt(n *node, k int64, same truth) truthFn {
	f := compileValue(n)
	return func(e *Env) truth {
		switch v := f(e); {
		case v.Kind == event.Missing:
			return unknown
		case v.Kind == event.Int && v.N == k:
			return same
		case v.Kind == event.Decimal && numeralOf(v) == numeral{k, event.Int}:
			return same
		}
		return 1 - same
	}
}
