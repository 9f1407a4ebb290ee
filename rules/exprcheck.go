package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"kelpie/event"
)

// checker turns the parser's tree into nodes with types. Only what is listed in build is allowed; everything else
// that expr knows is refused. It goes on after a mistake with a node of any type and keeps the first one.
type checker struct {
	lx        *lexed
	sc        *Scope
	err       *SrcError
	seen      map[ast.Node]*node // the parser uses a node twice in 1 < x < 5
	out       uses
	inElement bool // inside of any(list, …)
}

// uses is what an expression or a template reads, distinct and in the order of writing.
type uses struct{ fields, facts, tables, prev []int }

func use(list *[]int, i int) {
	if !slices.Contains(*list, i) {
		*list = append(*list, i)
	}
}

// check checks a whole source.
func check(src string, sc *Scope, out *uses) (*node, *SrcError) {
	lx, err := lex(src)
	if err != nil {
		return nil, err
	}
	tree, err := lx.parse()
	if err != nil {
		return nil, err
	}
	c := &checker{lx: lx, sc: sc, seen: map[ast.Node]*node{}, out: *out}
	n := c.build(tree)
	if n.typ == EventType {
		c.eventAlone(n)
	}
	*out = c.out
	return n, c.err
}

// build checks one node of the parser's tree.
func (c *checker) build(tree ast.Node) *node {
	if n := c.seen[tree]; n != nil {
		return n
	}
	n := c.node(tree)
	c.seen[tree] = n
	return n
}

func (c *checker) node(tree ast.Node) *node {
	switch t := tree.(type) {
	case *ast.IntegerNode:
		return c.constant(event.IntValue(int64(t.Value)), t.Location())
	case *ast.FloatNode:
		return c.constant(event.ParseNumber(strconv.AppendFloat(nil, t.Value, 'g', -1, 64)), t.Location())
	case *ast.BoolNode:
		return c.constant(event.BoolValue(t.Value), t.Location())
	case *ast.StringNode:
		return c.constant(event.StringValue(t.Value), t.Location())
	case *ast.IdentifierNode, *ast.MemberNode:
		return c.reference(tree)
	case *ast.ChainNode:
		return c.build(t.Node)
	case *ast.UnaryNode:
		return c.unary(t)
	case *ast.BinaryNode:
		return c.binary(t)
	case *ast.ConditionalNode:
		return c.choose(t)
	case *ast.ArrayNode:
		return c.list(t)
	case *ast.BuiltinNode:
		return c.call(t.Name, t.Arguments, t.Location())
	case *ast.CallNode:
		return c.callNode(t)
	case *ast.PointerNode:
		return c.element(t)
	}
	return c.refuse(tree)
}

// refuse says why a part of expr's language is none of ours.
func (c *checker) refuse(tree ast.Node) *node {
	from, to := c.lx.at(tree.Location().From, tree.Location().To)
	switch tree.(type) {
	case *ast.NilNode:
		return c.fail(from, to, "", "nil can only be compared with: x == nil, x != nil")
	case *ast.SliceNode:
		return c.fail(from, to, "write substring(text, from, to)", "there are no slices")
	case *ast.MapNode:
		return c.fail(from, to, "", "there are no objects in expressions")
	case *ast.BytesNode:
		return c.fail(from, to, "write it without the b", "there are no byte strings")
	}
	return c.fail(from, to, "", "this is not part of the rule language")
}

// fail notes a mistake and returns a node to go on with.
func (c *checker) fail(from, to int, hint, format string, args ...any) *node {
	if c.err == nil {
		c.err = &SrcError{from, max(1, to-from), fmt.Sprintf(format, args...), hint}
	}
	return &node{op: opConst, from: from, to: to, weight: 1}
}

// failAt is fail at a node.
func (c *checker) failAt(n *node, hint, format string, args ...any) *node {
	return c.fail(n.from, n.to, hint, format, args...)
}

func (c *checker) constant(v event.Value, loc file.Location) *node {
	return c.finish(&node{op: opConst, typ: typeOf(v), val: v}, loc)
}

// finish gives a node its extent in the source: that of its own token and its children, widened so that no bracket
// in it stands alone. It bounds the weight and puts in the value of what is constant.
func (c *checker) finish(n *node, loc file.Location) *node {
	if n.from, n.to = c.lx.at(loc.From, loc.To); loc.From < 0 {
		n.from, n.to = n.args[0].from, n.args[0].to // the children say it
	}
	n.weight = 1
	for _, a := range n.args {
		n.from, n.to = min(n.from, a.from), max(n.to, a.to)
		n.weight += a.weight
	}
	n.from, n.to = c.lx.balanced(n.from, n.to)
	n.name = c.lx.line(n.from, n.to)
	if n.weight > maxWeight {
		return c.failAt(n, "give its parts names in let", "the expression does too much work")
	}
	if c.err != nil {
		return n
	}
	return fold(n)
}

// balanced widens an extent of the source until every bracket in it has its partner.
func (lx *lexed) balanced(from, to int) (int, int) {
	first, _ := slices.BinarySearchFunc(lx.brackets, from, func(b bracket, at int) int { return b.at - at })
	end, _ := slices.BinarySearchFunc(lx.brackets, to, func(b bracket, at int) int { return b.at - at })
	closing, open := 0, 0
	for _, b := range lx.brackets[first:end] {
		switch {
		case b.open:
			open++
		case open > 0:
			open--
		default:
			closing++
		}
	}
	for i := first - 1; i >= 0 && closing > 0; i-- {
		if from = lx.brackets[i].at; lx.brackets[i].open {
			closing--
		} else {
			closing++
		}
	}
	for i := end; i < len(lx.brackets) && open > 0; i++ {
		if to = lx.brackets[i].at + 1; lx.brackets[i].open {
			open++
		} else {
			open--
		}
	}
	return from, to
}

// line is a part of the source on one line.
func (lx *lexed) line(from, to int) string {
	s := lx.src[from:to]
	if strings.ContainsAny(s, "\n\r\t") {
		return strings.Join(strings.Fields(s), " ")
	}
	return s
}

// choose checks cond ? a : b.
func (c *checker) choose(t *ast.ConditionalNode) *node {
	cond, a, b := c.build(t.Cond), c.value(t.Exp1), c.value(t.Exp2)
	c.needs(cond, BoolType, "?")
	return c.finish(&node{op: opChoose, typ: commonType(a.typ, b.typ), args: []*node{cond, a, b}}, file.Location{From: -1})
}

// value builds a node that is a value rather than an event.
func (c *checker) value(tree ast.Node) *node {
	n := c.build(tree)
	if n.typ == EventType {
		return c.eventAlone(n)
	}
	return n
}

func (c *checker) eventAlone(n *node) *node {
	return c.failAt(n, fmt.Sprintf("name a field of it, such as %s.amount, or ask has(%s)", n.name, n.name), "%s is an event, not a value", n.name)
}

func (c *checker) list(t *ast.ArrayNode) *node {
	return c.finish(&node{op: opList, typ: ListType, args: c.elements(t)}, t.Location())
}

func (c *checker) elements(t *ast.ArrayNode) []*node {
	if len(t.Nodes) > maxElements {
		from, to := c.lx.at(t.Location().From, t.Location().To)
		c.fail(from, to, "", "a list of %d elements; %d are allowed", len(t.Nodes), maxElements)
		return nil
	}
	out := make([]*node, len(t.Nodes))
	for i, e := range t.Nodes {
		out[i] = c.value(e)
	}
	return out
}

// commonType is the type of what is either a or b.
func commonType(a, b Type) Type {
	if a == b {
		return a
	}
	return AnyType
}

// needs says so if n cannot be of type t. what is the operator or function that needs it.
func (c *checker) needs(n *node, t Type, what string) bool {
	switch {
	case c.err != nil || n.typ == t || n.typ == AnyType:
		return true
	case n.typ == EventType:
		c.eventAlone(n)
	case t == BoolType:
		hint := ""
		if n.typ == NumberType {
			hint = "compare it, for example " + short(n.name) + " > 0"
		}
		c.failAt(n, hint, "%s needs a condition, and this is %s", what, aType[n.typ])
	default:
		c.failAt(n, "", "%s needs %s, and this is %s", what, aType[t], aType[n.typ])
	}
	return false
}

// aType names types in messages.
var aType = [...]string{AnyType: "any value", NumberType: "a number", StringType: "a string", BoolType: "true or false", ListType: "a list", EventType: "an event"}

// short cuts a piece of source that a message quotes.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
