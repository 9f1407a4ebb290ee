package window

import "kelpie/event"

// ratioAggregate is the share of true among bools. Accumulator: how many are true, how many there are.
type ratioAggregate struct{}

func (ratioAggregate) Name() string          { return "ratio" }
func (ratioAggregate) Size() int             { return 16 }
func (ratioAggregate) Invertible() bool      { return true }
func (ratioAggregate) HasFloats([]byte) bool { return false }

func (ratioAggregate) Add(acc []byte, v event.Value) {
	if v.Kind == event.Bool {
		putWord(acc, 0, getWord(acc, 0)+uint64(v.N))
		putWord(acc, 8, getWord(acc, 8)+1)
	}
}

func (ratioAggregate) Sub(acc []byte, v event.Value) {
	if v.Kind == event.Bool {
		putWord(acc, 0, getWord(acc, 0)-uint64(v.N))
		putWord(acc, 8, getWord(acc, 8)-1)
	}
}

func (ratioAggregate) Merge(acc, other []byte) {
	putWord(acc, 0, getWord(acc, 0)+getWord(other, 0))
	putWord(acc, 8, getWord(acc, 8)+getWord(other, 8))
}

// Value divides once; missing if nothing could be evaluated.
func (ratioAggregate) Value(acc []byte) (event.Value, bool) {
	n := getWord(acc, 8)
	if n == 0 {
		return event.Value{}, true
	}
	return event.FloatValue(float64(int64(getWord(acc, 0))) / float64(int64(n))), true
}

func (a ratioAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var acc [16]byte
	for _, v := range vals {
		a.Add(acc[:], v)
	}
	return a.Value(acc[:])
}
