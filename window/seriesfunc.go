package window

import "kelpie/event"

// SeriesFunc returns the function of a series of past buckets with this name (avg or mean, min, max, sum, stddev, count,
// and median and p1 … p99.9 with q), nil if there is none. It takes the buckets' values in order of time, without the
// missing ones, and is the aggregate of that name over them: exact where they are, missing where there are none, but for
// sum and count, which are 0.
func SeriesFunc(name string, q float64) func(vals []event.Value) (v event.Value, exact bool) {
	switch name {
	case "distinct", "ratio", "first", "last":
		return nil
	}
	if a := ByName(name, q); a != nil {
		return a.Fold
	}
	return nil
}
