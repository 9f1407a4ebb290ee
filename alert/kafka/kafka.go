// Package kafka writes notifications as records of a topic of Kafka: the document that webhooks are sent, under a key that
// keeps a group's records in order, with headers that say what it is before it is read.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/source/kafka"
)

// Notifier writes to one topic.
type Notifier struct {
	producer *kafka.Producer
	max      int // bytes of a value
	now      func() time.Time
}

// tries are few: the one who calls tries again, with pauses that grow. A second one finds leaders that have moved.
const tries = 2

// New returns a notifier with the given settings, which must be valid. It reads the files of certificates, and waits for
// no broker.
func New(s Spec, o post.Options) (*Notifier, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if s.MaxBody == 0 {
		s.MaxBody = defaultMaxBody
	}
	p, err := kafka.OpenProducer(s.Target, kafka.ProducerOptions{Tries: tries})
	if err != nil {
		return nil, err
	}
	return &Notifier{p, int(s.MaxBody), o.WithDefaults().Now}, nil
}

// Close closes the connections.
func (n *Notifier) Close() error { return n.producer.Close() }

// Stats returns what has been written to the topic.
func (n *Notifier) Stats() kafka.ProducerStats { return n.producer.Stats() }

// NotifyGroup implements alert.GroupNotifier. A topic remembers nothing of a group.
func (n *Notifier) NotifyGroup(ctx context.Context, note *alert.Notification) (memo string, err error) {
	m, err := message(note, n.max, n.now().UnixMilli())
	if err != nil {
		return "", &alert.DeliveryError{Err: fmt.Errorf("kafka: %w", err), Final: true}
	}
	err = n.producer.Send(ctx, []kafka.Message{m})
	var failed *kafka.SendError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &failed):
		// What is about brokers, the topic or permissions may be mended by people, as long as the dispatcher goes on.
		return "", &alert.DeliveryError{Err: fmt.Errorf("kafka: %w", failed.Unwrap()), Final: failed.Refused()}
	}
	return "", err
}
