package window

import "kelpie/event"

// distinctAggregate counts different values, which are compared as keys are: by text, so that 1 and "1" are one value.
// What cannot be a key is not counted.
type distinctAggregate struct{ foldOnly }

func (distinctAggregate) Name() string { return "distinct" }

func (distinctAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var seen Counter
	var text [64]byte
	for _, v := range vals {
		if key, ok := event.AppendKey(text[:0], v); ok {
			seen.Add(HashText(key))
		}
	}
	return event.IntValue(int64(seen.Len())), true
}
