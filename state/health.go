package state

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// fullDiskRetry is how long a write waits before it tries a full disk again.
const fullDiskRetry = time.Second

// health knows whether the storage still works. Its first failure is the last thing that happens to a store.
type health struct {
	out    *slog.Logger
	failed atomic.Pointer[storageError]
	over   chan struct{} // closed after the first failure
	full   atomic.Bool   // a write waits for room on the disk
	stalls atomic.Int64  // times that writes had to wait for flushes or compactions

	hurry     chan struct{} // closed when nobody wants to wait for room any more
	hurryOnce sync.Once
}

func newHealth(out *slog.Logger) *health {
	return &health{out: out, over: make(chan struct{}), hurry: make(chan struct{})}
}

// fail notes the first failure and returns it.
func (h *health) fail(op string, err error) error {
	if h.failed.CompareAndSwap(nil, &storageError{op, err}) {
		h.out.Error("state: storage failed, no further commit", "in", op, "error", err)
		close(h.over)
	}
	return h.failed.Load()
}

// err returns the failure that ended the store, or nil.
func (h *health) err() error {
	if e := h.failed.Load(); e != nil {
		return e
	}
	return nil
}

// attempt does op, in which the storage may fail and never return.
func (h *health) attempt(op string, do func() error) error {
	if err := h.err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // Pebble's way to say that it cannot go on
				done <- h.fail(op, errorOf(p))
			}
		}()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-h.over:
		return h.err()
	}
}

// waitForRoom waits before a full disk is tried again; false says that nobody wants to wait.
func (h *health) waitForRoom(err error) bool {
	if !h.full.Swap(true) {
		h.out.Error("state: the disk is full, writes wait until there is room", "error", err)
	}
	timer := time.NewTimer(fullDiskRetry)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.hurry:
		return false
	}
}

// room notes that a write went through.
func (h *health) room() {
	if h.full.Load() && h.full.CompareAndSwap(true, false) {
		h.out.Info("state: there is room on the disk again")
	}
}

// stopWaiting makes a full disk an error from now on.
func (h *health) stopWaiting() { h.hurryOnce.Do(func() { close(h.hurry) }) }
