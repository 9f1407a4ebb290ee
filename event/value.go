package event

import (
	"math"
	"strings"
)

// Kind says what a Value holds.
type Kind uint8

const (
	Missing Kind = iota // absent, null, or of a type that the use does not allow
	Bool                // N is 0 or 1
	Int                 // N, an integral number within int64 (1, 1.0 and 1e0 alike)
	Decimal             // N times 10^-Scale, not integral, at most 18 significant digits, 1 <= Scale <= 18, no trailing zero
	Float               // any other number; N holds the bits of the float64
	String              // S, unescaped
	Object              // S, the object's JSON text as it came
	List                // S, the list's JSON text as it came
)

// Value is one value of an event, a fact or an expression. The zero Value is missing.
// S may point into the buffer that its record was decoded from; Clone it to keep it longer.
type Value struct {
	S     string
	N     int64
	Kind  Kind
	Scale uint8
}

// BoolValue returns b as a Value.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: Bool, N: 1}
	}
	return Value{Kind: Bool}
}

// IntValue returns n as a Value.
func IntValue(n int64) Value { return Value{Kind: Int, N: n} }

// FloatValue returns f as a Value: an Int if it is an integral number within int64, so that equal numbers are
// equal values; missing if it is not finite.
func FloatValue(f float64) Value {
	if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
		return Value{Kind: Int, N: int64(f)}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{Kind: Float, N: int64(math.Float64bits(f))}
}

// StringValue returns s as a Value.
func StringValue(s string) Value { return Value{Kind: String, S: s} }

// Clone returns v with a copy of its text, which outlives the buffer that v may point into.
func (v Value) Clone() Value {
	v.S = strings.Clone(v.S)
	return v
}

// IsMissing reports whether there is no value.
func (v Value) IsMissing() bool { return v.Kind == Missing }

// IsNumber reports whether v is an Int, a Decimal or a Float.
func (v Value) IsNumber() bool { return v.Kind >= Int && v.Kind <= Float }

// Bool returns the truth of a Bool; ok is false for any other kind.
func (v Value) Bool() (b, ok bool) { return v.N != 0, v.Kind == Bool }

// Float64 returns the nearest float64 of a number; ok is false for any other kind.
func (v Value) Float64() (f float64, ok bool) {
	switch v.Kind {
	case Int:
		return float64(v.N), true
	case Decimal:
		return decimalFloat(v.N, v.Scale), true
	case Float:
		return math.Float64frombits(uint64(v.N)), true
	}
	return 0, false
}
