package backtest

import (
	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

// Sink is told of alerts, in fold order, by one goroutine. An error ends the run.
//
// A sink may want more: one that is an EventSink is told of events, a FiringSink of every judgement that says true, an
// Observer of every evaluation. Within a stretch of the history that is folded at once, events come first, then firings,
// then alerts; where a stretch ends is not to be relied on.
type Sink interface {
	Opened(*Alert) error
	Resolved(*Alert) error
}

// EventSink is a Sink that is told of each event that is folded, warm-up included.
type EventSink interface {
	Sink
	// Fields are the fields of events that it reads, beside type, time and id. It is asked once, before the run.
	Fields() []event.Path
	Event(*Event) error
}

// FiringSink is a Sink that is told of every judgement of an event or a window that says true, whether or not an alert opens.
type FiringSink interface {
	Sink
	Fired(*Firing) error
}

// Observer is a Sink that looks inside rules. Observe is called by the goroutines of the shards, at the same time: those
// of one shard (Observation.Shard) come one after the other, and so do those of one rule and key. What is observed costs
// time, and all the facts of the rules that are watched are evaluated.
type Observer interface {
	Sink
	Watches(*Rule) bool // asked once for each rule, before the run
	Observe(*Rule, *engine.Observation)
}

// Rule is a rule of the run. A rule that is equal in several variants is one: it is judged once and counts for each.
type Rule struct {
	*rules.Rule
	Index    int   // in Run.Rules
	Variants []int // those that hold it, ascending; indexes of Spec.Variants
}

// Alert is one alert of the run. A sink may keep it, and must not change it; between Opened and Resolved it is the same
// Alert.
type Alert struct {
	Rule     *Rule
	ID       string // as it is live
	Key      []string
	Opened   int64  // event time, ms
	EventID  string // of the event that opened it; "" for a window, or an event without an id
	Position string // of that event
	Window   *window.Span
	Message  string
	Values   []engine.NamedValue // the facts that have a value
	Warming  []string            // facts whose windows could not be full yet
	Warmup   bool                // it opened before the time that counts: not to be counted

	Done     bool   // it resolved;
	Resolved int64  // event time, ms
	Reason   string // why
}

// Firing is a judgement that says true.
type Firing struct {
	Rule     *Rule
	Key      []string
	AsOf     int64        // event time, ms
	EventID  string       // of the event; "" on a close, or if it has none
	Position string       // of the event; "" on a close
	Window   *window.Span // of a close or a session
	Warmup   bool         // it is before the time that counts

	values []event.Value // of the fields of the sink that is told
}

// OnEvent reports whether an event was judged, and not a close.
func (f *Firing) OnEvent() bool { return f.Position != "" }

// Value returns the i-th of the sink's Fields of the event, if the sink is an EventSink.
func (f *Firing) Value(i int) event.Value { return f.values[i] }

// Event is an event of the history. It is valid during the call only.
type Event struct {
	*engine.Folded
	Warmup bool // it is before the time that counts

	slots []int
	types []string
}

// Type returns the event's type; "" if no rule names it.
func (e *Event) Type() string {
	if e.Record.Type < 0 {
		return ""
	}
	return e.types[e.Record.Type]
}

// Value returns the i-th of the sink's Fields; missing if the event does not have it. Text is the event's: clone it to keep it.
func (e *Event) Value(i int) event.Value { return e.Record.Value(e.slots[i]) }

// ID returns the event's id, "" if it has none; it is the event's: clone it to keep it.
func (e *Event) ID() string { return e.Record.ID() }
