package alert

import (
	"context"
	"errors"
	"time"
)

// Notification is what a receiver is told at one moment of one group of alerts: those that have opened or resolved since
// it was told last, and those that go on. A group has a route, a receiver and the labels that the route groups by; it is
// born with its first alert and ends when all its alerts have resolved and the receiver knows it.
type Notification struct {
	Key      string            // the same whenever this notification is sent again, and of no other one
	Group    string            // the same in all notifications of one life of a group: the incident's name (a dedup key, a thread)
	Receiver string            // the receiver's name in the configuration
	Kind     Kind              // opened: the group's first; updated; resolved: its last; also reminder, digest, test
	State    State             // firing while any alert of the group is
	Labels   map[string]string // that the route groups by
	Since    int64             // event time at which the group's oldest open alert opened, ms
	Alerts   []Notice          // firing ones first, then by opening, oldest first
	Omitted  int               // alerts that are not listed because there are too many
	Counts   []Count           // of a digest: what was held back, by rule and key, most frequent first
	Link     string            // address of the group's newest alert in the console; "" if no address is known
	Attempt  int               // from 1
	Memo     string            // what the notifier returned of the last delivered notification of the group; "" of the first
}

// Notice is one alert in a notification.
type Notice struct {
	Alert *Alert
	New   bool   // the receiver is told of its opening for the first time
	Link  string // its address in the console; "" if none is known
}

// Count is a line of a digest.
type Count struct {
	Rule     string
	Severity string
	Key      []string // nil: the remaining keys of the rule
	By       []string // the names of the key's fields
	Alerts   int
}

// Kinds of notifications beside those of messages.
const (
	KindReminder     Kind = "reminder"     // nothing changed; the group is still firing after repeat_interval
	KindAcknowledged Kind = "acknowledged" // somebody takes care of it
	KindEscalated    Kind = "escalated"    // nobody did in time: the next receiver is told
	KindDigest       Kind = "digest"       // too many at once: they are counted by rule and key
	KindTest         Kind = "test"         // kelpie receivers test
)

// GroupNotifier tells one receiver of groups of alerts. It is called by one goroutine at a time and returns soon after
// ctx is done. An error says by Permanent and RetryAfter whether and when to try again; every other error may pass.
//
// Conformance: alerttest.TestGroupNotifier.
type GroupNotifier interface {
	// NotifyGroup delivers n. What it returns is kept with the group and given to the next notification of it (a message's
	// timestamp, say, so that it can be edited).
	NotifyGroup(ctx context.Context, n *Notification) (memo string, err error)
}

// GroupReceiver is somebody who is told of groups of alerts, in one way or in several.
type GroupReceiver struct {
	ReceiverSpec
	Notifiers []NamedNotifier
}

// NamedNotifier is one way to a receiver, under the name by which it is remembered what it has been told.
type NamedNotifier struct {
	Kind     string // slack, webhook, …
	Notifier GroupNotifier
}

// DeliveryError says of a failed delivery what is known about another try.
type DeliveryError struct {
	Err   error
	Final bool          // the receiver refuses this notification; another try will not help
	After time.Duration // the receiver asks not to be called before; 0: it says nothing
	Code  int           // the HTTP status that it answered with; 0: none
}

// Error implements error.
func (e *DeliveryError) Error() string { return e.Err.Error() }

// Unwrap returns what it is about.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Permanent reports whether another try of the delivery cannot succeed.
func Permanent(err error) bool {
	var e *DeliveryError
	return errors.As(err, &e) && e.Final
}

// RetryAfter returns how long the receiver asked to be left alone; 0 if it did not.
func RetryAfter(err error) time.Duration {
	var e *DeliveryError
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}
