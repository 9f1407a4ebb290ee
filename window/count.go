package window

import "kelpie/event"

// countAggregate counts values of any type. Accumulator: the number of values.
type countAggregate struct{}

func (countAggregate) Name() string          { return "count" }
func (countAggregate) Size() int             { return 8 }
func (countAggregate) Invertible() bool      { return true }
func (countAggregate) HasFloats([]byte) bool { return false }

func (countAggregate) Add(acc []byte, v event.Value) {
	if v.Kind != event.Missing {
		putWord(acc, 0, getWord(acc, 0)+1)
	}
}

func (countAggregate) Sub(acc []byte, v event.Value) {
	if v.Kind != event.Missing {
		putWord(acc, 0, getWord(acc, 0)-1)
	}
}

func (countAggregate) Merge(acc, other []byte) {
	putWord(acc, 0, getWord(acc, 0)+getWord(other, 0))
}

func (countAggregate) Value(acc []byte) (event.Value, bool) {
	return event.IntValue(int64(getWord(acc, 0))), true
}

func (a countAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var acc [8]byte
	for _, v := range vals {
		a.Add(acc[:], v)
	}
	return a.Value(acc[:])
}
