package rules

import (
	"math"
	"math/bits"

	"kelpie/event"
)

// numeral is a number while it is computed with: an Int, or a Float whose bits n holds, or Missing. A Float is never
// integral within int64, so that equal numbers are equal numerals.
type numeral struct {
	n    int64
	kind event.Kind
}

// numeralOf returns a number as its nearest float64 sees it; what is no number is missing.
func numeralOf(v event.Value) numeral {
	switch v.Kind {
	case event.Int, event.Float:
		return numeral{v.N, v.Kind}
	case event.Decimal:
		f, _ := v.Float64()
		return floatNumeral(f)
	}
	return numeral{}
}

// floatNumeral returns f: missing if it is not finite.
func floatNumeral(f float64) numeral {
	if f >= -1<<63 && f < 1<<63 {
		if n := int64(f); float64(n) == f {
			return numeral{n, event.Int}
		}
	} else if f-f != 0 { // not finite
		return numeral{}
	}
	return numeral{int64(math.Float64bits(f)), event.Float}
}

func (a numeral) float() float64 {
	if a.kind == event.Int {
		return float64(a.n)
	}
	return math.Float64frombits(uint64(a.n))
}

func (a numeral) value() event.Value { return event.Value{N: a.n, Kind: a.kind} }

// compareNumerals orders two numbers: -1, 0 or 1.
func compareNumerals(a, b numeral) int {
	if a.kind == event.Int && b.kind == event.Int {
		switch {
		case a.n < b.n:
			return -1
		case a.n > b.n:
			return 1
		}
		return 0
	}
	x, y := a.float(), b.float()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// compileNumber compiles a node that must be a number.
func compileNumber(n *node) numberFn {
	switch {
	case n.op == opConst && n.val.IsNumber():
		k := numeralOf(n.val)
		return func(*Env) numeral { return k }
	case n.op == opFact:
		return factNumber(n)
	case n.op == opField:
		return fieldNumber(n)
	case n.op == opTable:
		return tableNumber(n)
	case n.op == opSamples:
		slot := n.slot
		return func(e *Env) numeral { return numeral{e.samples(slot), event.Int} }
	case n.op >= opAdd && n.op <= opPower:
		return compileArithmetic(n)
	case n.op == opNegate:
		return negate(n)
	case n.op == opChoose:
		return chooseNumber(n)
	case n.op == opCall && n.fn.number != nil:
		return n.fn.number(n)
	}
	f, name := compileValue(n), n.name
	return func(e *Env) numeral { return e.numeral(f(e), name) }
}

// numeral takes a value as a number and notes a mismatch if it is something else.
func (e *Env) numeral(v event.Value, name string) numeral {
	k := numeralOf(v)
	if k.kind == event.Missing && v.Kind != event.Missing {
		e.mismatch(name)
	}
	return k
}

// factNumber is the commonest number.
func factNumber(n *node) numberFn {
	slot, name := n.slot, n.name
	return func(e *Env) numeral {
		if slot < len(e.Facts) {
			if v := &e.Facts[slot]; v.Kind == event.Int || v.Kind == event.Float {
				return numeral{v.N, v.Kind}
			}
			return e.numeral(orMiss(e, e.Facts[slot], name), name)
		}
		e.miss(name)
		return numeral{}
	}
}

// fieldNumber reads a field's bytes, without making a value of them first.
func fieldNumber(n *node) numberFn {
	slot, name, slow := n.slot, n.name, fetch(n)
	return func(e *Env) numeral {
		if f, ok := e.recordField(slot); ok && f.Kind == event.FieldNumber {
			v := event.ParseNumber(e.Rec.Raw[f.Off:f.End])
			if v.Kind == event.Int {
				return numeral{v.N, event.Int}
			}
			if v.Kind != event.Missing {
				return numeralOf(v)
			}
		}
		return e.numeral(slow(e), name)
	}
}

func tableNumber(n *node) numberFn {
	slot, name, slow := n.slot, n.name, fetch(n)
	return func(e *Env) numeral {
		if slot < len(e.Tables) {
			switch v := &e.Tables[slot]; v.Kind {
			case event.Int, event.Float:
				return numeral{v.N, v.Kind}
			case event.Decimal:
				return numeralOf(*v)
			}
		}
		return e.numeral(slow(e), name)
	}
}

func chooseNumber(n *node) numberFn {
	cond, a, b := compileTruth(n.args[0]), compileNumber(n.args[1]), compileNumber(n.args[2])
	return func(e *Env) numeral {
		switch cond(e) {
		case yes:
			return a(e)
		case no:
			return b(e)
		}
		return numeral{}
	}
}

func negate(n *node) numberFn {
	f, name := compileNumber(n.args[0]), n.name
	return func(e *Env) numeral {
		k := f(e)
		if k.kind == event.Missing {
			return k
		}
		return e.arithmetic(opSubtract, numeral{kind: event.Int}, k, name)
	}
}

func compileArithmetic(n *node) numberFn {
	o, name := n.op, n.name
	l, r := compileNumber(n.args[0]), compileNumber(n.args[1])
	if n.args[0].isConst() && n.args[0].val.IsNumber() {
		a := numeralOf(n.args[0].val)
		return func(e *Env) numeral {
			b := r(e)
			if b.kind == event.Missing {
				return b
			}
			return e.arithmetic(o, a, b, name)
		}
	}
	return func(e *Env) numeral {
		a := l(e)
		if a.kind == event.Missing {
			return a
		}
		b := r(e)
		if b.kind == event.Missing {
			return b
		}
		return e.arithmetic(o, a, b, name)
	}
}

// arithmetic computes with two numbers: in integers where both are and the result fits, else in float64. A result
// that is not finite is missing.
func (e *Env) arithmetic(o op, a, b numeral, name string) numeral {
	if a.kind == event.Int && b.kind == event.Int {
		if k, ok := integers(o, a.n, b.n); ok {
			return numeral{k, event.Int}
		}
	}
	k := floatNumeral(floats(o, a.float(), b.float()))
	if k.kind == event.Missing {
		e.miss(name)
	}
	return k
}

// integers computes in int64; ok is false for division and where it overflows.
func integers(o op, a, b int64) (k int64, ok bool) {
	switch o {
	case opAdd:
		k = a + b
		return k, (k > a) == (b > 0)
	case opSubtract:
		k = a - b
		return k, (k < a) == (b > 0)
	case opMultiply:
		return multiply(a, b)
	case opModulo:
		if b != 0 {
			return a % b, true
		}
	case opPower:
		return power(a, b)
	}
	return 0, false
}

func multiply(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	high := int64(hi)
	if a < 0 {
		high -= b
	}
	if b < 0 {
		high -= a
	}
	return int64(lo), high == int64(lo)>>63
}

// power multiplies, so that a result within int64 is exact.
func power(a, b int64) (k int64, ok bool) {
	if b < 0 || b > 63 && a != 0 && a != 1 && a != -1 {
		return 0, false
	}
	if b > 63 {
		b = 2 + b&1 // only whether it is odd counts
	}
	k, ok = 1, true
	for range b {
		if k, ok = multiply(k, a); !ok {
			return 0, false
		}
	}
	return k, true
}

// floats computes in float64.
func floats(o op, a, b float64) float64 {
	switch o {
	case opAdd:
		return a + b
	case opSubtract:
		return a - b
	case opMultiply:
		return a * b
	case opDivide:
		return a / b
	case opModulo:
		return math.Mod(a, b)
	}
	return math.Pow(a, b)
}
