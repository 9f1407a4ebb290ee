package window

import (
	"math"

	"kelpie/event"
)

// avgAggregate is the sum divided by the number of values, rounded once. Accumulator: that of sum, then
//
//	40  the number of values
type avgAggregate struct{}

const avgSize = sumSize + 8

func (avgAggregate) Name() string              { return "avg" }
func (avgAggregate) Size() int                 { return avgSize }
func (avgAggregate) Invertible() bool          { return true }
func (avgAggregate) HasFloats(acc []byte) bool { return hasFloats(acc) }

func (avgAggregate) Add(acc []byte, v event.Value) {
	if addSum(acc, v) {
		putWord(acc, sumSize, getWord(acc, sumSize)+1)
	}
}

func (avgAggregate) Sub(acc []byte, v event.Value) {
	if subSum(acc, v) {
		putWord(acc, sumSize, getWord(acc, sumSize)-1)
	}
}

func (avgAggregate) Merge(acc, other []byte) {
	mergeSum(acc, other)
	putWord(acc, sumSize, getWord(acc, sumSize)+getWord(other, sumSize))
}

// Value is the float64 that is nearest to the exact quotient; missing of no values. With Floats, their sum (see sum) is
// divided in float64.
func (avgAggregate) Value(acc []byte) (event.Value, bool) {
	n := getWord(acc, sumSize)
	if n == 0 {
		return event.Value{}, true
	}
	d := loadDecimal(acc)
	if !hasFloats(acc) {
		return event.FloatValue(d.over(n)), true
	}
	return event.FloatValue((d.over(1) + math.Float64frombits(getWord(acc, 32))) / float64(n)), false
}

func (a avgAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var acc [avgSize]byte
	for _, v := range vals {
		a.Add(acc[:], v)
	}
	return a.Value(acc[:])
}
