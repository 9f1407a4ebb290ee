package window

import "kelpie/event"

// lastAggregate is the value that is last in (time, position), of any type.
type lastAggregate struct{ foldOnly }

func (lastAggregate) Name() string { return "last" }

func (lastAggregate) Fold(vals []event.Value) (event.Value, bool) {
	if len(vals) == 0 {
		return event.Value{}, true
	}
	return extremeValue(vals[len(vals)-1])
}
