package rules

import (
	"slices"

	"kelpie/event"
)

// Expr is one compiled expression. Safe for concurrent use with separate Envs.
type Expr struct {
	Src    string
	Type   Type
	Canon  string // what it computes, spelled in one way, with params put in: expressions with equal Canon are equal
	Fields []int  // distinct event field slots it reads
	Facts  []int  // distinct facts of the rule it reads, those in samples(…) and `previous` ones included
	Tables []int  // distinct indexes into Rule.TableRefs it reads
	Prev   []int  // distinct indexes into Rule.PrevRefs it reads

	eval  valueFn
	test  truthFn
	field int // the slot, if the expression is a field; else -1
	root  *node
}

// Eval evaluates the expression; a missing result leaves the cause in env.Missing, env.Mismatch and env.Err.
// A text may share memory with the event.
func (x *Expr) Eval(env *Env) event.Value {
	env.work = 0
	return x.eval(env)
}

// Test evaluates a condition. ok is false where it could not be evaluated (missing or not a bool), with the cause
// as of Eval.
func (x *Expr) Test(env *Env) (truth, ok bool) {
	env.work = 0
	t := x.test(env)
	return t == yes, t != unknown
}

// Field returns the slot of the event field that the expression is, if it is nothing but that.
func (x *Expr) Field() (slot int, ok bool) { return x.field, x.field >= 0 }

// First returns the first of the conditions that x joins by `and`: x is not true where that is not. ok is false if x is no
// such join, or if the first condition reads fields of previous events, which come with facts that it does not name.
func (x *Expr) First() (first *Expr, ok bool) {
	if x.root.op != opAnd {
		return nil, false
	}
	n := conjuncts(x.root, nil)[0]
	first = &Expr{Src: n.name, Type: n.typ, Canon: canon(n), eval: compileValue(n), test: compileTruth(n), field: -1, root: n}
	return first, first.uses(n)
}

// uses notes what n reads; ok is false if it reads something that x cannot tell of.
func (x *Expr) uses(n *node) (ok bool) {
	note := func(list *[]int) {
		if !slices.Contains(*list, n.slot) {
			*list = append(*list, n.slot)
		}
	}
	switch n.op {
	case opFact, opSamples:
		note(&x.Facts)
	case opField:
		note(&x.Fields)
	case opTable:
		note(&x.Tables)
	case opPrev:
		return false
	}
	for _, a := range n.args {
		if !x.uses(a) {
			return false
		}
	}
	return true
}

// SrcError is a mistake in an expression's source.
type SrcError struct {
	Offset, Width int // bytes of the source; Width is at least 1
	Message       string
	Hint          string // what to do, "" if there is nothing to say
}

// Error makes a SrcError an error.
func (e *SrcError) Error() string { return e.Message }

// Compile checks an expression and makes it ready to run. What it reads is interned through sc's functions, also if
// there is a mistake further on.
func Compile(src string, sc *Scope) (*Expr, *SrcError) {
	var used uses
	n, err := check(src, sc, &used)
	if err != nil {
		return nil, err
	}
	x := &Expr{Src: src, Type: n.typ, Canon: canon(n), Fields: used.fields, Facts: used.facts, Tables: used.tables, Prev: used.prev,
		eval: compileValue(n), test: compileTruth(n), field: -1, root: n}
	if n.op == opField {
		x.field = n.slot
	}
	return x, nil
}
