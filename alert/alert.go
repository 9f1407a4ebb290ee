package alert

import (
	"kelpie/event"
	"kelpie/window"
)

// State says whether an alert is still open.
type State string

// The states. A pending instance (`for:`) is no alert yet.
const (
	Firing   State = "firing"
	Resolved State = "resolved"
)

// Reason says why an alert resolved.
type Reason string

// The reasons.
const (
	Condition Reason = "condition"    // a judgement said so: `when` was false, or `resolve` true
	Left      Reason = "left"         // events left a sliding window
	Empty     Reason = "empty-window" // a window closed without an event
	Expired   Reason = "expired"      // nothing was judged for the rule's `expire`
	Removed   Reason = "rule-removed" // the rule is not there any more
	Point     Reason = "point"        // the rule has neither fact nor table: it opens and is over at once
	ByHand    Reason = "by-hand"      // somebody resolved it
)

// Shadow is the mode of rules whose alerts are kept and never sent.
const Shadow = "shadow"

// Alert is the life of one instance of a rule. Times are event times in milliseconds. Its JSON form is stable: members
// may be added and none changes its meaning; docs/format.md lists them.
type Alert struct {
	ID          string // from ID
	Rule        string
	By          []string // the rule's `by`: the names of the key's fields
	Key         []string // their values; in JSON one value is a string, several are a list
	Severity    string
	Mode        string // shadow, alert, enforce
	State       State
	Opened      int64
	Updated     int64  // of the newest judgement that was true
	Resolved    int64  // meaningful when State is Resolved
	Reason      Reason // of the resolution
	Opener      Opener
	Message     string
	Values      []Value // the facts of the newest judgement that was true, in the rule's order
	Labels      map[string]string
	Actions     []string
	Warming     []string     // facts whose windows could not be full yet when it opened
	Evaluations int64        // judgements that were true
	Rules       string       // fingerprint of the rule set that opened it
	Evidence    *window.Span // event times of the events in its windows when it opened; nil if not known

	Acknowledged *Mark // who takes care of it; nil: nobody
	Verdict      *Mark // what it turned out to be, by its Word true_positive or false_positive; nil: not labelled
	ResolvedBy   *Mark // who resolved it by hand; nil: nobody

	// What is kept beside it, to know what of it is personal: see Masked.
	Traced bool    // Shown and the Fields of Values are known
	Shown  []Shown // where in the message event fields can be seen, in order
}

// Mark is what a person said of an alert. It is kept in the log as an entry of its own.
type Mark struct {
	By      string // who; as the token or the command says
	At      int64  // append time of the entry, ms
	Word    string // of a verdict: true_positive or false_positive; else ""
	Comment string // "" if none was given
}

// The words of a verdict.
const (
	TruePositive  = "true_positive"
	FalsePositive = "false_positive"
)

// Opener is what opened an alert: an event, by its id and position, or a window.
type Opener struct {
	Event    string // the event's id, "" if it has none
	Position string // where the event was read
	Window   *window.Span
}

// Value is one fact of an alert.
type Value struct {
	Name    string
	Value   event.Value
	Approx  float64 // the relative error, where the value comes from a sketch; else 0
	Inexact bool    // float64s were in a sum that is exact otherwise
	Limit   string  // what the rule's condition compares it with, "> 5"; "" if with nothing constant

	Fields []string // event fields that can be seen in the value, as rules write them
}

// Open reports whether the alert has not resolved.
func (a *Alert) Open() bool { return a.State != Resolved }
