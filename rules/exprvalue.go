package rules

import (
	"strings"

	"kelpie/event"
)

// A checked expression is compiled to closures of four forms. A missing result leaves its cause in the Env.
type (
	valueFn  func(*Env) event.Value
	numberFn func(*Env) numeral        // of kind Missing if there is none
	truthFn  func(*Env) truth          // unknown if there is none
	textFn   func(*Env) (string, bool) // false if there is none
)

// truth is what a condition says.
type truth int8

const (
	unknown truth = -1
	no      truth = 0
	yes     truth = 1
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// compileValue compiles a node of any type.
func compileValue(n *node) valueFn {
	switch {
	case n.op == opConst:
		v := n.val
		return func(*Env) event.Value { return v }
	case n.isLeaf():
		return fetch(n)
	case n.op == opCoalesce:
		return coalesce(n)
	case n.op == opChoose:
		return choose(n)
	case n.op == opAdd && n.typ == AnyType:
		return addAny(n)
	case n.op == opPlus, n.op == opNegate:
		return signed(n)
	case n.op == opCall && n.fn.value != nil:
		return n.fn.value(n)
	}
	switch n.op {
	case opKey:
		return keyText(n)
	case opSamples:
		slot := n.slot
		return func(e *Env) event.Value { return event.IntValue(e.samples(slot)) }
	case opElement:
		return func(e *Env) event.Value { return orMiss(e, e.element, n.name) }
	case opMember:
		return member(n)
	case opList:
		return list(n)
	}
	switch n.typ {
	case BoolType:
		f := compileTruth(n)
		return func(e *Env) event.Value {
			if t := f(e); t != unknown {
				return event.BoolValue(t == yes)
			}
			return event.Value{}
		}
	case StringType:
		f := compileText(n)
		return func(e *Env) event.Value {
			if s, ok := f(e); ok {
				return event.StringValue(s)
			}
			return event.Value{}
		}
	}
	f := compileNumber(n)
	return func(e *Env) event.Value { return f(e).value() }
}

func orMiss(e *Env, v event.Value, name string) event.Value {
	if v.Kind == event.Missing {
		e.miss(name)
	}
	return v
}

// fetch compiles a leaf.
func fetch(n *node) valueFn {
	slot, name := n.slot, n.name
	switch n.op {
	case opField:
		return func(e *Env) event.Value { return orMiss(e, e.field(slot), name) }
	case opFact:
		return func(e *Env) event.Value { return orMiss(e, at(e.Facts, slot), name) }
	case opTable:
		return func(e *Env) event.Value { return orMiss(e, at(e.Tables, slot), name) }
	case opPrev:
		return func(e *Env) event.Value { return orMiss(e, at(e.Prev, slot), name) }
	case opRow:
		return func(e *Env) event.Value { return orMiss(e, at(e.Row, slot), name) }
	case opType:
		return func(e *Env) event.Value { return orMiss(e, e.eventType(), name) }
	}
	return func(e *Env) event.Value {
		if e.HasEvent {
			return event.IntValue(e.Time)
		}
		e.miss(name)
		return event.Value{}
	}
}

func at(values []event.Value, i int) event.Value {
	if i < len(values) {
		return values[i]
	}
	return event.Value{}
}

// keyText is a field that is a part of the rule's key, or the key's text where there is no such field.
func keyText(n *node) valueFn {
	field, i := compileValue(n.args[0]), n.slot
	return func(e *Env) event.Value {
		if v := field(e); v.Kind != event.Missing || i >= len(e.key) {
			return v
		}
		return event.StringValue(e.key[i])
	}
}

func coalesce(n *node) valueFn {
	l, r := compileValue(n.args[0]), compileValue(n.args[1])
	return func(e *Env) event.Value {
		if v := l(e); v.Kind != event.Missing {
			return v
		}
		return r(e)
	}
}

func choose(n *node) valueFn {
	cond, a, b := compileTruth(n.args[0]), compileValue(n.args[1]), compileValue(n.args[2])
	return func(e *Env) event.Value {
		switch cond(e) {
		case yes:
			return a(e)
		case no:
			return b(e)
		}
		return event.Value{}
	}
}

// signed is a number with a sign before it, which leaves a decimal exact.
func signed(n *node) valueFn {
	f, name := compileValue(n.args[0]), n.args[0].name
	if n.op == opPlus {
		return func(e *Env) event.Value { return e.aNumber(f(e), name) }
	}
	whole := n.name
	return func(e *Env) event.Value {
		v := e.aNumber(f(e), name)
		switch v.Kind {
		case event.Decimal:
			v.N = -v.N
		case event.Int, event.Float:
			v = e.arithmetic(opSubtract, numeral{kind: event.Int}, numeralOf(v), whole).value()
		}
		return v
	}
}

// aNumber passes a number on as it is, and notes a mismatch if v is something else.
func (e *Env) aNumber(v event.Value, name string) event.Value {
	if v.Kind == event.Missing || v.IsNumber() {
		return v
	}
	e.mismatch(name)
	return event.Value{}
}

// addAny adds numbers or joins texts, as it turns out.
func addAny(n *node) valueFn {
	l, r, name := compileValue(n.args[0]), compileValue(n.args[1]), n.name
	left, right := n.args[0].name, n.args[1].name
	return func(e *Env) event.Value {
		a := l(e)
		if a.Kind == event.Missing {
			return a
		}
		if !a.IsNumber() && a.Kind != event.String {
			e.mismatch(left)
			return event.Value{}
		}
		b := r(e)
		switch {
		case b.Kind == event.Missing:
			return b
		case a.IsNumber() && b.IsNumber():
			return e.arithmetic(opAdd, numeralOf(a), numeralOf(b), name).value()
		case a.Kind == event.String && b.Kind == event.String && e.spend(len(a.S)+len(b.S), name):
			return event.StringValue(a.S + b.S)
		case a.Kind != event.String || b.Kind != event.String:
			e.mismatch(right)
		}
		return event.Value{}
	}
}

// list makes a list of its elements.
func list(n *node) valueFn {
	elements := make([]valueFn, len(n.args))
	for i, a := range n.args {
		elements[i] = compileValue(a)
	}
	name := n.name
	return func(e *Env) event.Value {
		text := []byte{'['}
		for i, f := range elements {
			v := f(e)
			if v.Kind == event.Missing || !e.spend(len(v.S)+8, name) {
				return event.Value{}
			}
			if i > 0 {
				text = append(text, ',')
			}
			text = event.AppendJSON(text, v)
		}
		return event.Value{Kind: event.List, S: string(append(text, ']'))}
	}
}

// compileText compiles a node that must be a text.
func compileText(n *node) textFn {
	switch {
	case n.op == opAdd && n.typ == StringType:
		return join(n)
	case n.op == opCall && n.fn.text != nil:
		return n.fn.text(n)
	}
	f, name := compileValue(n), n.name
	return func(e *Env) (string, bool) {
		v := f(e)
		if v.Kind != event.String {
			if v.Kind != event.Missing {
				e.mismatch(name)
			}
			return "", false
		}
		return v.S, true
	}
}

func join(n *node) textFn {
	l, r, name := compileText(n.args[0]), compileText(n.args[1]), n.name
	return func(e *Env) (string, bool) {
		a, ok := l(e)
		if !ok {
			return "", false
		}
		b, ok := r(e)
		if !ok || !e.spend(len(a)+len(b), name) {
			return "", false
		}
		return a + b, true
	}
}

// compileTextTest compiles startsWith and endsWith.
func compileTextTest(n *node) truthFn {
	l, r := compileText(n.args[0]), compileText(n.args[1])
	test := strings.HasPrefix
	if n.op == opEndsWith {
		test = strings.HasSuffix
	}
	return func(e *Env) truth {
		a, ok := l(e)
		if !ok {
			return unknown
		}
		b, ok := r(e)
		if !ok {
			return unknown
		}
		return truthOf(test(a, b))
	}
}

// contains is text in text, or an element in a list.
func contains(n *node) truthFn {
	l, r, left, right, name := compileValue(n.args[0]), compileValue(n.args[1]), n.args[0].name, n.args[1].name, n.name
	return func(e *Env) truth {
		a := l(e)
		if a.Kind == event.Missing {
			return unknown
		}
		if a.Kind != event.String && a.Kind != event.List {
			e.mismatch(left)
			return unknown
		}
		b := r(e)
		switch {
		case b.Kind == event.Missing || !e.spend(len(a.S), name) || b.Kind >= event.Object && !e.spend(7*len(a.S), name):
			return unknown
		case a.Kind == event.List:
			return truthOf(hasElement(a, b))
		case b.Kind != event.String:
			e.mismatch(right)
			return unknown
		}
		return truthOf(strings.Contains(a.S, b.S))
	}
}

// matches tests a regular expression.
func matches(n *node) truthFn {
	f, pattern, size, name := compileText(n.args[0]), n.pattern, n.slot, n.name
	return func(e *Env) truth {
		s, ok := f(e)
		if !ok || !e.spend(len(s)*size, name) {
			return unknown
		}
		return truthOf(pattern.MatchString(s))
	}
}
