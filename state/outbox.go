package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Message is one thing to be sent: committed together with the reason for it, delivered later by the dispatcher.
type Message struct {
	Sequence uint64 // in the order of commits, from 1
	Alert    string // the alert's id
	Kind     string // opened, updated, resolved
	Payload  []byte // JSON, as the alert was then
}

type pendingMessage struct{ Message }

// Delivery is what became of a message at one receiver. These rows belong to the dispatcher.
type Delivery struct {
	Receiver string `json:"receiver"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitempty"` // of the last attempt
	Next     int64  `json:"next,omitempty"`  // time of the next attempt, ms
	Done     int64  `json:"done,omitempty"`  // when it was delivered or given up, ms
	GivenUp  bool   `json:"given_up,omitempty"`
}

// Deliveries is what became of a message at all of its receivers.
type Deliveries struct {
	Receivers []Delivery `json:"receivers"`      // sorted by receiver
	Done      int64      `json:"done,omitempty"` // when the last receiver was done, ms
}

// Enqueue adds a message to the outbox. It gets its sequence number when the batch is committed. The payload is
// kept until then.
func (b *Batch) Enqueue(alert, kind string, payload []byte) {
	b.outbox = append(b.outbox, pendingMessage{Message{Alert: alert, Kind: kind, Payload: payload}})
}

// numberMessages moves the batch's messages into it under the next sequence numbers.
func (s *Store) numberMessages(b *Batch) {
	for i := range b.outbox {
		m := &b.outbox[i].Message
		s.numbering.counters.Outbox++
		m.Sequence = s.numbering.counters.Outbox
		b.key = appendSeq(b.key[:0], kindOutbox, m.Sequence)
		b.note(b.b.Set(b.key, appendMessage(nil, m), nil))
		b.key = appendOutboxOf(b.key[:0], m.Alert, m.Sequence)
		b.note(b.b.Set(b.key, nil, nil))
	}
}

// SetDeliveries notes what became of a message so far.
func (b *Batch) SetDeliveries(seq uint64, d Deliveries) {
	v, err := json.Marshal(d)
	if err != nil {
		b.note(err)
		return
	}
	b.key = appendSeq(b.key[:0], kindDelivery, seq)
	b.note(b.b.Set(b.key, v, nil))
}

// DeleteMessage takes a message, with its deliveries, out of the outbox.
func (b *Batch) DeleteMessage(m Message) {
	b.key = appendSeq(b.key[:0], kindOutbox, m.Sequence)
	b.note(b.b.Delete(b.key, nil))
	b.key = appendSeq(b.key[:0], kindDelivery, m.Sequence)
	b.note(b.b.Delete(b.key, nil))
	b.key = appendOutboxOf(b.key[:0], m.Alert, m.Sequence)
	b.note(b.b.Delete(b.key, nil))
}

// OutboxReady returns a channel that holds a token whenever a commit has added to the outbox since it was last
// received from.
func (s *Store) OutboxReady() <-chan struct{} { return s.ready }

// Outbox calls f with every message whose sequence number is at least from, with what became of it so far. Both
// belong to f. f returns false to end the scan.
func (s *Store) Outbox(from uint64, f func(Message, Deliveries) (bool, error)) error {
	return s.scan([]byte{kindOutbox}, appendSeq(nil, kindOutbox, from), func(k, v []byte) (bool, error) {
		m, err := decodeMessage(k, v)
		if err != nil {
			return false, err
		}
		d, err := s.deliveries(m.Sequence)
		if err != nil {
			return false, err
		}
		return f(m, d)
	})
}

// OutboxOf returns an alert's messages that are still in the outbox, with what became of them.
func (s *Store) OutboxOf(alert string) (ms []Message, ds []Deliveries, err error) {
	prefix := append(appendNamed(nil, kindOutboxOf, alert), 0)
	err = s.scan(prefix, nil, func(k, _ []byte) (bool, error) {
		if len(k) != len(prefix)+8 {
			return false, damaged("outbox index", k)
		}
		key := appendSeq(nil, kindOutbox, be.Uint64(k[len(prefix):]))
		v, err := s.get(key, nil)
		if err != nil || v == nil {
			return v == nil, err
		}
		m, err := decodeMessage(key, v)
		if err != nil {
			return false, err
		}
		d, err := s.deliveries(m.Sequence)
		ms, ds = append(ms, m), append(ds, d)
		return true, err
	})
	return ms, ds, err
}

func (s *Store) deliveries(seq uint64) (d Deliveries, err error) {
	v, err := s.get(appendSeq(nil, kindDelivery, seq), nil)
	if err != nil || v == nil {
		return d, err
	}
	return decodeDeliveries(seq, v)
}

func decodeDeliveries(seq uint64, v []byte) (d Deliveries, err error) {
	if err := json.Unmarshal(v, &d); err != nil {
		return d, fatal(fmt.Sprintf("read deliveries of message %d", seq), err)
	}
	return d, nil
}

// A message's value: version u8 = 1 | kind | alert | payload, the first two with their length as uvarint before them.
const messageVersion = 1

func appendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, messageVersion)
	dst = appendText(dst, m.Kind)
	dst = appendText(dst, m.Alert)
	return append(dst, m.Payload...)
}

func decodeMessage(key, v []byte) (m Message, err error) {
	seq, ok := parseSeq(key)
	if !ok || len(v) == 0 || v[0] != messageVersion {
		return m, damaged("message", key)
	}
	m.Sequence = seq
	rest := v[1:]
	if m.Kind, rest, ok = cutText(rest); !ok {
		return m, damaged("message", key)
	}
	if m.Alert, rest, ok = cutText(rest); !ok {
		return m, damaged("message", key)
	}
	m.Payload = bytes.Clone(rest)
	return m, nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// cutText reads what appendText wrote from the front of b.
func cutText(b []byte) (s string, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, false
	}
	return string(b[size : size+int(n)]), b[size+int(n):], true
}
