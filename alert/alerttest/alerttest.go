// Package alerttest holds what every notifier has to keep to, as a test, and a receiver for tests that fails on
// demand.
package alerttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kelpie/alert"
	"kelpie/event"
)

// Subject is a notifier under test and a way to see what it has delivered.
type Subject struct {
	Notifier alert.Notifier
	// Delivered returns the ids of the alerts whose messages have arrived, in the order of arrival. A message that arrived
	// twice may be there twice.
	Delivered func() []string
}

// TestNotifier runs the suite. New makes a subject with an empty receiver.
func TestNotifier(t *testing.T, New func(t *testing.T) Subject) {
	t.Run("delivers in order", func(t *testing.T) {
		s := New(t)
		var want []string
		for i := range 20 {
			m := Message(i, alert.KindOpened)
			want = append(want, m.Alert.ID)
			s.notify(t, m)
		}
		s.flush(t)
		s.check(t, want)
	})
	t.Run("every kind of message", func(t *testing.T) {
		s := New(t)
		var want []string
		for i, k := range []alert.Kind{alert.KindOpened, alert.KindUpdated, alert.KindResolved} {
			m := Message(i, k)
			want = append(want, m.Alert.ID)
			s.notify(t, m)
			s.flush(t)
		}
		s.check(t, want)
	})
	t.Run("sent again it arrives at least once", func(t *testing.T) {
		s := New(t)
		m := Message(1, alert.KindOpened)
		s.notify(t, m)
		s.flush(t)
		m.Attempt = 2
		s.notify(t, m)
		s.flush(t)
		if got := s.Delivered(); len(slices.Compact(got)) != 1 || got[0] != m.Alert.ID {
			t.Errorf("delivered %v", got)
		}
	})
	t.Run("texts as hostile as events", func(t *testing.T) {
		s := New(t)
		var want []string
		for i, text := range []string{"a\nb\r\x1b[2J", `"quoted" \ {{x}}`, "\u202e\u2028<script>&amp;", "ü🐟", strings.Repeat("x", 1<<20), ""} {
			m := Message(i, alert.KindOpened)
			m.Alert.Message, m.Alert.Key = text, []string{text, text}
			m.Alert.Values = []alert.Value{{Name: text, Value: event.StringValue(text), Limit: text}}
			want = append(want, m.Alert.ID)
			s.notify(t, m)
		}
		s.flush(t)
		s.check(t, want)
	})
	t.Run("an alert with nothing in it", func(t *testing.T) {
		s := New(t)
		s.notify(t, alert.Message{Key: "k", Kind: alert.KindOpened, Alert: &alert.Alert{ID: "id-0"}})
		s.flush(t)
		s.check(t, []string{"id-0"})
	})
}

func (s Subject) notify(t *testing.T, m alert.Message) {
	t.Helper()
	if retry, err := s.Notifier.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify: %v (retry: %v)", err, retry)
	}
}

func (s Subject) flush(t *testing.T) {
	t.Helper()
	if f, ok := s.Notifier.(alert.Flusher); ok {
		if err := f.Flush(t.Context()); err != nil {
			t.Fatalf("Flush: %v", err)
		}
	}
}

func (s Subject) check(t *testing.T, want []string) {
	t.Helper()
	if got := s.Delivered(); !slices.Equal(got, want) {
		t.Errorf("delivered %v, want %v", got, want)
	}
}

// Message returns a message about an alert whose id is "id-" and n.
func Message(n int, k alert.Kind) alert.Message {
	a := Alert(n)
	if k == alert.KindResolved {
		a.State, a.Reason, a.Resolved = alert.Resolved, alert.Condition, a.Updated+60_000
	}
	return alert.Message{Key: a.ID + "/" + string(k), Kind: k, Attempt: 1, Alert: a}
}

// Alert returns an alert whose id is "id-" and n.
func Alert(n int) *alert.Alert {
	opened := int64(1_767_607_200_000 + n)
	return &alert.Alert{
		ID: fmt.Sprintf("id-%d", n), Rule: "order-burst", Key: []string{fmt.Sprintf("c%d", n)},
		Severity: "high", Mode: "alert", State: alert.Firing, Opened: opened, Updated: opened + 1000,
		Opener:  alert.Opener{Event: "e1", Position: "log@42"},
		Message: fmt.Sprintf("c%d placed 6 orders", n),
		Values:  []alert.Value{{Name: "orders", Value: event.IntValue(6), Limit: "> 5"}},
		Labels:  map[string]string{"team": "fraud"}, Evaluations: 1,
	}
}

// Recorder is a notifier that records what arrives and fails on demand.
type Recorder struct {
	// Fail says whether an attempt fails; nil is never.
	Fail func(m alert.Message) (retry bool, err error)
	// Arrived gets the key of every message that is delivered. It must have room for all of them.
	Arrived chan string
}

// Notify implements alert.Notifier.
func (r *Recorder) Notify(_ context.Context, m alert.Message) (retry bool, err error) {
	if r.Fail != nil {
		if retry, err := r.Fail(m); err != nil {
			return retry, err
		}
	}
	r.Arrived <- m.Key
	return false, nil
}

// Keys returns what has arrived since the last call.
func (r *Recorder) Keys() (keys []string) {
	for {
		select {
		case k := <-r.Arrived:
			keys = append(keys, k)
		default:
			return keys
		}
	}
}
