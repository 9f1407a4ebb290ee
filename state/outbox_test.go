package state

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// sendable returns how many messages may be sent.
func sendable(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.Outbox(0, func(Message) (bool, error) { n++; return true, nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// commitOne commits a message about an alert.
func commitOne(t *testing.T, s *Store, alert string, sync bool) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	b.Enqueue(alert, "opened", []byte("{}"))
	if err := s.Commit(b, sync); err != nil {
		t.Error(err)
	}
}

// TestOutboxOfUnsynced: a message that a crash could take back is not to be sent; a later synced commit of anything
// lets it go.
func TestOutboxOfUnsynced(t *testing.T) {
	s, err := Open("state", Options{FS: vfs.NewMem(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commitOne(t, s, "a", false)
	if n := sendable(t, s); n != 0 || len(s.OutboxReady()) != 0 {
		t.Errorf("%d messages may be sent that are not synced", n)
	}
	b := s.NewBatch()
	defer b.Close()
	b.SetNote("x", nil)
	if err := s.Commit(b, true); err != nil {
		t.Fatal(err)
	}
	if n := sendable(t, s); n != 1 || len(s.OutboxReady()) != 1 {
		t.Errorf("%d messages may be sent after a sync, %d tokens", n, len(s.OutboxReady()))
	}
}

// TestOutboxWhileSyncing holds a sync up: what it is to make durable may not be sent before it has ended.
func TestOutboxWhileSyncing(t *testing.T) {
	var armed atomic.Bool
	begun, end := make(chan struct{}), make(chan struct{})
	s, err := Open("state", Options{Seed: 1, FS: errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && strings.HasSuffix(op.Path, ".log") && armed.CompareAndSwap(true, false) {
			close(begun)
			<-end
		}
		return nil
	}))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	armed.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		commitOne(t, s, "a", true)
	}()
	<-begun
	if n := sendable(t, s); n != 0 {
		t.Errorf("%d messages may be sent before they are synced", n)
	}
	close(end)
	<-done
	if n := sendable(t, s); n != 1 {
		t.Errorf("%d messages may be sent in the end", n)
	}
}
