package window

import (
	"cmp"
	"math/bits"

	"kelpie/event"
)

// minAggregate is the least number, as it came. It cannot forget values; for sliding windows there is MinQueue.
// Accumulator: a number (see getNumber).
type minAggregate struct{}

func (minAggregate) Name() string            { return "min" }
func (minAggregate) Size() int               { return numberSize }
func (minAggregate) Invertible() bool        { return false }
func (minAggregate) HasFloats([]byte) bool   { return false }
func (minAggregate) Sub([]byte, event.Value) {}
func (minAggregate) Value(acc []byte) (v event.Value, exact bool) {
	return extremeValue(getNumber(acc))
}

func (minAggregate) Add(acc []byte, v event.Value) {
	if v.IsNumber() && isBelow(v, getNumber(acc)) {
		putNumber(acc, v)
	}
}

func (a minAggregate) Merge(acc, other []byte) { a.Add(acc, getNumber(other)) }

func (minAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var least event.Value
	for _, v := range vals {
		if v.IsNumber() && isBelow(v, least) {
			least = v
		}
	}
	return extremeValue(least)
}

// extremeValue returns v, which is exact unless it is a Float.
func extremeValue(v event.Value) (event.Value, bool) { return v, v.Kind != event.Float }

// numberSize is the size of a stored number: its N, then a word with its kind and, above it, its scale. All zero is missing.
const numberSize = 16

func getNumber(acc []byte) event.Value {
	tag := getWord(acc, 8)
	return event.Value{N: int64(getWord(acc, 0)), Kind: event.Kind(tag), Scale: uint8(tag >> 8)}
}

func putNumber(acc []byte, v event.Value) {
	putWord(acc, 0, uint64(v.N))
	putWord(acc, 8, uint64(v.Kind)|uint64(v.Scale)<<8)
}

// isBelow reports whether the number v replaces least, the least one so far or missing. Of equal numbers an exact one
// replaces a Float, so that the order of arrival does not matter.
func isBelow(v, least event.Value) bool {
	if least.IsMissing() {
		return true
	}
	c := compareNumbers(v, least)
	return c < 0 || c == 0 && v.Kind < least.Kind && least.Kind == event.Float
}

// isAbove is isBelow for the greatest number.
func isAbove(v, greatest event.Value) bool {
	if greatest.IsMissing() {
		return true
	}
	c := compareNumbers(v, greatest)
	return c > 0 || c == 0 && v.Kind < greatest.Kind && greatest.Kind == event.Float
}

// compareNumbers compares Ints and Decimals exactly, and anything with a Float as float64s, which is what expressions
// see. (A Float and a Decimal that it stands nearest to are equal.)
func compareNumbers(a, b event.Value) int {
	switch {
	case a.Kind == b.Kind && a.Scale == b.Scale && a.Kind != event.Float:
		return cmp.Compare(a.N, b.N)
	case a.Kind == event.Float || b.Kind == event.Float:
		f, _ := a.Float64()
		g, _ := b.Float64()
		return cmp.Compare(f, g)
	}
	if c := cmp.Compare(min(max(a.N, -1), 1), min(max(b.N, -1), 1)); c != 0 {
		return c
	}
	ahi, alo, negative := magnitude(a)
	bhi, blo, _ := magnitude(b)
	lo, borrow := bits.Sub64(alo, blo, 0)
	hi, borrow := bits.Sub64(ahi, bhi, borrow)
	switch {
	case hi|lo == 0:
		return 0
	case (borrow != 0) == (negative == 0):
		return -1
	}
	return 1
}
