package alert

import (
	"context"
	"encoding/json"
	"fmt"

	"kelpie/state"
)

// Message is one thing to be told.
type Message struct {
	Key     string // the same whenever this message is sent again, and of no other message
	Kind    Kind
	Attempt int    // from 1
	Alert   *Alert // as it was when the message was committed
}

// Notifier tells one receiver. It is called by one goroutine at a time.
//
// Conformance: alerttest.TestNotifier.
type Notifier interface {
	// Notify delivers the message. Of an error it says whether another try may succeed (the receiver is down, a disk is
	// full) or not (the receiver refuses this message). It returns soon after ctx is done.
	Notify(ctx context.Context, m Message) (retry bool, err error)
}

// Flusher is a Notifier for which a message is delivered only when a Flush after its Notify has returned nil. The
// dispatcher calls it after a few messages.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Receiver is a notifier under the name by which the outbox remembers what it has been sent.
type Receiver struct {
	Name     string
	Notifier Notifier
}

// EncodeMessage writes the message as one JSON object, as files, standard output and webhooks send it.
func EncodeMessage(m Message) ([]byte, error) {
	return marshal(struct {
		Kind  Kind   `json:"kind"`
		Key   string `json:"message_key"`
		Alert *Alert `json:"alert"`
	}{m.Kind, m.Key, m.Alert})
}

// messageOf reads a row of the outbox.
func messageOf(row state.Message) (Message, error) {
	m := Message{Kind: Kind(row.Kind), Alert: new(Alert)}
	if err := json.Unmarshal(row.Payload, m.Alert); err != nil {
		return m, fmt.Errorf("alert: message %d: %w", row.Sequence, err)
	}
	m.Key = messageKey(m.Kind, m.Alert)
	return m, nil
}

// messageKey makes a message's key: an alert opens once and resolves once, and is judged true again, and acknowledged,
// any number of times.
func messageKey(k Kind, a *Alert) string {
	switch {
	case k == KindUpdated:
		return fmt.Sprintf("%s/%s/%d", a.ID, k, a.Evaluations)
	case k == KindAcknowledged && a.Acknowledged != nil:
		return fmt.Sprintf("%s/%s/%d", a.ID, k, a.Acknowledged.At)
	}
	return a.ID + "/" + string(k)
}
