package figure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"

	"kelpie/backtest"
	"kelpie/rules"
)

// kind is what a part of a condition is.
type kind string

const (
	truth    kind = "yes or no"
	quantity kind = "a number"
)

// value is what a part of a condition comes to.
type value struct {
	known  bool
	truth  bool
	number float64
}

// term computes a part of a condition.
type term func(*view) value

// view is what a condition is asked of.
type view struct {
	res            *backtest.Result
	today, against *backtest.VariantResult
}

// read returns the value of a figure.
func (v *view) read(r *reference) value {
	variant := v.today
	if r.against {
		variant = v.against
	}
	if variant == nil {
		return value{}
	}
	e := entry{Figures: &variant.Total}
	if r.rule != "" {
		x := ruleOf(variant, r.rule)
		if x == nil && variant.Role == backtest.Point { // it has only the rules that it changes
			x = ruleOf(&v.res.Variants[0], r.rule)
		}
		if x == nil {
			return value{}
		}
		e = entry{&x.Figures, x.Ranking}
	}
	x, ok := known[r.name].of(&v.res.History, &e)
	if r.per > 0 {
		x /= v.res.History.Days * (24 * 60 * 60 * 1000) / r.per
	}
	return value{known: ok, number: x}
}

func ruleOf(v *backtest.VariantResult, name string) *backtest.RuleResult {
	for i := range v.Rules {
		if v.Rules[i].Rule == name {
			return &v.Rules[i]
		}
	}
	return nil
}

// units are what stands behind a stroke, in ms.
var units = map[string]float64{"day": 24 * 60 * 60 * 1000, "hour": 60 * 60 * 1000}

// compile makes a term of a node that is to be of a kind.
func (c *Condition) compile(n ast.Node, want kind) (term, error) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		return c.binary(n, want)
	case *ast.UnaryNode:
		return c.unary(n, want)
	}
	if want != quantity {
		return nil, fmt.Errorf("%s is no comparison: write %s > 0, for instance", n, n)
	}
	switch n := n.(type) {
	case *ast.IntegerNode:
		return constant(float64(n.Value)), nil
	case *ast.FloatNode:
		return constant(n.Value), nil
	}
	r, err := refer(n)
	if err != nil {
		return nil, err
	}
	c.reads = append(c.reads, r)
	return func(v *view) value { return v.read(&r) }, nil
}

func constant(x float64) term {
	return func(*view) value { return value{known: true, number: x} }
}

func (c *Condition) unary(n *ast.UnaryNode, want kind) (term, error) {
	kind := quantity
	if n.Operator == "not" || n.Operator == "!" {
		kind = truth
	}
	if kind != want {
		return nil, fmt.Errorf("%s is %s where %s is expected", n, kind, want)
	}
	x, err := c.compile(n.Node, kind)
	if err != nil {
		return nil, err
	}
	return func(v *view) value {
		a := x(v)
		switch n.Operator {
		case "not", "!":
			a.truth = !a.truth
		case "-":
			a.number = -a.number
		}
		return a
	}, nil
}

func (c *Condition) binary(n *ast.BinaryNode, want kind) (term, error) {
	if unit, ok := n.Right.(*ast.IdentifierNode); ok && n.Operator == "/" && units[unit.Value] > 0 {
		return c.rate(n, unit.Value, want)
	}
	takes, gives, do := operator(n.Operator)
	if do == nil {
		return nil, fmt.Errorf("there is no %s between figures: write and, or, <, <=, >, >=, ==, !=, +, -, * or /", n.Operator)
	}
	if gives != want {
		return nil, fmt.Errorf("%s is %s where %s is expected", n, gives, want)
	}
	x, err := c.compile(n.Left, takes)
	if err != nil {
		return nil, err
	}
	y, err := c.compile(n.Right, takes)
	if err != nil {
		return nil, err
	}
	return func(v *view) value { return do(x(v), y(v)) }, nil
}

// rate compiles what is divided by a unit of time.
func (c *Condition) rate(n *ast.BinaryNode, unit string, want kind) (term, error) {
	if want != quantity {
		return nil, fmt.Errorf("%s is %s where %s is expected", n, quantity, want)
	}
	if r, err := refer(n.Left); err == nil {
		r.per, r.text = units[unit], r.text+"/"+unit
		c.reads = append(c.reads, r)
		return func(v *view) value { return v.read(&r) }, nil
	}
	x, err := c.compile(n.Left, quantity)
	if err != nil {
		return nil, err
	}
	return func(v *view) value {
		a := x(v)
		a.number /= v.res.History.Days * units["day"] / units[unit]
		return a
	}, nil
}

// operator returns what an operator takes, what it gives, and what it does; nil if there is no such operator.
func operator(name string) (takes, gives kind, do func(a, b value) value) {
	switch name {
	case "and", "&&":
		return truth, truth, func(a, b value) value {
			if a.known && !a.truth || b.known && !b.truth {
				return value{known: true}
			}
			return value{known: a.known && b.known, truth: true}
		}
	case "or", "||":
		return truth, truth, func(a, b value) value {
			if a.known && a.truth || b.known && b.truth {
				return value{known: true, truth: true}
			}
			return value{known: a.known && b.known}
		}
	}
	if f := comparisons[name]; f != nil {
		return quantity, truth, func(a, b value) value { return value{known: a.known && b.known, truth: f(a.number, b.number)} }
	}
	if f := arithmetic[name]; f != nil {
		return quantity, quantity, func(a, b value) value {
			return value{known: a.known && b.known && (name != "/" || b.number != 0), number: f(a.number, b.number)}
		}
	}
	return "", "", nil
}

var comparisons = map[string]func(a, b float64) bool{
	"<": func(a, b float64) bool { return a < b }, "<=": func(a, b float64) bool { return a <= b },
	">": func(a, b float64) bool { return a > b }, ">=": func(a, b float64) bool { return a >= b },
	"==": func(a, b float64) bool { return a == b }, "!=": func(a, b float64) bool { return a != b },
}

var arithmetic = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b },
}

// refer reads the name of a figure.
func refer(n ast.Node) (reference, error) {
	var r reference
	path, err := path(n)
	if err != nil {
		return r, err
	}
	r.text = strings.Join(path, ".")
	if len(path) > 1 && path[0] == "against" {
		r.against, path = true, path[1:]
	}
	if len(path) > 2 && path[0] == "rules" {
		path = path[1:]
	}
	if len(path) > 2 {
		return r, fmt.Errorf("%s: write a figure, RULE.FIGURE, against.FIGURE or against.RULE.FIGURE", r.text)
	}
	if r.name = path[len(path)-1]; len(path) == 2 {
		r.rule = path[0]
	}
	if _, ok := known[r.name]; ok {
		return r, nil
	}
	if units[r.name] > 0 {
		return r, fmt.Errorf("%s stands behind a stroke, as in alerts/%s", r.name, r.name)
	}
	hint := rules.DidYouMean(r.name, Names())
	if hint == "" {
		hint = "there are " + strings.Join(Names(), ", ")
	}
	return r, fmt.Errorf("there is no figure %s: %s", r.name, hint)
}

// path takes a.b["c"] apart.
func path(n ast.Node) ([]string, error) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []string{n.Value}, nil
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			return nil, fmt.Errorf("%s: the name of a rule stands in quotes", n)
		}
		p, err := path(n.Node)
		return append(p, name.Value), err
	case *ast.ConstantNode, *ast.BoolNode, *ast.StringNode, *ast.NilNode:
		return nil, fmt.Errorf("%s is no figure", n)
	}
	return nil, errors.New("only figures, numbers and signs between them can stand in a condition")
}
