package window

import (
	"math"

	"kelpie/event"
)

// sumAggregate adds numbers: Ints and Decimals exactly, in any order; Floats in the order in which they come. The sum of
// nothing is 0.
//
// Accumulator, 40 bytes, which avg and Sum begin with too:
//
//	 0  the exact sum, 192 bits (decimal)
//	24  how many Floats there are
//	32  their sum, the bits of a float64
type sumAggregate struct{}

const sumSize = 40

func (sumAggregate) Name() string                                 { return "sum" }
func (sumAggregate) Size() int                                    { return sumSize }
func (sumAggregate) Invertible() bool                             { return true }
func (sumAggregate) HasFloats(acc []byte) bool                    { return hasFloats(acc) }
func (sumAggregate) Add(acc []byte, v event.Value)                { addSum(acc, v) }
func (sumAggregate) Sub(acc []byte, v event.Value)                { subSum(acc, v) }
func (sumAggregate) Merge(acc, other []byte)                      { mergeSum(acc, other) }
func (sumAggregate) Value(acc []byte) (v event.Value, exact bool) { return sumValue(acc) }

func (sumAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var acc [sumSize]byte
	for _, v := range vals {
		addSum(acc[:], v)
	}
	return sumValue(acc[:])
}

// hasFloats reads the word that sum, avg and stddev have in common.
func hasFloats(acc []byte) bool { return getWord(acc, 24) != 0 }

// addSum adds a number and reports whether v was one.
func addSum(acc []byte, v event.Value) bool {
	switch v.Kind {
	case event.Int, event.Decimal:
		addDecimal(acc, v, 0)
		return true
	case event.Float:
		addFloat(acc, math.Float64frombits(uint64(v.N)), 1)
		return true
	}
	return false
}

// subSum takes a number away and reports whether v was one.
func subSum(acc []byte, v event.Value) bool {
	switch v.Kind {
	case event.Int, event.Decimal:
		addDecimal(acc, v, ^uint64(0))
		return true
	case event.Float:
		addFloat(acc, -math.Float64frombits(uint64(v.N)), -1)
		return true
	}
	return false
}

// addFloat adds f to the sum of Floats and n to their number; with the last one their sum goes too.
func addFloat(acc []byte, f float64, n int64) {
	floats := getWord(acc, 24) + uint64(n)
	sum := math.Float64bits(math.Float64frombits(getWord(acc, 32)) + f)
	if floats == 0 {
		sum = 0
	}
	putWord(acc, 24, floats)
	putWord(acc, 32, sum)
}

func mergeSum(acc, other []byte) {
	mergeDecimal(acc, other)
	if n := getWord(other, 24); n != 0 {
		addFloat(acc, math.Float64frombits(getWord(other, 32)), int64(n))
	}
}

// sumValue is the exact sum, or, with Floats, the nearest float64 of the exact part plus the sum of the Floats; missing
// if that is not finite.
func sumValue(acc []byte) (event.Value, bool) {
	d := loadDecimal(acc)
	if !hasFloats(acc) {
		return d.value(), true
	}
	return event.FloatValue(d.over(1) + math.Float64frombits(getWord(acc, 32))), false
}

// Sum is the running value of a table's field that += and -= change: SumSize bytes inside the caller's row, all zero for
// 0. It shares its arithmetic with the aggregate sum. Whether the field was ever set is for the caller to know.
type Sum struct{}

// SumSize is the size of a Sum's bytes.
const SumSize = sumSize

// Set makes the number v the value and reports whether v was a number; if it was not, nothing changes.
func (s Sum) Set(acc []byte, v event.Value) bool {
	if !v.IsNumber() {
		return false
	}
	clear(acc[:SumSize])
	return s.AddTo(acc, v)
}

// AddTo adds the number v and reports whether v was a number; if it was not, nothing changes.
func (Sum) AddTo(acc []byte, v event.Value) bool { return addSum(acc, v) }

// SubFrom subtracts the number v, which need not have been added before, and reports whether v was a number.
func (Sum) SubFrom(acc []byte, v event.Value) bool {
	if v.Kind == event.Float {
		addFloat(acc, -math.Float64frombits(uint64(v.N)), 1)
		return true
	}
	return subSum(acc, v)
}

// Value returns the sum: an Int or a Decimal where it is one exactly, else the nearest float64. exact is false if a
// Float was ever added since Set.
func (Sum) Value(acc []byte) (v event.Value, exact bool) { return sumValue(acc) }
