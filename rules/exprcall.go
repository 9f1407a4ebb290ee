package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// callNode checks f(x). Functions stand alone: there are no methods.
func (c *checker) callNode(t *ast.CallNode) *node {
	if id, ok := t.Callee.(*ast.IdentifierNode); ok {
		return c.call(id.Value, t.Arguments, t.Location())
	}
	from, to := c.lx.at(t.Location().From, t.Location().To)
	hint := ""
	if m, ok := t.Callee.(*ast.MemberNode); ok {
		if name, ok := m.Property.(*ast.StringNode); ok {
			hint = "write " + name.Value + "(x)"
		}
	}
	return c.fail(from, to, hint, "values have no methods")
}

func (c *checker) call(name string, args []ast.Node, loc file.Location) *node {
	f := functionsByName[name]
	from, to := c.lx.at(loc.From, loc.To)
	switch {
	case f == nil:
		return c.unknownFunction(name, from, to)
	case f.list != opConst:
		return c.overList(f, args, loc)
	case name == "samples":
		return c.samples(args, loc)
	}
	out := &node{op: opCall, fn: f, typ: f.result}
	for _, a := range args {
		if name == "has" {
			out.args = append(out.args, c.build(a))
		} else {
			out.args = append(out.args, c.value(a))
		}
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		return c.fail(from, to, "write "+f.Signature, "%s takes %s, not %d", name, f.count(), len(args))
	}
	for i, a := range out.args {
		if t := f.param(i); t != AnyType && !c.needs(a, t, name) {
			return a
		}
	}
	if c.err == nil && f.check != nil {
		if out = f.check(c, out); c.err != nil {
			return out
		}
	}
	return c.finishCall(out, loc)
}

// finishCall is finish for a node that is written name(…): it reaches to the closing bracket.
func (c *checker) finishCall(n *node, loc file.Location) *node {
	_, to := c.lx.at(loc.From, loc.To)
	i, found := slices.BinarySearchFunc(c.lx.brackets, to, func(b bracket, at int) int { return b.at - at })
	if found || i < len(c.lx.brackets) && strings.TrimSpace(c.lx.src[to:c.lx.brackets[i].at]) == "" {
		loc.To += c.lx.brackets[i].at + 1 - to // reach over the opening bracket: balanced does the rest
	}
	return c.finish(n, loc)
}

// elsewhere are functions of other languages, with what to write here.
var elsewhere = map[string]string{
	"length": "write len(x)", "size": "write len(x)", "now": "write time for the event's time: rules have no clock of their own",
	"date": "write timestamp(x) for the time in milliseconds", "duration": "write 10m, in milliseconds",
	"if": "write condition ? a : b", "ifnull": "write a ?? b", "nvl": "write a ?? b", "isnull": "write x == nil", "exists": "write has(x)",
	"toLower": "write lower(x)", "toUpper": "write upper(x)", "int": "write number(x)", "float": "write number(x)", "concat": "write a + b",
	"substr": "write substring(text, from, to)", "power": "write pow(x, y) or x ** y", "ln": "write log(x)", "hasPrefix": "write x startsWith y",
	"hasSuffix": "write x endsWith y", "filter": "write any(list, condition)", "map": "write any(list, condition)", "one": "write any(list, condition)",
	"find": "write any(list, condition)", "haversine": "write distance(a, b)", "cidr": "write inCIDR(ip, range)", "regex": `write x matches "pattern"`,
}

func (c *checker) unknownFunction(name string, from, to int) *node {
	if isAggregate(name) {
		return c.fail(from, to, "give it a name and a window in let, such as x: "+name+"(…) over 10m", "%s is an aggregate: it is a fact of its own, with a window", name)
	}
	if _, ok := c.sc.Facts[name]; ok {
		return c.fail(from, to, "write "+name+" without parentheses", "%s is a fact, not a function", name)
	}
	hint := elsewhere[name]
	if hint == "" {
		hint = suggestion(name, slices.Sorted(maps.Keys(functionsByName)))
	}
	return c.fail(from, to, hint, "there is no function %s", name)
}

// samples checks samples(fact), how many values a series has.
func (c *checker) samples(args []ast.Node, loc file.Location) *node {
	from, to := c.lx.at(loc.From, loc.To)
	if len(args) != 1 {
		return c.fail(from, to, "write samples(fact)", "samples takes 1 value, not %d", len(args))
	}
	id, ok := args[0].(*ast.IdentifierNode)
	if !ok {
		return c.fail(from, to, "", "samples takes the name of a fact that is a series")
	}
	from, to = c.lx.at(id.Location().From, id.Location().To)
	f, ok := c.sc.Facts[id.Value]
	if !ok {
		var series []string
		for _, name := range slices.Sorted(maps.Keys(c.sc.Facts)) {
			if c.sc.Facts[name].Series {
				series = append(series, name)
			}
		}
		return c.fail(from, to, suggestion(id.Value, series), "there is no fact %s", id.Value)
	}
	if !f.Series {
		return c.fail(from, to, "a series is a function over past windows, such as mean(count each 1m) over 1h",
			"samples counts the values of a series, and %s is none", id.Value)
	}
	n, _ := c.named(id, nil)
	return c.finishCall(&node{op: opSamples, typ: NumberType, slot: f.Index, args: []*node{n}}, loc)
}

// overList checks any(list, condition) and its like, where # is the element and .x a member of it.
func (c *checker) overList(f *Function, args []ast.Node, loc file.Location) *node {
	from, to := c.lx.at(loc.From, loc.To)
	if c.inElement {
		return c.fail(from, to, "", "%s cannot stand inside of any, all or none", f.Name)
	}
	if len(args) != 2 {
		return c.fail(from, to, "write "+f.Signature, "%s takes a list and a condition", f.Name)
	}
	list := c.value(args[0])
	c.needs(list, ListType, f.Name)
	body, ok := args[1].(*ast.PredicateNode)
	if !ok {
		return c.fail(from, to, "write "+f.Signature, "%s takes a list and a condition", f.Name)
	}
	c.inElement = true
	cond := c.value(body.Node)
	c.inElement = false
	c.needs(cond, BoolType, f.Name)
	return c.finishCall(&node{op: f.list, typ: BoolType, fn: f, args: []*node{list, cond}}, loc)
}

func (c *checker) element(t *ast.PointerNode) *node {
	n := c.finish(&node{op: opElement}, t.Location())
	if t.Name != "" {
		return c.failAt(n, "", "write # for the element")
	}
	if !c.inElement {
		return c.failAt(n, "", "# stands for an element, inside of any, all or none")
	}
	return n
}
