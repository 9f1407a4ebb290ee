package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
)

// Message is a record to be written. Who may send one twice gives it an id, in a header or in the value, by which readers
// know it again: after a lost answer a record may be there twice.
type Message struct {
	Key     []byte // records of one key come in order; nil: all in one partition
	Value   []byte // nil is a tombstone
	Headers []Header
	Time    int64 // ms since the epoch
}

// Header is one header of a Message.
type Header struct {
	Name  string
	Value []byte
}

// SendError says which messages were not acknowledged. Those may be in the topic even so, if it was the answer that was
// lost.
type SendError struct {
	Failed []Failure // in the order of the messages
}

// Failure is why one message was not acknowledged.
type Failure struct {
	Index     int  // of the message
	Permanent bool // it will not be taken, however often it is sent, unless somebody changes settings
	Refused   bool // it is this message that is not taken, whatever the settings are here: it is too large, it has no key
	Reason    error
}

// Error says how many, and why the first one.
func (e *SendError) Error() string {
	return fmt.Sprintf("kafka: %d messages are not acknowledged: %v", len(e.Failed), e.Failed[0].Reason)
}

// Unwrap returns why the first one was not.
func (e *SendError) Unwrap() error { return e.Failed[0].Reason }

// Permanent reports whether sending again is of no use for any of them.
func (e *SendError) Permanent() bool {
	for _, f := range e.Failed {
		if !f.Permanent {
			return false
		}
	}
	return true
}

// Refused reports whether all of them were refused for what they are: that is permanent, whatever anybody changes here.
func (e *SendError) Refused() bool {
	for _, f := range e.Failed {
		if !f.Refused {
			return false
		}
	}
	return true
}

// ProducerOptions say how a Producer works.
type ProducerOptions struct {
	Tries int // of one Send, with pauses between, while brokers or leaders are not there; default 5
}

// Producer writes to one topic. What Send has sent is on all replicas that are in sync. The partition of a key is that
// which Kafka's own producers choose.
type Producer struct {
	t      Target
	tries  int
	client *client

	written written

	mu     sync.Mutex // one Send after the other: so keys stay in order
	topic  *topic
	addrs  map[int32]string
	closed bool
}

// OpenProducer returns a Producer. It waits for no broker.
func OpenProducer(t Target, o ProducerOptions) (*Producer, error) {
	t.Connection = t.WithDefaults()
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	c, err := newClient(t.Connection)
	if err != nil {
		return nil, err
	}
	or(&o.Tries, 5)
	return &Producer{t: t, tries: o.Tries, client: c}, nil
}

// Close ends all connections. A Send that is under way is waited for.
func (p *Producer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.client.close()
	return nil
}

// mostToSend is how many bytes of one partition are in one request.
const mostToSend = 512 << 10

// Send writes messages and waits until they are acknowledged. It tries again for a while where that may help. Its error is
// a *SendError, or ErrClosed.
func (p *Producer) Send(ctx context.Context, ms []Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("kafka: %w", ErrClosed)
	}
	s := &sending{p: p, ms: ms, state: make([]Failure, len(ms)), most: mostToSend}
	for i := range s.state {
		s.state[i] = Failure{Index: i, Reason: errNotSent}
	}
	for try := 0; ; try++ {
		err := s.round(ctx)
		if s.done() {
			break
		}
		if err != nil {
			p.topic = nil // leaders may be others
		}
		if ctx.Err() != nil || try == p.tries-1 || permanent(err) {
			break
		}
		sleep(ctx, backoff(try))
	}
	return s.result()
}

// errNotSent is why a message was not acknowledged that did not get its turn.
var errNotSent = errors.New("it was not sent")

// find learns the topic's leaders, if they are not known.
func (p *Producer) find(ctx context.Context) error {
	if p.topic != nil {
		return nil
	}
	found, err := p.client.metadata(ctx, []string{p.t.Topic})
	if err != nil {
		return err
	}
	t := found.topics[p.t.Topic]
	if t == nil || t.err != 0 || len(t.partitions) == 0 {
		code := kafkago.UnknownTopicOrPartition
		if t != nil && t.err != 0 {
			code = t.err
		}
		return p.refused(code)
	}
	p.topic, p.addrs = t, found.brokers
	return nil
}

// PartitionOf returns the partition that Kafka's own producers choose for a key, of so many. All without a key are in one.
func PartitionOf(key []byte, partitions int) int32 {
	ids := make([]int, partitions)
	for i := range ids {
		ids[i] = i
	}
	return int32(kafkago.Murmur2Balancer{Consistent: true}.Balance(kafkago.Message{Key: key}, ids...))
}

// refusal is what a broker has against a message.
type refusal struct {
	topic string
	code  kafkago.Error
}

func (p *Producer) refused(code kafkago.Error) error { return &refusal{p.t.Topic, code} }

// Error says it in words.
func (r *refusal) Error() string { return "topic " + r.topic + ": " + describe(r.code) }

// Unwrap returns Kafka's error.
func (r *refusal) Unwrap() error { return r.code }

// permanent reports whether an error stays whatever is done here.
func permanent(err error) bool {
	var connect *ConnectError
	if errors.As(err, &connect) && connect.Fix {
		return true
	}
	var code kafkago.Error
	if !errors.As(err, &code) {
		return false
	}
	switch code {
	case kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed, kafkago.InvalidTopic, kafkago.PolicyViolation,
		kafkago.UnsupportedForMessageFormat:
		return true
	}
	return refuses(code)
}

// refuses reports whether a code is about the message itself.
func refuses(code kafkago.Error) bool {
	switch code {
	case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge, kafkago.InvalidTimestamp, invalidRecord:
		return true
	}
	return false
}

// invalidRecord says that a record is none that the topic takes: one without a key in a compacted topic.
const invalidRecord kafkago.Error = 87
