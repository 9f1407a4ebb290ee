package kafka

import (
	"context"
	"errors"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

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
		s.where = append(s.where, PartitionOf(m.Key, len(s.p.topic.partitions)))
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
	s.p.written.failures.Add(1)
	var code kafkago.Error
	refused := errors.As(err, &code) && refuses(code)
	for _, i := range which {
		s.state[i] = Failure{Index: i, Permanent: permanent(err), Refused: refused, Reason: err}
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
	s.acknowledged(chunk)
	return nil
}
