package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/state"
)

// crashWorld is a world with a short input, small files and many commits.
func crashWorld(t *testing.T, fs vfs.FS, lines [][]byte, byTime bool) *world {
	w := newWorld(t, fs)
	w.spec.ByTime = byTime
	w.segment, w.commit = 20_000, time.Nanosecond
	w.inputs = []engine.Input{input("shop", lines[:len(lines)/2], 20), input("branch", lines[len(lines)/2:], 30)}
	return w
}

// TestServiceCrashAtEveryWrite cuts the power before the k-th write of log and state, for every k, with none, some or
// all of what was not synced. What is left agrees; going on from there ends as if nothing had happened.
func TestServiceCrashAtEveryWrite(t *testing.T) {
	lines := shopLines(t, 300, 2)
	for _, byTime := range []bool{false, true} {
		t.Run(fmt.Sprintf("byTime=%t", byTime), func(t *testing.T) {
			for k := 1; !t.Failed(); k++ {
				if !crashAt(t, k, lines, byTime) {
					t.Logf("%d writes", k)
					return
				}
			}
		})
	}
}

// crashAt crashes before the k-th write and goes on; it reports whether there were as many.
func crashAt(t *testing.T, k int, lines [][]byte, byTime bool) bool {
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var writes int
	var crashed *vfs.MemFS
	notify := &told{}
	var before map[string]string // what had arrived
	w := crashWorld(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == k {
			crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
			before = notify.copied()
		}
		return nil
	})), lines, byTime)
	w.notify = notify
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if crashed == nil {
		return false
	}
	notify = &told{got: before}
	w = crashWorld(t, crashed, lines, byTime)
	w.notify = notify
	w.covers(crashed, before)
	if err := w.run(context.Background()); err != nil {
		t.Fatalf("after a crash at write %d: %v", k, err)
	}
	_, got := logged(t, crashed)
	w.agree(crashed, inOrder(got, lines))
	if t.Failed() {
		t.Errorf("after a crash at write %d", k)
	}
	return true
}

// covers checks what a crash has left before anything goes on: the checkpoint is within the log, the state is that of a
// fold up to it, and what has arrived is in it.
func (w *world) covers(fs vfs.FS, arrived map[string]string) {
	t := w.tb
	t.Helper()
	records, _ := logged(t, fs)
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if errors.Is(err, state.ErrNone) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, ok, err := store.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	read := int64(0)
	if ok {
		read = c.Partitions[0].Read
	}
	if read > int64(len(records)) {
		t.Fatalf("the state has read %d records, the log holds %d", read, len(records))
	}
	alerts, messages, _ := folded(t, w.rules, w.spec, records[:read])
	got, _, _ := found(t, fs)
	if len(got) != len(alerts) {
		t.Errorf("%d alerts as of record %d, want %d", len(got), read, len(alerts))
	}
	for id, a := range alerts {
		if got[id] != a {
			t.Errorf("alert %s as of record %d is\n%s\nwant\n%s", id, read, got[id], a)
		}
	}
	known := map[string]bool{}
	for _, key := range messages {
		known[key] = true
	}
	for key := range arrived {
		if !known[key] {
			t.Errorf("%s has arrived, and the state as of record %d knows nothing of it", key, read)
		}
	}
}

func (n *told) copied() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := map[string]string{}
	for k, v := range n.got {
		c[k] = v
	}
	return c
}

// inOrder returns the lines in the order in which a log has them, if it has each once.
func inOrder(got, want [][]byte) [][]byte {
	count := map[string]int{}
	for _, l := range want {
		count[string(l)]++
	}
	for _, l := range got {
		count[string(l)]--
	}
	for _, n := range count {
		if n != 0 {
			return want
		}
	}
	return got
}

var _ = syscall.ENOSPC
var _ atomic.Int64
var _ alert.Kind
