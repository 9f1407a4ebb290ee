package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
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
	Permanent bool // it will not be taken, however often it is sent
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

// Producer writes to one topic. What Send has sent is on all replicas that are in sync. The partition of a key is that
// which Kafka's own producers choose.
type Producer struct {
	t      Target
	client *client

	mu     sync.Mutex // one Send after the other: so keys stay in order
	topic  *topic
	addrs  map[int32]string
	closed bool
}

// OpenProducer returns a Producer. It waits for no broker.
func OpenProducer(t Target) (*Producer, error) {
	t.Connection = t.WithDefaults()
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	c, err := newClient(t.Connection)
	if err != nil {
		return nil, err
	}
	return &Producer{t: t, client: c}, nil
}

// Close ends all connections. A Send that is under way is waited for.
func (p *Producer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.client.close()
	return nil
}

const (
	attempts   = 5         // of one Send, while brokers or leaders are not there
	mostToSend = 512 << 10 // bytes of one partition in one request
)

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
		if ctx.Err() != nil || try == attempts-1 || permanent(err) {
			break
		}
		sleep(ctx, backoff(try))
	}
	return s.result()
}

// errNotSent is why a message was not acknowledged that did not get its turn.
var errNotSent = errors.New("it was not sent")

// sending is one Send.
type sending struct {
	p     *Producer
	ms    []Message
	state []Failure // Reason nil: acknowledged
	where []int32   // the partition of each message
	most  int       // bytes of one partition in one request
}

// done reports whether nothing is left to be sent.
func (s *sending) done() bool {
	for _, f := range s.state {
		if f.Reason != nil && !f.Permanent {
			return false
		}
	}
	return true
}

func (s *sending) result() error {
	e := &SendError{}
	for _, f := range s.state {
		if f.Reason != nil {
			e.Failed = append(e.Failed, f)
		}
	}
	if len(e.Failed) == 0 {
		return nil
	}
	return e
}

// round sends all that is left, each partition's messages in order. Its error is a reason to look for leaders again.
func (s *sending) round(ctx context.Context) error {
	if err := s.p.find(ctx); err != nil {
		s.fail(s.left(), err)
		return err
	}
	s.where = s.where[:0]
	for _, m := range s.ms {
		s.where = append(s.where, s.p.partition(m.Key))
	}
	var errs []error
	for _, l := range s.p.topic.partitions {
		for {
			chunk := s.chunk(l.id)
			if len(chunk) == 0 {
				break
			}
			err := s.send(ctx, l, chunk)
			if err != nil && s.smaller(err, chunk) {
				continue
			}
			if err != nil {
				s.fail(chunk, err)
			}
			if err != nil && !permanent(err) {
				errs = append(errs, err)
				break // what comes behind must wait
			}
		}
	}
	return errors.Join(errs...)
}

// left returns the messages that have no end yet.
func (s *sending) left() (all []int) {
	for i, f := range s.state {
		if f.Reason != nil && !f.Permanent {
			all = append(all, i)
		}
	}
	return all
}

func (s *sending) fail(which []int, err error) {
	for _, i := range which {
		s.state[i].Reason, s.state[i].Permanent = err, permanent(err)
	}
}

// chunk returns the next messages of a partition.
func (s *sending) chunk(partition int32) (chunk []int) {
	bytes := 0
	for _, i := range s.left() {
		if s.where[i] != partition {
			continue
		}
		if bytes += s.ms[i].size(); len(chunk) > 0 && bytes > s.most {
			break
		}
		chunk = append(chunk, i)
	}
	return chunk
}

// smaller reports whether the broker may take less at once.
func (s *sending) smaller(err error, chunk []int) bool {
	if !errors.Is(err, kafkago.MessageSizeTooLarge) && !errors.Is(err, kafkago.RecordListTooLarge) || len(chunk) == 1 {
		return false
	}
	s.most /= 2
	return true
}

func (m *Message) size() int {
	n := len(m.Key) + len(m.Value) + 64
	for _, h := range m.Headers {
		n += len(h.Name) + len(h.Value) + 8
	}
	return n
}

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

// partition returns where a key belongs.
func (p *Producer) partition(key []byte) int32 {
	ids := make([]int, len(p.topic.partitions))
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
	case kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed, kafkago.InvalidTopic, kafkago.MessageSizeTooLarge,
		kafkago.RecordListTooLarge, kafkago.PolicyViolation, kafkago.InvalidTimestamp, kafkago.UnsupportedForMessageFormat, invalidRecord:
		return true
	}
	return false
}

// invalidRecord says that a record is none that the topic takes: one without a key in a compacted topic.
const invalidRecord kafkago.Error = 87

// send writes a chunk of messages to a partition.
func (s *sending) send(ctx context.Context, l leadership, chunk []int) error {
	p := s.p
	addr, known := p.addrs[l.leader]
	if !known {
		return p.refused(kafkago.LeaderNotAvailable)
	}
	return p.client.on(ctx, addr, func(conn *conn) error { return s.ask(ctx, conn, l.id, chunk) })
}

// request returns the request that writes a chunk. The library empties it when it is sent.
func (s *sending) request(partition int32, chunk []int) *produce.Request {
	records := make([]protocol.Record, len(chunk))
	for n, i := range chunk {
		m := &s.ms[i]
		r := protocol.Record{Time: time.UnixMilli(m.Time), Key: protocol.NewBytes(m.Key), Value: protocol.NewBytes(m.Value)}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, protocol.Header{Key: h.Name, Value: h.Value})
		}
		records[n] = r
	}
	set := protocol.RecordSet{Attributes: protocol.Attributes(compressions[s.p.t.Compression]), Records: protocol.NewRecordReader(records...)}
	return &produce.Request{
		Acks: -1, Timeout: int32(s.p.client.d.timeout.Milliseconds() / 2),
		Topics: []produce.RequestTopic{{Topic: s.p.t.Topic, Partitions: []produce.RequestPartition{{Partition: partition, RecordSet: set}}}},
	}
}

// ask sends a chunk, and notes that it was acknowledged.
func (s *sending) ask(ctx context.Context, conn *conn, partition int32, chunk []int) error {
	m, err := conn.ask(ctx, s.request(partition, chunk))
	if err != nil {
		return err
	}
	topics := m.(*produce.Response).Topics
	if len(topics) != 1 || len(topics[0].Partitions) != 1 {
		return errNotKafka
	}
	if code := topics[0].Partitions[0].ErrorCode; code != 0 {
		return s.p.refused(kafkago.Error(code))
	}
	for _, i := range chunk {
		s.state[i].Reason = nil
	}
	return nil
}
