package rules

import (
	"slices"
	"strconv"
)

// Function is one function of the rule language, with what its documentation says.
type Function struct {
	Name      string
	Signature string // round(x, digits?)
	Meaning   string
	Example   string // a condition that is true

	params      []Type // of the arguments; the last one is that of all further ones
	least, most int    // how many arguments; most is -1 if any number
	result      Type
	check       func(*checker, *node) *node // what the types do not say; it may return another node
	list        op                          // any, all, none: see overList

	// How it is computed, one or more of the four forms.
	value  func(*node) valueFn
	number func(*node) numberFn
	truth  func(*node) truthFn
	text   func(*node) textFn
}

// Functions returns all functions in the order of the documentation.
func Functions() []Function { return slices.Clone(functions) }

var (
	functions       []Function
	functionsByName = map[string]*Function{}
)

func init() {
	functions = slices.Concat(presenceFunctions, numberFunctions, textFunctions, timeFunctions, listFunctions, placeFunctions)
	for i := range functions {
		functionsByName[functions[i].Name] = &functions[i]
	}
}

// param is the type of the i-th argument.
func (f *Function) param(i int) Type {
	if len(f.params) == 0 {
		return AnyType
	}
	return f.params[min(i, len(f.params)-1)]
}

// count says how many arguments the function takes.
func (f *Function) count() string {
	values := func(n int) string {
		if n == 1 {
			return "1 value"
		}
		return strconv.Itoa(n) + " values"
	}
	switch {
	case f.most < 0:
		return values(f.least) + " or more"
	case f.least == f.most:
		return values(f.least)
	}
	if f.most == f.least+1 {
		return strconv.Itoa(f.least) + " or " + values(f.most)
	}
	return strconv.Itoa(f.least) + " to " + values(f.most)
}

// keywords are the words of the language that are no functions.
var keywords = []string{"and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches", "let", "true", "false", "nil", "if", "else",
	"event", "type", "time", "row", "null", "None", "NULL", "undefined", "True", "TRUE", "False", "FALSE",
	"of", "where", "over", "each", "before", "by", "at", "session"}

// IsReserved reports whether a fact or a param may not have that name, because the language uses it: it is a word of
// the language, a function or an aggregate.
func IsReserved(name string) bool {
	if functionsByName[name] != nil || slices.Contains(keywords, name) {
		return true
	}
	_, ok := aggregates[name]
	return ok
}

var presenceFunctions = []Function{
	{
		Name: "has", Signature: "has(x)", Meaning: "whether there is a value: true or false, never missing. x != nil is the same.",
		Example: `has("a")`, params: []Type{AnyType}, least: 1, most: 1, result: BoolType,
		check: func(_ *checker, n *node) *node { return &node{op: opPresent, typ: BoolType, args: n.args} },
	},
	{
		Name: "coalesce", Signature: "coalesce(a, b, …)", Meaning: "the first value that is not missing: a ?? b ?? ….",
		Example: `coalesce(1 / 0, 7) == 7`, least: 2, most: -1,
		check: func(_ *checker, n *node) *node {
			out := n.args[len(n.args)-1]
			for i := len(n.args) - 2; i >= 0; i-- {
				out = &node{op: opCoalesce, typ: commonType(n.args[i].typ, out.typ), args: []*node{n.args[i], out},
					from: n.from, to: n.to, name: n.name, weight: n.args[i].weight + out.weight}
			}
			return out
		},
	},
	{
		Name: "samples", Signature: "samples(fact)", Meaning: "how many values the series of a fact has, never missing: samples(normal) >= 10.",
		least: 1, most: 1, result: NumberType,
	},
	typeTest("isNumber", "a number", func(t Type) bool { return t == NumberType }, "isNumber(1.5)"),
	typeTest("isString", "a text", func(t Type) bool { return t == StringType }, `isString("a")`),
	typeTest("isBool", "true or false", func(t Type) bool { return t == BoolType }, "isBool(1 < 2)"),
	typeTest("isList", "a list", func(t Type) bool { return t == ListType }, "isList([1, 2])"),
}

// typeTest is a function that asks for the type of a value. Nothing has no type: it is false where x is missing.
func typeTest(name, what string, is func(Type) bool, example string) Function {
	return Function{
		Name: name, Signature: name + "(x)", Meaning: "whether x is there and is " + what + ", never missing.",
		Example: example, least: 1, most: 1, result: BoolType,
		truth: func(n *node) truthFn {
			f := compileValue(n.args[0])
			return func(e *Env) truth { return truthOf(is(typeOf(f(e)))) }
		},
	}
}
