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

// Delivery is what became of a message at one receiver. These rows belong to the dispatcher.
type Delivery struct {
	Receiver string `json:"receiver"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitempty"` // of the last attempt
	Next     int64  `json:"next,omitempty"`  // time of the next attempt, ms since the epoch
	Done     int64  `json:"done,omitempty"`  // when it was delivered or given up, ms since the epoch
	GivenUp  bool   `json:"given_up,omitempty"`
}

// Enqueue adds a message to the outbox. It gets its sequence number when the batch is committed. The payload is
// kept until then.
func (b *Batch) Enqueue(alert, kind string, payload []byte) {
	b.outbox = append(b.outbox, Message{Alert: alert, Kind: kind, Payload: payload})
}

// numberMessages moves the batch's messages into it under the next sequence numbers.
func (s *Store) numberMessages(b *Batch) {
	for i := range b.outbox {
		m := &b.outbox[i]
		s.numbering.counters.Outbox++
		m.Sequence = s.numbering.counters.Outbox
		b.key = appendSeq(b.key[:0], kindOutbox, m.Sequence)
		b.note(b.b.Set(b.key, appendMessage(nil, m), nil))
		b.key = appendOutboxOf(b.key[:0], m.Alert, m.Sequence)
		b.note(b.b.Set(b.key, nil, nil))
	}
}

// SetDelivery notes what became of a message at a receiver so far.
func (b *Batch) SetDelivery(seq uint64, d Delivery) {
	v, err := json.Marshal(d)
	if err != nil {
		b.note(err)
		return
	}
	b.key = append(appendSeq(b.key[:0], kindDelivery, seq), d.Receiver...)
	b.note(b.b.Set(b.key, v, nil))
}

// SetReceiver notes that a receiver is done with all messages up to a sequence number.
func (b *Batch) SetReceiver(name string, upTo uint64) {
	b.setMeta(kindReceiver, name, be.AppendUint64(nil, upTo))
}

// DeleteReceiver forgets a receiver.
func (b *Batch) DeleteReceiver(name string) { b.deleteNamed(kindReceiver, name) }

// DeleteMessages takes messages, which must be the oldest in the outbox and in order, out of it with their deliveries.
func (b *Batch) DeleteMessages(ms []Message) {
	if len(ms) == 0 {
		return
	}
	end := ms[len(ms)-1].Sequence + 1
	for _, kind := range []byte{kindOutbox, kindDelivery} {
		b.note(b.b.DeleteRange([]byte{kind}, appendSeq(nil, kind, end), nil))
	}
	for i := range ms {
		b.deleteOutboxOf(&ms[i])
	}
}

// DeleteMessage takes one message, wherever it stands, out of the outbox with its deliveries.
func (b *Batch) DeleteMessage(m Message) {
	b.key = appendSeq(b.key[:0], kindOutbox, m.Sequence)
	b.note(b.b.Delete(b.key, nil))
	b.note(b.b.DeleteRange(appendSeq(nil, kindDelivery, m.Sequence), appendSeq(nil, kindDelivery, m.Sequence+1), nil))
	b.deleteOutboxOf(&m)
}

func (b *Batch) deleteOutboxOf(m *Message) {
	b.key = appendOutboxOf(b.key[:0], m.Alert, m.Sequence)
	b.note(b.b.Delete(b.key, nil))
}

// OutboxReady returns a channel that holds a token whenever further messages may be sent, or silences have changed, since
// it was last received from.
func (s *Store) OutboxReady() <-chan struct{} { return s.ready }

// LastMessage returns the sequence number of the newest message ever committed; 0 if there was none.
func (s *Store) LastMessage() uint64 {
	s.numbering.Lock()
	defer s.numbering.Unlock()
	return s.numbering.counters.Outbox
}

// Released returns the sequence number up to which messages may be sent, and a channel that is closed when there are
// more. Any number may wait for it.
func (s *Store) Released() (upTo uint64, more <-chan struct{}) {
	w := &s.watched
	w.Lock()
	defer w.Unlock()
	if w.more == nil {
		w.more = make(chan struct{})
	}
	return s.released.Load(), w.more
}

func (s *Store) wakeWatchers() {
	w := &s.watched
	w.Lock()
	defer w.Unlock()
	if w.more != nil {
		close(w.more)
		w.more = nil
	}
}

// Outbox calls f with every message whose sequence number is at least from and that may be sent: a crash will not take
// back what it is about, since a commit has been synced. The message belongs to f. f returns false to end the scan.
func (s *Store) Outbox(from uint64, f func(Message) (bool, error)) error {
	last := s.released.Load()
	return s.scan([]byte{kindOutbox}, appendSeq(nil, kindOutbox, from), func(k, v []byte) (bool, error) {
		m, err := decodeMessage(k, v)
		if err != nil || m.Sequence > last {
			return false, err
		}
		return f(m)
	})
}

// OutboxOf returns an alert's messages that are still in the outbox, oldest first.
func (s *Store) OutboxOf(alert string) (ms []Message, err error) {
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
		ms = append(ms, m)
		return true, err
	})
	return ms, err
}

// Deliveries returns what became of a message so far, by receiver.
func (s *Store) Deliveries(seq uint64) (ds []Delivery, err error) {
	err = s.scan(appendSeq(nil, kindDelivery, seq), nil, func(k, v []byte) (bool, error) {
		d, err := decodeDelivery(k, v)
		ds = append(ds, d)
		return true, err
	})
	return ds, err
}

// Delivery returns what became of a message at a receiver so far; no attempts if there is no row.
func (s *Store) Delivery(seq uint64, receiver string) (d Delivery, err error) {
	key := append(appendSeq(nil, kindDelivery, seq), receiver...)
	v, err := s.get(key, nil)
	if err != nil || v == nil {
		return Delivery{Receiver: receiver}, err
	}
	return decodeDelivery(key, v)
}

// Receivers returns for every known receiver the sequence number up to which it is done.
func (s *Store) Receivers() (upTo map[string]uint64, err error) {
	upTo = map[string]uint64{}
	err = s.scan([]byte{kindReceiver}, nil, func(k, v []byte) (bool, error) {
		if len(v) != 8 {
			return false, damaged("receiver", k)
		}
		upTo[string(k[1:])] = be.Uint64(v)
		return true, nil
	})
	return upTo, err
}

func decodeDelivery(key, v []byte) (d Delivery, err error) {
	if err := json.Unmarshal(v, &d); err != nil {
		return d, fatal(fmt.Sprintf("read delivery at key %x", key), err)
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
