package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fullDisk fails writes of the log while it is set.
type fullDisk struct {
	mu   sync.Mutex
	full bool
}

func (d *fullDisk) set(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

// String implements errorfs.Injector.
func (d *fullDisk) String() string { return "full" }

// MaybeError implements errorfs.Injector.
func (d *fullDisk) MaybeError(op errorfs.Op) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full && op.Kind == errorfs.OpFileWriteAt {
		return syscall.ENOSPC
	}
	return nil
}

// TestDiskFull posts while the disk is full: clients are told to come again, and when there is room what they send again
// is in the log once, and nothing else is.
func TestDiskFull(t *testing.T) {
	disk := &fullDisk{}
	h := newHouse(t, errorfs.Wrap(vfs.NewMem(), disk))
	h.open()
	now := time.Now()
	var want []string
	var clients sync.WaitGroup
	told := make(chan struct{})
	var once sync.Once
	for c := range 8 {
		for i := range 10 {
			want = append(want, order(fmt.Sprintf("%d/%d", c, i), "c", now))
		}
		mine := want[len(want)-10:]
		clients.Go(func() {
			for i, event := range mine {
				if i == 5 && c == 0 {
					disk.set(true)
				}
				for h.sendAgain(event) {
					once.Do(func() { close(told) })
				}
			}
		})
	}
	<-told
	h.until("in trouble", func() bool { return len(h.problems()) > 0 })
	disk.set(false)
	clients.Wait()
	got := h.logged()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d events are in the log, want %d", len(got), len(want))
	}
	if p := h.problems(); len(p) > 0 {
		t.Errorf("%q", p)
	}
}

// sendAgain posts an event, and reports whether it is to be sent again.
func (h *house) sendAgain(event string) bool {
	a := h.post(event)
	switch {
	case a.status == http.StatusOK:
		return false
	case a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "":
		h.t.Errorf("%d %s", a.status, a.body)
		return false
	}
	return true
}

func (h *house) problems() []string {
	all, _ := h.api.Problems()
	return all
}
