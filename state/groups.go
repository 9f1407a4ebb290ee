package state

import (
	"bytes"
	"encoding/binary"
)

// What package alert keeps of groups of alerts and of notifications about them is its own business; here it is bytes
// under keys. These rows belong to the dispatcher, which commits them apart from the fold.

// SetGroup sets a group.
func (b *Batch) SetGroup(id string, value []byte) { b.setMeta(kindGroup, id, value) }

// DeleteGroup deletes a group; its members are deleted one by one.
func (b *Batch) DeleteGroup(id string) { b.deleteNamed(kindGroup, id) }

// SetMember sets what is known of an alert in a group.
func (b *Batch) SetMember(alert, group string, value []byte) {
	b.key = appendMember(b.key[:0], alert, group)
	b.note(b.b.Set(b.key, value, nil))
}

// DeleteMember takes an alert out of a group.
func (b *Batch) DeleteMember(alert, group string) {
	b.key = appendMember(b.key[:0], alert, group)
	b.note(b.b.Delete(b.key, nil))
}

// SetNotification sets a notification about alerts.
func (b *Batch) SetNotification(seq uint64, alerts []string, value []byte) {
	b.key = appendSeq(b.key[:0], kindNotification, seq)
	b.note(b.b.Set(b.key, value, nil))
	for _, id := range alerts {
		b.key = appendAlertSeq(b.key[:0], kindNotificationOf, id, seq)
		b.note(b.b.Set(b.key, nil, nil))
	}
}

// SetOutcome sets what became of a notification so far.
func (b *Batch) SetOutcome(seq uint64, value []byte) {
	b.key = appendSeq(b.key[:0], kindOutcome, seq)
	b.note(b.b.Set(b.key, value, nil))
}

// DeleteNotification deletes a notification about alerts, with its outcome.
func (b *Batch) DeleteNotification(seq uint64, alerts []string) {
	for _, kind := range []byte{kindNotification, kindOutcome} {
		b.key = appendSeq(b.key[:0], kind, seq)
		b.note(b.b.Delete(b.key, nil))
	}
	for _, id := range alerts {
		b.key = appendAlertSeq(b.key[:0], kindNotificationOf, id, seq)
		b.note(b.b.Delete(b.key, nil))
	}
}

// SetRouter notes up to which message the outbox has been put into groups, and how many notifications have ever been
// made.
func (b *Batch) SetRouter(upTo, notifications uint64) {
	b.setMeta(kindMeta, metaRouter, be.AppendUint64(be.AppendUint64(nil, upTo), notifications))
}

// DeleteRouter forgets what SetRouter noted.
func (b *Batch) DeleteRouter() { b.deleteNamed(kindMeta, metaRouter) }

// Router returns what SetRouter noted; ok is false if it did not.
func (s *Store) Router() (upTo, notifications uint64, ok bool, err error) {
	v, err := s.get(appendNamed(nil, kindMeta, metaRouter), nil)
	if err != nil || v == nil {
		return 0, 0, false, err
	}
	if len(v) != 16 {
		return 0, 0, false, damaged("router", []byte(metaRouter))
	}
	return be.Uint64(v), be.Uint64(v[8:]), true, nil
}

// Groups returns all groups, by id.
func (s *Store) Groups() ([]Named, error) { return s.named(kindGroup, "") }

// Group returns a group; nil if there is none.
func (s *Store) Group(id string) ([]byte, error) { return s.get(appendNamed(nil, kindGroup, id), nil) }

// Member is an alert in a group.
type Member struct {
	Alert, Group string
	Value        []byte
}

// Members calls f with every member of every group, or, if alert is not "", with those of one alert.
func (s *Store) Members(alert string, f func(Member) error) error {
	prefix := []byte{kindMember}
	if alert != "" {
		prefix = appendMember(nil, alert, "")
	}
	return s.scan(prefix, nil, func(k, v []byte) (bool, error) {
		alert, group, ok := bytes.Cut(k[1:], []byte{0})
		if !ok {
			return false, damaged("member", k)
		}
		return true, f(Member{string(alert), string(group), bytes.Clone(v)})
	})
}

// Notification returns a notification; nil if it is not kept any more.
func (s *Store) Notification(seq uint64) ([]byte, error) {
	return s.get(appendSeq(nil, kindNotification, seq), nil)
}

// Outcome returns what became of a notification; nil if it is not kept any more.
func (s *Store) Outcome(seq uint64) ([]byte, error) {
	return s.get(appendSeq(nil, kindOutcome, seq), nil)
}

// Outcomes calls f with what became of every notification that is kept, oldest first. The value is f's only while it
// runs. f returns false to end the scan.
func (s *Store) Outcomes(f func(seq uint64, value []byte) (bool, error)) error {
	return s.scan([]byte{kindOutcome}, nil, func(k, v []byte) (bool, error) {
		seq, ok := parseSeq(k)
		if !ok {
			return false, damaged("outcome", k)
		}
		return f(seq, v)
	})
}

// NotificationsOf returns the numbers of the notifications about an alert that are kept, oldest first.
func (s *Store) NotificationsOf(alert string) (seqs []uint64, err error) {
	prefix := append(appendNamed(nil, kindNotificationOf, alert), 0)
	err = s.scan(prefix, nil, func(k, _ []byte) (bool, error) {
		if len(k) != len(prefix)+8 {
			return false, damaged("index of notifications", k)
		}
		seqs = append(seqs, binary.BigEndian.Uint64(k[len(prefix):]))
		return true, nil
	})
	return seqs, err
}
