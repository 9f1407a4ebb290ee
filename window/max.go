package window

import "kelpie/event"

// maxAggregate is the greatest number, as it came. It cannot forget values; for sliding windows there is MaxQueue.
// Accumulator: a number, as that of min.
type maxAggregate struct{}

func (maxAggregate) Name() string            { return "max" }
func (maxAggregate) Size() int               { return numberSize }
func (maxAggregate) Invertible() bool        { return false }
func (maxAggregate) HasFloats([]byte) bool   { return false }
func (maxAggregate) Sub([]byte, event.Value) {}
func (maxAggregate) Value(acc []byte) (v event.Value, exact bool) {
	return extremeValue(getNumber(acc))
}

func (maxAggregate) Add(acc []byte, v event.Value) {
	if v.IsNumber() && isAbove(v, getNumber(acc)) {
		putNumber(acc, v)
	}
}

func (a maxAggregate) Merge(acc, other []byte) { a.Add(acc, getNumber(other)) }

func (maxAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var greatest event.Value
	for _, v := range vals {
		if v.IsNumber() && isAbove(v, greatest) {
			greatest = v
		}
	}
	return extremeValue(greatest)
}
