package rules

import (
	"regexp"

	"kelpie/event"
)

// op is what a node of a checked expression does.
type op uint8

const (
	opConst   op = iota // val
	opField             // slot: of the event
	opFact              // slot: into Env.Facts
	opTable             // slot: into Env.Tables
	opPrev              // slot: into Env.Prev
	opRow               // slot: into Env.Row
	opTime              // the event's time
	opType              // the event's type
	opKey               // args[0], else the text of key number slot (templates)
	opSamples           // slot: into Env.Samples
	opElement           // # in any(list, …)
	opMember            // args: an object and a name, or a list and an index
	opList              // args

	opNot
	opNegate
	opPlus // unary

	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opPower

	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opPresent // x != nil
	opAbsent  // x == nil

	opAnd
	opOr
	opCoalesce
	opChoose // args: condition, then, else

	opIn      // args[0] in the set of constants
	opInOf    // args[0] in the values of the others
	opInRange // args[0] from args[1] to args[2]
	opInList  // args[0] in args[1], a list of the event

	opContains
	opStartsWith
	opEndsWith
	opMatches // args[0], pattern

	opAny // args: a list and a condition on its elements
	opAll
	opNone

	opCall // fn
)

// node is one part of a checked expression.
type node struct {
	op       op
	typ      Type
	from, to int    // bytes of the source
	name     string // what is said to be missing: the source text
	args     []*node
	val      event.Value
	slot     int
	path     event.Path // of an opField
	fn       *Function
	pattern  *regexp.Regexp
	set      *constSet
	weight   int // how many nodes it takes to evaluate it, those that are used twice counted twice
}

// maxWeight bounds the weight of an expression: in `1 < f(x) < 2` the parser uses f(x) twice, and nesting that doubles.
const maxWeight = 10_000

func (n *node) isConst() bool { return n.op == opConst }

// isLeaf reports whether n is a value that only has to be fetched.
func (n *node) isLeaf() bool { return n.op <= opType }

// String names a type as messages do.
func (t Type) String() string {
	return [...]string{AnyType: "value of unknown type", NumberType: "number", StringType: "string", BoolType: "bool", ListType: "list", EventType: "event"}[t]
}

// typeOf is the static type of a constant.
func typeOf(v event.Value) Type {
	switch v.Kind {
	case event.Bool:
		return BoolType
	case event.Int, event.Decimal, event.Float:
		return NumberType
	case event.String:
		return StringType
	case event.List:
		return ListType
	}
	return AnyType
}

// fold puts in the value of a node whose arguments are all constant, if it has one.
func fold(n *node) *node {
	if n.op <= opElement || len(n.args) == 0 {
		return n
	}
	for _, a := range n.args {
		if !a.isConst() {
			return n
		}
	}
	v := compileValue(n)(&Env{})
	if v.IsMissing() {
		return n
	}
	return &node{op: opConst, typ: typeOf(v), val: v, from: n.from, to: n.to, name: n.name, weight: n.weight}
}
