package rules

import (
	"regexp"
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"kelpie/event"
)

func (c *checker) unary(t *ast.UnaryNode) *node {
	n := c.value(t.Node)
	out := &node{typ: NumberType, args: []*node{n}}
	switch t.Operator {
	case "-":
		out.op = opNegate
	case "+":
		out.op = opPlus
	case "!", "not":
		out.op, out.typ = opNot, BoolType
		if n.typ == NumberType || n.typ == StringType {
			return c.failAt(n, "write "+t.Operator+" (a == b) to deny a comparison", "%s needs a condition, and this is %s", t.Operator, aType[n.typ])
		}
	default:
		return c.refuse(t)
	}
	c.needs(n, out.typ, t.Operator)
	return c.finish(out, t.Location())
}

var arithmetic = map[string]op{"+": opAdd, "-": opSubtract, "*": opMultiply, "/": opDivide, "%": opModulo, "**": opPower, "^": opPower}

var orders = map[string]op{"<": opLess, "<=": opLessEqual, ">": opGreater, ">=": opGreaterEqual}

var texts = map[string]op{"contains": opContains, "startsWith": opStartsWith, "endsWith": opEndsWith}

func (c *checker) binary(t *ast.BinaryNode) *node {
	if op, ok := arithmetic[t.Operator]; ok {
		return c.arithmetic(op, t)
	}
	if op, ok := orders[t.Operator]; ok {
		return c.order(op, t)
	}
	if op, ok := texts[t.Operator]; ok {
		return c.text(op, t)
	}
	switch t.Operator {
	case "==", "!=":
		return c.equality(t)
	case "&&", "and", "||", "or":
		return c.logic(t)
	case "??":
		l, r := c.value(t.Left), c.value(t.Right)
		return c.finish(&node{op: opCoalesce, typ: commonType(l.typ, r.typ), args: []*node{l, r}}, t.Location())
	case "in":
		return c.in(t)
	case "matches":
		return c.matches(t)
	case "..":
		from, to := c.lx.at(t.Location().From, t.Location().To)
		return c.fail(from, to, "write x in 1..5", "a range stands only behind in")
	}
	return c.refuse(t)
}

func (c *checker) arithmetic(o op, t *ast.BinaryNode) *node {
	l, r := c.value(t.Left), c.value(t.Right)
	out := &node{op: o, typ: NumberType, args: []*node{l, r}}
	switch {
	case o != opAdd:
		c.needs(l, NumberType, t.Operator)
		c.needs(r, NumberType, t.Operator)
	case l.typ == StringType && r.typ == NumberType || l.typ == NumberType && r.typ == StringType:
		c.mixed(t.Location(), "write string(x) to join a number to a text", "cannot add %s and %s", l, r)
	case l.typ == StringType || r.typ == StringType:
		out.typ = StringType
		c.needs(l, StringType, "+")
		c.needs(r, StringType, "+")
	case l.typ == AnyType && r.typ == AnyType:
		out.typ = AnyType
	default:
		c.needs(l, NumberType, "+")
		c.needs(r, NumberType, "+")
	}
	return c.finish(out, t.Location())
}

// mixed is the mistake of an operator whose sides have types that do not go together.
func (c *checker) mixed(at file.Location, hint, format string, l, r *node) {
	from, to := c.lx.at(at.From, at.To)
	c.fail(from, to, hint, format, l.typ, r.typ)
}

func (c *checker) order(o op, t *ast.BinaryNode) *node {
	l, r := c.value(t.Left), c.value(t.Right)
	for _, n := range []*node{l, r} {
		if n.typ == BoolType || n.typ == ListType {
			return c.failAt(n, "", "%s orders numbers or strings, and this is %s", t.Operator, aType[n.typ])
		}
	}
	c.comparable(t, l, r)
	return c.finish(&node{op: o, typ: BoolType, args: []*node{l, r}}, t.Location())
}

// comparable says so if both types are known and differ.
func (c *checker) comparable(t ast.Node, l, r *node) {
	if l.typ != r.typ && l.typ != AnyType && r.typ != AnyType {
		c.mixed(t.Location(), "", "cannot compare %s with %s", l, r)
	}
}

// equality checks == and !=. Comparing with nil asks whether there is a value, and is never missing.
func (c *checker) equality(t *ast.BinaryNode) *node {
	o, presence := opEqual, opAbsent
	if t.Operator == "!=" {
		o, presence = opNotEqual, opPresent
	}
	_, leftNil := t.Left.(*ast.NilNode)
	_, rightNil := t.Right.(*ast.NilNode)
	switch {
	case leftNil && rightNil:
		return c.refuse(t.Left)
	case rightNil:
		return c.presence(presence, c.build(t.Left), t.Right.Location())
	case leftNil:
		return c.presence(presence, c.build(t.Right), t.Left.Location())
	}
	l, r := c.value(t.Left), c.value(t.Right)
	c.comparable(t, l, r)
	return c.finish(&node{op: o, typ: BoolType, args: []*node{l, r}}, t.Location())
}

// presence is x == nil, x != nil and has(x).
func (c *checker) presence(o op, n *node, loc file.Location) *node {
	return c.finish(&node{op: o, typ: BoolType, args: []*node{n}}, loc)
}

func (c *checker) logic(t *ast.BinaryNode) *node {
	l, r := c.value(t.Left), c.value(t.Right)
	c.needs(l, BoolType, t.Operator)
	c.needs(r, BoolType, t.Operator)
	o := opAnd
	if t.Operator == "||" || t.Operator == "or" {
		o = opOr
	}
	return c.finish(&node{op: o, typ: BoolType, args: []*node{l, r}}, t.Location())
}

func (c *checker) text(o op, t *ast.BinaryNode) *node {
	l, r := c.value(t.Left), c.value(t.Right)
	if o != opContains || l.typ != ListType { // a list contains elements
		c.needs(l, StringType, t.Operator)
		c.needs(r, StringType, t.Operator)
	}
	return c.finish(&node{op: o, typ: BoolType, args: []*node{l, r}}, t.Location())
}

// maxPattern bounds the program of a regular expression, in instructions: x{1000} has as many.
const maxPattern = 5000

func (c *checker) matches(t *ast.BinaryNode) *node {
	l, r := c.value(t.Left), c.value(t.Right)
	c.needs(l, StringType, "matches")
	out := &node{op: opMatches, typ: BoolType, args: []*node{l, r}}
	if c.err != nil {
		return out
	}
	if !r.isConst() || r.val.Kind != event.String {
		return c.failAt(r, "", "matches needs its pattern as text, so that it is compiled once")
	}
	tree, err := syntax.Parse(r.val.S, syntax.Perl)
	if err != nil {
		return c.failAt(r, "", "not a regular expression: %s", trimPrefixError(err))
	}
	if programSize(tree) > maxPattern {
		return c.failAt(r, "", "the regular expression is too large")
	}
	if out.pattern, err = regexp.Compile(r.val.S); err != nil {
		return c.failAt(r, "", "not a regular expression: %s", trimPrefixError(err))
	}
	out.slot = max(1, programSize(tree))
	return c.finish(out, t.Location())
}

func trimPrefixError(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return e.Code.String() + ": " + quote(e.Expr)
	}
	return err.Error()
}

// programSize estimates how many instructions a regular expression compiles to.
func programSize(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)/2
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += programSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return min(n, 1<<30)
}

// in checks x in […], x in 1..5 and x in list.
func (c *checker) in(t *ast.BinaryNode) *node {
	l := c.value(t.Left)
	if r, ok := t.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		return c.inRange(l, r, t)
	}
	if r, ok := t.Right.(*ast.ArrayNode); ok {
		return c.inElements(l, c.elements(r), t, r)
	}
	r := c.value(t.Right)
	switch {
	case r.typ == StringType:
		return c.failAt(r, "write text contains part", "in looks into a list, and this is a string")
	case r.isConst() && r.typ == ListType:
		return c.inElements(l, listNodes(r), t, t)
	case !c.needs(r, ListType, "in"):
		return r
	}
	return c.finish(&node{op: opInList, typ: BoolType, args: []*node{l, r}}, t.Location())
}

// listNodes are the elements of a constant list.
func listNodes(list *node) []*node {
	var out []*node
	event.EachElement(list.val, func(v event.Value) bool {
		out = append(out, &node{op: opConst, typ: typeOf(v), val: v, from: list.from, to: list.to, name: list.name, weight: 0})
		return true
	})
	return out
}

func (c *checker) inRange(l *node, r, t *ast.BinaryNode) *node {
	low, high := c.value(r.Left), c.value(r.Right)
	out := &node{op: opInRange, typ: BoolType, args: []*node{l, low, high}}
	for _, n := range out.args {
		c.needs(n, NumberType, "..")
	}
	if c.err == nil && low.isConst() && high.isConst() {
		a, _ := low.val.Float64()
		b, _ := high.val.Float64()
		if a > b {
			return c.fail(low.from, high.to, "write the smaller number first", "nothing lies between these")
		}
	}
	return c.finish(out, t.Location())
}

func (c *checker) inElements(l *node, elements []*node, t *ast.BinaryNode, list ast.Node) *node {
	out := &node{op: opIn, typ: BoolType, args: append([]*node{l}, elements...)}
	for _, e := range elements {
		if e.typ != l.typ && e.typ != AnyType && l.typ != AnyType {
			c.failAt(e, "", "cannot compare %s with %s", l.typ, e.typ)
		}
		if !e.isConst() {
			out.op = opInOf
		}
	}
	if out.op == opIn {
		out.set = newConstSet(elements)
	}
	loc := list.Location()
	if list == ast.Node(t) {
		loc = t.Location()
	}
	return c.finish(out, loc)
}
