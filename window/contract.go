package window

import "kelpie/event"

// THIS FILE IS THE AGREED SURFACE of package window while it is being written in parallel.

// Aggregate is one aggregate function over the numbers (or values) of one window. Its running value is an accumulator:
// Size bytes inside a row that belongs to the caller, all zero when empty. Implementations are stateless and shared.
//
// An aggregate with Size 0 has no accumulator: its value is computed from the window's values by Fold.
type Aggregate interface {
	// Name is the name in the rule language: count, sum, …
	Name() string
	// Size is the accumulator's size in bytes, a multiple of 8; 0 if there is none.
	Size() int
	// Add adds one value that is not missing.
	Add(acc []byte, v event.Value)
	// Sub takes a value that was added before away again; only if Invertible.
	Sub(acc []byte, v event.Value)
	Invertible() bool
	// Merge adds another accumulator of the same aggregate.
	Merge(acc, other []byte)
	// Value reads the accumulator. exact is false when some value was a float64 rather than an exact decimal.
	Value(acc []byte) (v event.Value, exact bool)
	// Fold computes the value from scratch: vals are the window's values that are not missing, in (time, position) order.
	Fold(vals []event.Value) (v event.Value, exact bool)
}

// ByName returns the aggregate for a name of the rule language (count sum avg min max stddev distinct ratio first last),
// or Quantile(q) for percentiles; nil if there is none. For ratio the values are Bools; for count any value.
func ByName(name string, q float64) Aggregate { panic("contract") }
