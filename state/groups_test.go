package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestGroups sets and deletes what is kept of groups, and reads it back by alert, group and number.
func TestGroups(t *testing.T) {
	s, err := Open(testDir, Options{FS: vfs.NewMem(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, ok, err := s.Router(); ok || err != nil {
		t.Errorf("a new store has a router: %v", err)
	}
	commit(t, s, func(b *Batch) {
		b.SetGroup("g1", []byte("one"))
		b.SetGroup("g2", []byte("two"))
		for _, m := range []string{"a g1", "a g2", "ab g1", "b g2"} {
			alert, group, _ := strings.Cut(m, " ")
			b.SetMember(alert, group, []byte(m))
		}
		b.SetNotification(300, []string{"a", "ab"}, []byte("n300"))
		b.SetNotification(7, []string{"a"}, []byte("n7"))
		b.SetOutcome(300, []byte("o300"))
		b.SetOutcome(7, []byte("o7"))
		b.SetRouter(42, 300)
	})
	f := func(what, want string, got func() (string, error)) {
		t.Helper()
		if text, err := got(); err != nil || text != want {
			t.Errorf("%s: %q, %v, want %q", what, text, err, want)
		}
	}
	members := func(alert string) func() (string, error) {
		return func() (text string, err error) {
			err = s.Members(alert, func(m Member) error {
				text += fmt.Sprintf("%s %s=%s, ", m.Alert, m.Group, m.Value)
				return nil
			})
			return text, err
		}
	}
	of := func(alert string) func() (string, error) {
		return func() (string, error) { seqs, err := s.NotificationsOf(alert); return fmt.Sprint(seqs), err }
	}
	outcomes := func() (text string, err error) {
		err = s.Outcomes(func(seq uint64, v []byte) (bool, error) { text += fmt.Sprintf("%d=%s ", seq, v); return true, nil })
		return text, err
	}
	f("members of a", "a g1=a g1, a g2=a g2, ", members("a"))
	f("members", "a g1=a g1, a g2=a g2, ab g1=ab g1, b g2=b g2, ", members(""))
	f("notifications of a", "[7 300]", of("a"))
	f("notifications of ab", "[300]", of("ab"))
	f("outcomes", "7=o7 300=o300 ", outcomes)
	f("a notification", "n300", func() (string, error) { v, err := s.Notification(300); return string(v), err })
	f("a group", "two", func() (string, error) { v, err := s.Group("g2"); return string(v), err })
	f("router", "42 300 true", func() (string, error) { a, b, ok, err := s.Router(); return fmt.Sprint(a, b, ok), err })

	commit(t, s, func(b *Batch) {
		b.DeleteNotification(7, []string{"a"})
		b.DeleteMember("a", "g1")
		b.DeleteGroup("g1")
		b.DeleteRouter()
	})
	f("members of a", "a g2=a g2, ", members("a"))
	f("notifications of a", "[300]", of("a"))
	f("outcomes", "300=o300 ", outcomes)
	if all, err := s.Groups(); err != nil || len(all) != 1 || all[0].Name != "g2" {
		t.Errorf("groups are %v, %v", all, err)
	}
	if _, _, ok, err := s.Router(); ok || err != nil {
		t.Errorf("the router is still there: %v", err)
	}
}
