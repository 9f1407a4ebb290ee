package alert

import (
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/state"
)

// forgotten calls Forget, commits, and returns how many alerts it says are gone, and which are left.
func forgotten(t *testing.T, s *state.Store, before int64, limit int) (n int, left string) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	n, err := Forget(s, b, before, limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(b, true); err != nil {
		t.Fatal(err)
	}
	list, err := List(s, Query{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, a := range list {
		rules = append(rules, a.Rule)
	}
	return n, strings.Join(rules, " ")
}

// history is a store with alerts that opened at 10, 20, … and, but for some, resolved 5 later, and with what was told of
// them: messages 1, 2, … in this order.
func history(t *testing.T, rules string, open string) *state.Store {
	t.Helper()
	s := openStore(t, vfs.NewMem())
	k := NewBook(s)
	b := s.NewBatch()
	defer b.Close()
	for i, rule := range strings.Fields(rules) {
		a := Alert{Rule: rule, Opened: int64(10 * (i + 1)), Mode: "alert"}
		a.ID = ID(a.Rule, a.Key, a.Opened, a.Opener)
		k.Open(a)
		if strings.Contains(open, rule) {
			continue
		}
		if err := k.Resolve(a.ID, a.Opened+5, Left); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Flush(b); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(b, true); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForget(t *testing.T) {
	s := history(t, "a b c d", "b")
	f := func(before int64, limit, wantGone int, wantLeft string) {
		t.Helper()
		if n, left := forgotten(t, s, before, limit); n != wantGone || left != wantLeft {
			t.Errorf("before %d: %d are gone, left are %s", before, n, left)
		}
	}
	f(0, 9, 0, "a b c d")
	f(15, 9, 0, "a b c d") // the first resolved at 15
	f(16, 9, 1, "b c d")
	if ids, err := s.AlertIDs("", 9); err != nil || len(ids) != 3 {
		t.Errorf("ids are %v, %v", ids, err)
	}
	f(100, 1, 1, "b d")
	f(100, 9, 1, "b")
	f(100, 9, 0, "b")
}

// TestForgetMessages: what somebody is still to be told of stays, what is told goes with its messages and attempts.
func TestForgetMessages(t *testing.T) {
	s := history(t, "a b c", "")
	b := s.NewBatch()
	defer b.Close()
	b.SetReceiver("fast", 6)
	b.SetReceiver("slow", 3) // two of a, one of b
	for seq := range uint64(6) {
		b.SetDelivery(seq+1, state.Delivery{Receiver: "fast", Attempts: 1, Done: 1})
	}
	if err := s.Commit(b, true); err != nil {
		t.Fatal(err)
	}
	if n, left := forgotten(t, s, 100, 9); n != 1 || left != "b c" {
		t.Errorf("%d are gone, left are %s", n, left)
	}
	var rest []uint64
	if err := s.Outbox(0, func(m state.Message) (bool, error) { rest = append(rest, m.Sequence); return true, nil }); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	for seq := range uint64(6) {
		ds, err := s.Deliveries(seq + 1)
		if err != nil {
			t.Fatal(err)
		}
		attempts += len(ds)
	}
	if len(rest) != 4 || slices.Contains(rest, 1) || attempts != 4 {
		t.Errorf("messages %v with %d attempts are left", rest, attempts)
	}
}
