package window

import (
	"encoding/binary"
	"strings"

	"kelpie/event"
)

// Aggregate is one aggregate function over the values of one window. Its running value is an accumulator: Size bytes
// inside a row that belongs to the caller, all zero when empty, little endian. Implementations are stateless, shared
// and comparable.
//
// An aggregate with Size 0 has no accumulator: its value is computed from the window's values by Fold, and Add, Sub and
// Merge do nothing.
type Aggregate interface {
	// Name is the name in the rule language: count, sum, …
	Name() string
	// Size is the accumulator's size in bytes, a multiple of 8; 0 if there is none.
	Size() int
	// Add adds one value. A value that Accepts refuses changes nothing.
	Add(acc []byte, v event.Value)
	// Sub takes a value that was added before away again; only if Invertible. Taking everything away again leaves
	// the accumulator all zero. While HasFloats, the value is rounded in another way than Fold rounds it.
	Sub(acc []byte, v event.Value)
	// Invertible reports whether Sub works.
	Invertible() bool
	// Merge adds another accumulator of the same aggregate. While either HasFloats, the value may be rounded in
	// another way than Fold rounds it.
	Merge(acc, other []byte)
	// HasFloats reports whether float64 values are in the accumulator, so that its value depends on the order in
	// which they came: then Fold over all values, in order, is what counts. False where order never matters.
	HasFloats(acc []byte) bool
	// Value reads the accumulator. exact is false where a float64 stands in the result in place of an exact decimal:
	// any of the values for sum, avg and stddev; the value itself for min, max, first and last.
	Value(acc []byte) (v event.Value, exact bool)
	// Fold computes the value from scratch: vals are the window's values that are not missing, in (time, position)
	// order. It gives the same bits as adding them one by one in that order.
	Fold(vals []event.Value) (v event.Value, exact bool)
}

// ByName returns the aggregate for a name of the rule language (count, sum, avg or mean, min, max, stddev, distinct,
// ratio, first, last), or Quantile(q) for median and p1 … p99.9; nil if there is none.
func ByName(name string, q float64) Aggregate {
	switch name {
	case "count":
		return countAggregate{}
	case "sum":
		return sumAggregate{}
	case "avg", "mean":
		return avgAggregate{}
	case "min":
		return minAggregate{}
	case "max":
		return maxAggregate{}
	case "stddev":
		return stddevAggregate{}
	case "distinct":
		return distinctAggregate{}
	case "ratio":
		return ratioAggregate{}
	case "first":
		return firstAggregate{}
	case "last":
		return lastAggregate{}
	}
	if isQuantile(name) && q >= 0 && q <= 1 {
		return quantileAggregate{name: name, q: q}
	}
	return nil
}

// Accepts reports whether v has a type that the aggregate of this name can use: any value for count, first and last, a
// bool for ratio, what can be a key for distinct and unseen, a number for all others. What it refuses is missing to the
// aggregate.
func Accepts(name string, v event.Value) bool {
	switch name {
	case "count", "first", "last":
		return !v.IsMissing()
	case "ratio":
		return v.Kind == event.Bool
	case "distinct", "unseen":
		return !v.IsMissing() && v.Kind != event.Object && v.Kind != event.List
	}
	return v.IsNumber()
}

// isQuantile reports whether name is median or p followed by a number.
func isQuantile(name string) bool {
	digits, found := strings.CutPrefix(name, "p")
	return name == "median" || found && digits != "" && digits[0] >= '0' && digits[0] <= '9'
}

// foldOnly is what the aggregates without accumulator share.
type foldOnly struct{}

func (foldOnly) Size() int                        { return 0 }
func (foldOnly) Add([]byte, event.Value)          {}
func (foldOnly) Sub([]byte, event.Value)          {}
func (foldOnly) Invertible() bool                 { return false }
func (foldOnly) Merge(_, _ []byte)                {}
func (foldOnly) HasFloats([]byte) bool            { return false }
func (foldOnly) Value([]byte) (event.Value, bool) { return event.Value{}, true }

// getWord and putWord read and write the 64-bit word at byte offset at of an accumulator.
func getWord(acc []byte, at int) uint64    { return binary.LittleEndian.Uint64(acc[at:]) }
func putWord(acc []byte, at int, w uint64) { binary.LittleEndian.PutUint64(acc[at:], w) }
