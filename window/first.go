package window

import "kelpie/event"

// firstAggregate is the value that is first in (time, position), of any type.
type firstAggregate struct{ foldOnly }

func (firstAggregate) Name() string { return "first" }

func (firstAggregate) Fold(vals []event.Value) (event.Value, bool) {
	if len(vals) == 0 {
		return event.Value{}, true
	}
	return extremeValue(vals[0])
}
