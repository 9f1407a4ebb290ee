package rules

import (
	"errors"

	"kelpie/event"
)

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
	Facts    []event.Value // parallel to Rule.Facts; a `previous` fact is not missing where there is such an event
	Samples  []int64       // parallel to Rule.Facts: number of values of a series
	Tables   []event.Value // parallel to Rule.TableRefs
	Prev     []event.Value // parallel to Rule.PrevRefs
	Row      []event.Value // a table update: the row before it

	// Why there is no value. All three mean something only after an evaluation that gave a missing value.
	Missing  string // the name that was missing, as written
	Err      error  // a run-time error (work budget), nil if there was none
	Mismatch bool   // a field was there but had a type that the use does not allow

	element event.Value // # in any(list, …)
	key     []string    // the key's texts, for templates
	work    int         // spent by this evaluation, of maxWork
}

// maxWork bounds one evaluation: bytes written or looked at, for regular expressions times their size.
const maxWork = 16 << 20

// ErrWork is the error of an evaluation that did too much.
var ErrWork = errors.New("the expression does too much work on this event")

// miss notes that name is missing.
func (e *Env) miss(name string) { e.Missing, e.Mismatch, e.Err = name, false, nil }

// mismatch notes that name is there, but not what can be used here.
func (e *Env) mismatch(name string) { e.Missing, e.Mismatch, e.Err = name, true, nil }

// spend takes work from the budget; ok is false when it is used up.
func (e *Env) spend(n int, name string) (ok bool) {
	if e.work += n; e.work <= maxWork {
		return true
	}
	e.Missing, e.Mismatch, e.Err = name, false, ErrWork
	return false
}

// field fetches a field of the event.
func (e *Env) field(slot int) event.Value {
	switch {
	case !e.HasEvent:
	case e.Stored != nil:
		if slot < len(e.Stored) {
			return e.Stored[slot]
		}
	case e.Rec != nil && slot < len(e.Rec.Fields):
		return e.Rec.Value(slot)
	}
	return event.Value{}
}

// samples is the number of values of a series.
func (e *Env) samples(fact int) int64 {
	if fact < len(e.Samples) {
		return e.Samples[fact]
	}
	return 0
}

// recordField is the undecoded field of the event, if the event is at hand.
func (e *Env) recordField(slot int) (f event.Field, ok bool) {
	if e.Stored == nil && e.HasEvent && e.Rec != nil && slot < len(e.Rec.Fields) {
		return e.Rec.Fields[slot], true
	}
	return f, false
}

// eventType is the event's type as text.
func (e *Env) eventType() event.Value {
	switch {
	case !e.HasEvent:
		return event.Value{}
	case e.Stored == nil && e.Rec != nil:
		return event.StringValue(e.Rec.TypeText())
	case e.Type.Kind == event.String || e.Type.IsMissing():
		return e.Type
	}
	text, _ := event.AppendKey(nil, e.Type)
	return event.StringValue(string(text))
}
