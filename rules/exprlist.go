package rules

import "kelpie/event"

// constSet is a set of constants for `in`. Numbers are in it as numerals, so that 1, 1.0 and 1e0 are one.
type constSet struct {
	texts   map[string]struct{}
	numbers map[numeral]struct{}
	others  []event.Value
}

func newConstSet(elements []*node) *constSet {
	s := &constSet{texts: map[string]struct{}{}, numbers: map[numeral]struct{}{}}
	for _, n := range elements {
		switch v := n.val; {
		case v.Kind == event.String:
			s.texts[v.S] = struct{}{}
		case v.IsNumber():
			s.numbers[numeralOf(v)] = struct{}{}
		case v.Kind != event.Missing:
			s.others = append(s.others, v)
		}
	}
	return s
}

func (s *constSet) has(v event.Value) bool {
	switch {
	case v.Kind == event.String:
		_, ok := s.texts[v.S]
		return ok
	case v.IsNumber():
		_, ok := s.numbers[numeralOf(v)]
		return ok
	}
	for _, o := range s.others {
		if event.Equal(v, o) {
			return true
		}
	}
	return false
}

// inSet is x in ["a", "b"].
func inSet(n *node) truthFn {
	f, set := compileValue(n.args[0]), n.set
	if n.args[0].op == opField {
		return fieldInSet(n.args[0], f, set)
	}
	return func(e *Env) truth {
		v := f(e)
		if v.Kind == event.Missing {
			return unknown
		}
		return truthOf(set.has(v))
	}
}

// fieldInSet looks a field's bytes up without making a value of them.
func fieldInSet(n *node, value valueFn, set *constSet) truthFn {
	slot := n.slot
	return func(e *Env) truth {
		if f, ok := e.recordField(slot); ok && f.Kind == event.FieldString {
			_, in := set.texts[string(e.Rec.Raw[f.Off:f.End])]
			return truthOf(in)
		}
		v := value(e)
		if v.Kind == event.Missing {
			return unknown
		}
		return truthOf(set.has(v))
	}
}

// inValues is x in [a, b]: all of them are needed.
func inValues(n *node) truthFn {
	values := make([]valueFn, len(n.args))
	for i, a := range n.args {
		values[i] = compileValue(a)
	}
	return func(e *Env) truth {
		x := values[0](e)
		if x.Kind == event.Missing {
			return unknown
		}
		in := no
		for _, f := range values[1:] {
			v := f(e)
			if v.Kind == event.Missing {
				return unknown
			}
			if event.Equal(x, v) {
				in = yes
			}
		}
		return in
	}
}

// inRange is x in a..b: whole numbers from a to b, both included.
func inRange(n *node) truthFn {
	x, low, high := compileNumber(n.args[0]), compileNumber(n.args[1]), compileNumber(n.args[2])
	return func(e *Env) truth {
		v := x(e)
		if v.kind == event.Missing {
			return unknown
		}
		a := low(e)
		if a.kind == event.Missing {
			return unknown
		}
		b := high(e)
		if b.kind == event.Missing {
			return unknown
		}
		return truthOf(v.kind == event.Int && compareNumerals(a, v) <= 0 && compareNumerals(v, b) <= 0)
	}
}

// inList is x in a list of the event.
func inList(n *node) truthFn {
	x, list, right, name := compileValue(n.args[0]), compileValue(n.args[1]), n.args[1].name, n.name
	return func(e *Env) truth {
		v := x(e)
		if v.Kind == event.Missing {
			return unknown
		}
		l := list(e)
		switch {
		case l.Kind == event.Missing:
			return unknown
		case l.Kind != event.List:
			e.mismatch(right)
			return unknown
		case !e.spend(len(l.S), name) || v.Kind >= event.Object && !e.spend(7*len(l.S), name):
			return unknown
		}
		return truthOf(hasElement(l, v))
	}
}

func hasElement(list, v event.Value) (has bool) {
	event.EachElement(list, func(x event.Value) bool {
		has = event.Equal(x, v)
		return !has
	})
	return has
}

// overList is any, all or none of a list's elements. Elements are asked in order until the answer is clear; one for
// which the condition is missing makes it missing.
func overList(n *node) truthFn {
	list, cond, left, name := compileValue(n.args[0]), compileTruth(n.args[1]), n.args[0].name, n.name
	stop, stopped := yes, yes // any: a true one makes it true
	switch n.op {
	case opAll:
		stop, stopped = no, no
	case opNone:
		stopped = no
	}
	return func(e *Env) truth {
		l := list(e)
		if l.Kind != event.List {
			if l.Kind != event.Missing {
				e.mismatch(left)
			}
			return unknown
		}
		result := 1 - stopped
		event.EachElement(l, func(x event.Value) bool {
			if !e.spend(len(x.S)+8, name) {
				result = unknown
				return false
			}
			e.element = x
			switch cond(e) {
			case stop:
				result = stopped
				return false
			case unknown:
				result = unknown
				return false
			}
			return true
		})
		e.element = event.Value{}
		return result
	}
}

// member is list[i], counted from the end if i is negative, or a member of an object.
func member(n *node) valueFn {
	base, step, name := compileValue(n.args[0]), compileValue(n.args[1]), n.name
	left, right := n.args[0].name, n.args[1].name
	return func(e *Env) event.Value {
		v := base(e)
		if v.Kind == event.Missing {
			return v
		}
		k := step(e)
		switch {
		case k.Kind == event.Missing || !e.spend(len(v.S), name):
			return event.Value{}
		case v.Kind == event.Object && k.Kind == event.String:
			return orMiss(e, event.Member(v, k.S), name)
		case v.Kind == event.List && k.Kind == event.Int:
			return orMiss(e, elementAt(v, k.N), name)
		case v.Kind == event.List && k.Kind != event.String:
			e.mismatch(right)
		default:
			e.mismatch(left)
		}
		return event.Value{}
	}
}

func elementAt(list event.Value, i int64) (out event.Value) {
	if i < 0 {
		i += elementCount(list)
	}
	if i < 0 {
		return out
	}
	event.EachElement(list, func(x event.Value) bool {
		if i == 0 {
			out = x
		}
		i--
		return i >= 0
	})
	return out
}

func elementCount(list event.Value) (n int64) {
	event.EachElement(list, func(event.Value) bool {
		n++
		return true
	})
	return n
}
