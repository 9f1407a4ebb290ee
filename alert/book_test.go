package alert

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
	"kelpie/state"
)

func TestBook(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	k := NewBook(s)
	values := []Value{{Name: "orders", Value: event.IntValue(7)}}
	opening := Alert{Rule: "r", Key: []string{"ann"}, Opened: 5, Mode: "alert", Message: "first", Opener: Opener{Event: "e1"}}
	id := ID("r", []string{"ann"}, 5, Opener{Event: "e1"})
	flush := func() (*state.Batch, uint64) {
		t.Helper()
		b := s.NewBatch()
		epoch, err := k.Flush(b)
		if err != nil {
			t.Fatal(err)
		}
		return b, epoch
	}
	apply := func(b *state.Batch, epoch uint64) {
		t.Helper()
		if err := errors.Join(s.Commit(b, true), b.Close()); err != nil {
			t.Fatal(err)
		}
		k.Committed(epoch)
	}

	k.Open(opening)
	if !k.Urgent() {
		t.Error("an opening may wait")
	}
	first, one := flush()
	// A second batch is gathered while the first one is under way.
	if err := k.Update(id, 6, 0, values, ""); err != nil {
		t.Fatal(err)
	}
	if k.Urgent() {
		t.Error("an update may not wait")
	}
	second, two := flush()
	apply(first, one)
	if a, err := Get(s, id); err != nil || a.Evaluations != 1 || a.Message != "first" || !a.Open() || a.Updated != 5 {
		t.Errorf("after the first batch: %+v, %v", a, err)
	}
	apply(second, two)
	if err := k.Update(id, 7, 9, values, "then"); err != nil {
		t.Fatal(err)
	}
	if err := k.Resolve(id, 8, Left); err != nil {
		t.Fatal(err)
	}
	apply(flush())
	if len(k.alerts) > 0 {
		t.Errorf("%d alerts that are over are still in memory", len(k.alerts))
	}
	a, err := Get(s, id)
	if err != nil || a.Open() || a.Resolved != 8 || a.Reason != Left || a.Updated != 7 || a.Evaluations != 9 ||
		a.Message != "then" || len(a.Values) != 1 {
		t.Errorf("at the end: %+v, %v", a, err)
	}
	ms, err := s.OutboxOf(id)
	if err != nil || len(ms) != 2 || ms[0].Kind != "opened" || ms[1].Kind != "resolved" {
		t.Errorf("messages: %v, %v", ms, err)
	}
	if m, err := messageOf(ms[0]); err != nil || !m.Alert.Open() || m.Key != id+"/opened" {
		t.Errorf("the first message is %+v, %v", m, err)
	}
	if err := k.Resolve("no such", 9, Left); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("resolving what is not there: %v", err)
	}
}

func TestBookOpensAndResolvesInOneBatch(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	k := NewBook(s)
	k.Open(Alert{ID: "a", Mode: "alert"})
	k.Open(Alert{ID: "quiet", Mode: Shadow})
	if err := errors.Join(k.Resolve("a", 1, Point), k.Resolve("quiet", 1, Point)); err != nil {
		t.Fatal(err)
	}
	commit(t, s, func(b *state.Batch) error { _, err := k.Flush(b); return err })
	for _, id := range []string{"a", "quiet"} {
		if a, err := Get(s, id); err != nil || a.Open() {
			t.Errorf("%s is %+v, %v", id, a, err)
		}
	}
	ms, err := s.OutboxOf("a")
	if err != nil || len(ms) != 2 || s.LastMessage() != 2 {
		t.Errorf("messages: %v, %v", ms, err)
	}
}

// TestBookKeepsWhatIsUsed wants the book to have no more alerts in memory than it may, and to lose none of their changes.
func TestBookKeepsWhatIsUsed(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	k := NewBook(s)
	apply := func() {
		t.Helper()
		var epoch uint64
		commit(t, s, func(b *state.Batch) (err error) { epoch, err = k.Flush(b); return err })
		k.Committed(epoch)
	}
	update := func(n int) {
		t.Helper()
		if err := k.Update(fmt.Sprint("id", n), int64(n), 0, nil, ""); err != nil {
			t.Fatal(err)
		}
	}
	for n := range mostKept + 1 {
		k.Open(Alert{ID: fmt.Sprint("id", n), Mode: Shadow})
	}
	apply()
	update(1)
	apply()
	if len(k.alerts) != 1 {
		t.Errorf("%d alerts are in memory, and one has been used since they became too many", len(k.alerts))
	}
	update(2) // from the store
	if _, err := k.Get("id3"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(k.Resolve("id1", 9, Point), k.Resolve("id2", 9, Point)); err != nil {
		t.Error(err)
	}
	apply()
	if len(k.alerts) != 1 {
		t.Errorf("%d alerts are in memory, and one of those that were used is open", len(k.alerts))
	}
	for id, want := range map[string]int64{"id0": 1, "id1": 2, "id2": 2, "id3": 1} {
		if a, err := Get(s, id); err != nil || a.Evaluations != want {
			t.Errorf("%s: %+v, %v; want %d evaluations", id, a, err, want)
		}
	}
}
