package rules

import (
	"strings"

	"kelpie/event"
)

var opNames = map[op]string{
	opMember: "[]", opList: "list", opNot: "not", opNegate: "-", opPlus: "+",
	opAdd: "+", opSubtract: "-", opMultiply: "*", opDivide: "/", opModulo: "%", opPower: "**",
	opEqual: "==", opNotEqual: "!=", opLess: "<", opLessEqual: "<=", opGreater: ">", opGreaterEqual: ">=",
	opPresent: "has", opAbsent: "hasnot", opAnd: "and", opOr: "or", opCoalesce: "??", opChoose: "?",
	opIn: "in", opInOf: "in", opInRange: "..", opInList: "inlist",
	opContains: "contains", opStartsWith: "startsWith", opEndsWith: "endsWith", opMatches: "matches",
	opAny: "any", opAll: "all", opNone: "none", opKey: "key", opSamples: "samples",
}

// canon writes what an expression computes as (operator argument …). Fields are written as event.path, so that they
// differ from facts of that name.
func canon(n *node) string {
	var b strings.Builder
	writeCanon(&b, n)
	return b.String()
}

func writeCanon(b *strings.Builder, n *node) {
	switch n.op {
	case opConst:
		b.Write(event.AppendJSON(nil, n.val))
	case opField:
		b.WriteString("event." + n.path.String())
	case opFact, opTable, opPrev, opRow:
		b.WriteString(strings.Join(strings.Fields(n.name), " "))
	case opTime:
		b.WriteString("time")
	case opType:
		b.WriteString("type")
	case opElement:
		b.WriteString("#")
	default:
		b.WriteString("(")
		if n.op == opCall {
			b.WriteString(n.fn.Name)
		} else {
			b.WriteString(opNames[n.op])
		}
		for _, a := range n.args {
			b.WriteString(" ")
			writeCanon(b, a)
		}
		b.WriteString(")")
	}
}
