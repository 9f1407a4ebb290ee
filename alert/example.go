package alert

import "kelpie/event"

// Kinds returns every kind of notification.
func Kinds() []Kind {
	return []Kind{KindOpened, KindUpdated, KindResolved, KindReminder, KindAcknowledged, KindEscalated, KindDigest, KindTest}
}

// Example returns a notification of a kind about an alert that never was, at a time (ms): what a receiver is tried with.
// Every member is set that such a notification can have.
func Example(kind Kind, receiver string, at int64) *Notification {
	opened := at - 90_000
	a := &Alert{
		Rule: "example-rule", Key: []string{"example-key"}, Severity: "info", Mode: "alert", State: Firing,
		Opened: opened, Updated: at, Opener: Opener{Event: "example-event", Position: "example@1"},
		Message: `This is a test. Nothing has happened, and there is nothing to do: "example-key" < 10 & > 5.`,
		Values:  []Value{{Name: "orders", Value: event.IntValue(6), Limit: "> 5"}, {Name: "amount", Value: event.FloatValue(250.5)}},
		Labels:  map[string]string{"team": "example"}, Actions: []string{receiver}, Evaluations: 2, Rules: "example",
	}
	a.ID = ID(a.Rule, a.Key, opened, a.Opener)
	n := &Notification{
		Key: "example/" + a.ID + "/" + string(kind), Group: "example/" + a.ID, Receiver: receiver, Kind: kind, State: Firing,
		Labels: map[string]string{"rule": a.Rule}, Since: opened, Alerts: []Notice{{Alert: a, New: kind == KindOpened}}, Attempt: 1,
	}
	switch kind {
	case KindResolved:
		a.State, a.Resolved, a.Reason, n.State = Resolved, at, Condition, Resolved
	case KindAcknowledged:
		a.Acknowledged = &Mark{By: "example", At: at, Comment: "on it"}
	case KindDigest:
		n.Alerts, n.Counts = nil, []Count{{Rule: a.Rule, Severity: a.Severity, Key: a.Key, Alerts: 12}, {Rule: a.Rule, Severity: a.Severity, Alerts: 30}}
	}
	return n
}
