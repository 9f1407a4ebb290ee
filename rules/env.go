package rules

import "kelpie/event"

// Type is the static type of an expression or fact.
type Type uint8

// The types. AnyType is known only at run time.
const (
	AnyType Type = iota
	NumberType
	StringType
	BoolType
	ListType
	EventType // a `previous` fact: its fields are what can be used
)

// Env is what an expression is evaluated over. The engine fills it before each evaluation and reuses it.
type Env struct {
	Rec      *event.Record // the current event; nil on a close
	Stored   []event.Value // if not nil: field slot -> value, in place of Rec (leaving judgements)
	Type     event.Value   // `type` when Stored is used
	Time     int64         // `time`, ms: of the current event
	HasEvent bool          // false on a close: event fields, type and time are missing
	Facts    []event.Value // parallel to Rule.Facts
	Samples  []int64       // parallel to Rule.Facts: number of values of a series
	Tables   []event.Value // parallel to Rule.TableRefs
	Prev     []event.Value // parallel to Rule.PrevRefs
	Row      []event.Value // a table update: the row before it
	Missing  string        // after an evaluation that gave a missing value: the name that was missing, as written
	Err      error         // a run-time error (memory budget, step limit): the value is missing
	Mismatch bool          // a field was there but had a type that the use does not allow
}
