package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestAlerts(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	commit(t, s, func(b *Batch) {
		for i, id := range []string{"aa1", "ab2", "b3", "b4"} {
			b.PutAlert(AlertRow{ID: id, Opened: int64(i*10 - 10), Open: true, Data: fmt.Appendf(nil, "alert %d", i)})
		}
	})
	commit(t, s, func(b *Batch) {
		b.PutAlert(AlertRow{ID: "ab2", Opened: 0, Data: []byte("resolved")})
		b.PutAlert(AlertRow{ID: "b4", Opened: 20, Data: []byte("resolved")})
	})
	list := func(q AlertQuery, want string) {
		t.Helper()
		rows, err := s.Alerts(q)
		var ids []string
		for _, r := range rows {
			if r.Open {
				r.ID += "*"
			}
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != want || err != nil {
			t.Errorf("Alerts(%+v) = %s, %v, want %s", q, got, err, want)
		}
	}
	list(AlertQuery{}, "b4 b3* ab2 aa1*")
	list(AlertQuery{Oldest: true}, "aa1* ab2 b3* b4")
	list(AlertQuery{OpenOnly: true}, "b3* aa1*")
	list(AlertQuery{From: 10}, "b4 b3*")
	list(AlertQuery{From: -10, To: 10}, "ab2 aa1*")
	list(AlertQuery{Limit: 2}, "b4 b3*")
	list(AlertQuery{Limit: 2, After: &AlertCursor{10, "b3"}}, "ab2 aa1*")
	list(AlertQuery{Oldest: true, After: &AlertCursor{10, "b3"}}, "b4")
	list(AlertQuery{After: &AlertCursor{-10, "aa1"}}, "")
	list(AlertQuery{Limit: 1, Keep: func(b []byte) bool { return string(b) == "resolved" }}, "b4")
	list(AlertQuery{From: 5, To: 1}, "")

	if a, err := s.Alert("ab2"); err != nil || string(a.Data) != "resolved" || a.Open || a.Opened != 0 {
		t.Errorf("Alert = %+v, %v", a, err)
	}
	if _, err := s.Alert("zz"); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrFatal) {
		t.Errorf("an alert that is not there: %v", err)
	}
	if ids, err := s.AlertIDs("a", 10); err != nil || strings.Join(ids, " ") != "aa1 ab2" {
		t.Errorf("AlertIDs = %v, %v", ids, err)
	}
	if ids, err := s.AlertIDs("", 1); err != nil || len(ids) != 1 {
		t.Errorf("AlertIDs = %v, %v", ids, err)
	}
}

func TestOutbox(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	a, b := s.NewBatch(), s.NewBatch()
	a.Enqueue("x", "opened", []byte("1"))
	b.Enqueue("y", "opened", []byte("2"))
	b.Enqueue("x", "resolved", []byte("3"))
	a.Merge(b)
	if err := errors.Join(s.Commit(a, true), a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.OutboxReady():
	default:
		t.Error("nobody was told of the messages")
	}
	want := Delivery{Receiver: "file", Attempts: 2, Error: "closed", Next: 9}
	commit(t, s, func(b *Batch) { b.SetDelivery(2, want); b.SetReceiver("file", 1) })
	select {
	case <-s.OutboxReady():
		t.Error("told of messages that are not there")
	default:
	}
	list := func(from uint64) string {
		var all []string
		if err := s.Outbox(from, func(m Message) (bool, error) {
			all = append(all, fmt.Sprintf("%d %s %s %s", m.Sequence, m.Alert, m.Kind, m.Payload))
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, ", ")
	}
	if got := list(0); got != "1 x opened 1, 2 y opened 2, 3 x resolved 3" {
		t.Errorf("outbox is %s", got)
	}
	if got := list(3); got != "3 x resolved 3" || s.LastMessage() != 3 {
		t.Errorf("outbox from 3 is %s, the last is %d", got, s.LastMessage())
	}
	if ms, err := s.OutboxOf("x"); err != nil || len(ms) != 2 || ms[0].Sequence != 1 || ms[1].Kind != "resolved" {
		t.Errorf("OutboxOf = %v, %v", ms, err)
	}
	if d, err := s.Delivery(2, "file"); d != want || err != nil {
		t.Errorf("Delivery = %+v, %v", d, err)
	}
	if d, err := s.Delivery(2, "other"); d != (Delivery{Receiver: "other"}) || err != nil {
		t.Errorf("Delivery where there is none = %+v, %v", d, err)
	}
	if ds, err := s.Deliveries(2); len(ds) != 1 || ds[0] != want || err != nil {
		t.Errorf("Deliveries = %+v, %v", ds, err)
	}
	if upTo, err := s.Receivers(); len(upTo) != 1 || upTo["file"] != 1 || err != nil {
		t.Errorf("Receivers = %v, %v", upTo, err)
	}
	var oldest []Message
	if err := s.Outbox(0, func(m Message) (bool, error) { oldest = append(oldest, m); return len(oldest) < 2, nil }); err != nil {
		t.Fatal(err)
	}
	commit(t, s, func(b *Batch) { b.DeleteMessages(oldest); b.DeleteReceiver("file") })
	if got := list(0); got != "3 x resolved 3" {
		t.Errorf("outbox after a deletion is %s", got)
	}
	if ms, err := s.OutboxOf("x"); len(ms) != 1 || err != nil {
		t.Errorf("OutboxOf after a deletion = %v, %v", ms, err)
	}
	if ds, err := s.Deliveries(2); len(ds) > 0 || err != nil {
		t.Errorf("Deliveries after a deletion = %v, %v", ds, err)
	}
}
