package rules

import (
	"math"
	"strconv"
	"strings"

	"kelpie/event"
)

var oneNumber = []Type{NumberType}

var numberFunctions = []Function{
	{
		Name: "abs", Signature: "abs(x)", Meaning: "x without its sign.", Example: "abs(-2.5) == 2.5",
		params: oneNumber, least: 1, most: 1, result: NumberType, value: abs,
	},
	numeric("ceil", "the smallest whole number that is not less than x.", "ceil(2.1) == 3", math.Ceil),
	numeric("floor", "the largest whole number that is not more than x.", "floor(-2.1) == -3", math.Floor),
	{
		Name: "round", Signature: "round(x, digits?)", Meaning: "x rounded to a whole number, or to that many digits behind the point (0 to 15); a half goes away from zero, in decimal.",
		Example: "round(2.675, 2) == 2.68", params: oneNumber, least: 1, most: 2, result: NumberType, value: round,
	},
	{
		Name: "min", Signature: "min(a, b, …)", Meaning: "the smallest of the numbers.", Example: "min(3, 1, 2) == 1",
		params: oneNumber, least: 2, most: -1, result: NumberType,
		value: extreme(-1), number: extremeNumber(-1),
	},
	{
		Name: "max", Signature: "max(a, b, …)", Meaning: "the largest of the numbers: current > 10 * max(normal, 3).", Example: "max(3, 1, 2) == 3",
		params: oneNumber, least: 2, most: -1, result: NumberType,
		value: extreme(1), number: extremeNumber(1),
	},
	numeric("sqrt", "the square root of x; missing for a negative x.", "sqrt(9) == 3", math.Sqrt),
	numeric("exp", "e to the power of x.", "exp(0) == 1", math.Exp),
	numeric("log", "the natural logarithm of x; missing unless x is positive.", "log(1) == 0", math.Log),
	numeric("log10", "the logarithm of x to the base of 10.", "log10(1000) == 3", math.Log10),
	{
		Name: "pow", Signature: "pow(x, y)", Meaning: "x to the power of y: x ** y.", Example: "pow(2, 10) == 1024",
		params: oneNumber, least: 2, most: 2, result: NumberType,
		check: func(_ *checker, n *node) *node { return &node{op: opPower, typ: NumberType, args: n.args} },
	},
	{
		Name: "number", Signature: "number(x)", Meaning: "a text that is written as a number, as that number; a number as it is.", Example: `number("12.50") == 12.5`,
		least: 1, most: 1, result: NumberType, value: toNumber,
	},
}

// numeric is a function of one number. A result that is not finite is missing.
func numeric(name, meaning, example string, f func(float64) float64) Function {
	return Function{
		Name: name, Signature: name + "(x)", Meaning: meaning, Example: example,
		params: oneNumber, least: 1, most: 1, result: NumberType,
		number: func(n *node) numberFn {
			x, whole := compileNumber(n.args[0]), n.name
			integral := name == "ceil" || name == "floor"
			return func(e *Env) numeral {
				a := x(e)
				if a.kind == event.Missing || integral && a.kind == event.Int {
					return a
				}
				k := floatNumeral(f(a.float()))
				if k.kind == event.Missing {
					e.miss(whole)
				}
				return k
			}
		},
	}
}

func abs(n *node) valueFn {
	f, name, whole := compileValue(n.args[0]), n.args[0].name, n.name
	return func(e *Env) event.Value {
		v := e.aNumber(f(e), name)
		switch {
		case v.Kind == event.Decimal:
			v.N = max(v.N, -v.N)
		case v.Kind != event.Missing && numeralOf(v).float() < 0:
			return e.arithmetic(opSubtract, numeral{kind: event.Int}, numeralOf(v), whole).value()
		}
		return v
	}
}

// extreme is min (sign -1) or max (sign 1) of values that are passed on as they are.
func extreme(sign int) func(*node) valueFn {
	return func(n *node) valueFn {
		values, names := make([]valueFn, len(n.args)), make([]string, len(n.args))
		for i, a := range n.args {
			values[i], names[i] = compileValue(a), a.name
		}
		return func(e *Env) event.Value {
			var best event.Value
			for i, f := range values {
				v := e.aNumber(f(e), names[i])
				if v.Kind == event.Missing {
					return v
				}
				if i == 0 || compareNumerals(numeralOf(v), numeralOf(best)) == sign {
					best = v
				}
			}
			return best
		}
	}
}

func extremeNumber(sign int) func(*node) numberFn {
	return func(n *node) numberFn {
		f := compileNumber(n.args[0])
		for _, a := range n.args[1:] {
			f = pickNumber(f, a, sign)
		}
		return f
	}
}

// pickNumber is the smaller or the larger of two numbers.
func pickNumber(f numberFn, second *node, sign int) numberFn {
	if second.isConst() && second.val.IsNumber() {
		b := numeralOf(second.val)
		return func(e *Env) numeral {
			if a := f(e); a.kind == event.Missing || compareNumerals(b, a) != sign {
				return a
			}
			return b
		}
	}
	g := compileNumber(second)
	return func(e *Env) numeral {
		a := f(e)
		if a.kind == event.Missing {
			return a
		}
		if b := g(e); b.kind == event.Missing || compareNumerals(b, a) == sign {
			return b
		}
		return a
	}
}

func toNumber(n *node) valueFn {
	f, name := compileValue(n.args[0]), n.args[0].name
	return func(e *Env) event.Value {
		v := f(e)
		if v.Kind == event.String {
			if k := event.ParseNumber([]byte(strings.TrimSpace(v.S))); k.Kind != event.Missing {
				return k
			}
		}
		return e.aNumber(v, name)
	}
}

func round(n *node) valueFn {
	f, name, whole := compileValue(n.args[0]), n.args[0].name, n.name
	digits := func(*Env) numeral { return numeral{kind: event.Int} }
	if len(n.args) == 2 {
		digits = compileNumber(n.args[1])
	}
	return func(e *Env) event.Value {
		v := e.aNumber(f(e), name)
		if v.Kind == event.Missing || v.Kind == event.Int {
			return v
		}
		d := digits(e)
		if d.kind == event.Missing {
			return event.Value{}
		}
		if d.kind != event.Int || d.n < 0 || d.n > 15 {
			e.miss(whole)
			return event.Value{}
		}
		return roundDecimal(v, int(d.n))
	}
}

// roundDecimal rounds a number as it is written, in its shortest form: 2.675, which no float64 is, is 2.68.
func roundDecimal(v event.Value, digits int) event.Value {
	if v.Kind == event.Float {
		if v = event.ParseNumber(strconv.AppendFloat(nil, numeralOf(v).float(), 'g', -1, 64)); v.Kind != event.Decimal {
			f := numeralOf(v).float() // too small or too large to be written with 18 digits
			if math.Abs(f) < 1 {
				return event.IntValue(0)
			}
			return v
		}
	}
	drop := int(v.Scale) - digits
	if drop <= 0 {
		return v
	}
	unit := int64(math.Pow10(min(drop, 18)))
	half := unit / 2
	if v.N < 0 {
		half = -half
	}
	k := (v.N + half) / unit
	text := event.AppendJSON(nil, event.Value{Kind: event.Int, N: k})
	return event.ParseNumber(append(text, "e-"+strconv.Itoa(digits)...))
}
