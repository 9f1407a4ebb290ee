package rules

import (
	"strings"

	"kelpie/event"
)

// bounds returns, for each fact of the rule, what its `when` compares the fact with where that is a constant, params put
// in: "> 5", ">= 1 and < 5"; "" where there is no such comparison. It is for people, who see a value beside its limit.
func (r *Rule) bounds() []string {
	all := make([]string, len(r.Facts))
	if r.When != nil {
		for i := range r.Facts {
			all[i] = boundOf(r.When.root, i, false).text
		}
	}
	return all
}

// bound is a condition on one fact, in words.
type bound struct {
	text string
	or   bool // it has several parts joined by `or`
}

// boundOf returns what must hold for a fact so that n is true, or, if not is set, false.
func boundOf(n *node, fact int, not bool) bound {
	switch n.op {
	case opNot:
		return boundOf(n.args[0], fact, !not)
	case opAnd, opOr:
		return joinBounds(boundOf(n.args[0], fact, not), boundOf(n.args[1], fact, not), (n.op == opOr) != not)
	case opInRange:
		if low, high := n.args[1], n.args[2]; isFact(n.args[0], fact) && low.isConst() && high.isConst() {
			return joinBounds(oneBound(opGreaterEqual, low, not), oneBound(opLessEqual, high, not), not)
		}
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		switch l, r := n.args[0], n.args[1]; {
		case isFact(l, fact) && r.isConst():
			return oneBound(n.op, r, not)
		case isFact(r, fact) && l.isConst():
			return oneBound(turned[n.op], l, not)
		}
	}
	return bound{}
}

func isFact(n *node, fact int) bool { return n.op == opFact && n.slot == fact }

// turned is what a comparison is when its sides change places, denied what it is when it is not true.
var (
	turned = map[op]op{opEqual: opEqual, opNotEqual: opNotEqual, opLess: opGreater, opGreater: opLess, opLessEqual: opGreaterEqual, opGreaterEqual: opLessEqual}
	denied = map[op]op{opEqual: opNotEqual, opNotEqual: opEqual, opLess: opGreaterEqual, opGreaterEqual: opLess, opGreater: opLessEqual, opLessEqual: opGreater}
)

func oneBound(o op, limit *node, not bool) bound {
	if not {
		o = denied[o]
	}
	return bound{text: opNames[o] + " " + string(event.AppendJSON(nil, limit.val))}
}

// joinBounds joins what is known of both sides.
func joinBounds(a, b bound, or bool) bound {
	switch {
	case a.text == "" || a == b:
		return b
	case b.text == "":
		return a
	case or:
		return bound{a.text + " or " + b.text, true}
	}
	parts := []string{a.text, b.text}
	for i, x := range []bound{a, b} {
		if x.or {
			parts[i] = "(" + x.text + ")"
		}
	}
	return bound{text: strings.Join(parts, " and ")}
}
