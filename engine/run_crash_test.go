package engine_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"kelpie/engine"
	"kelpie/source"
	"kelpie/state"
)

// crashWorld is a world with a short input, small files and many commits, in one of four ways: either order, one
// partition or two.
func crashWorld(t *testing.T, fs vfs.FS, lines [][]byte, way int) *world {
	w := newWorld(t, fs)
	w.spec.ByTime = way%2 == 1
	w.segment, w.commit = 20_000, time.Nanosecond
	w.inputs = []engine.Input{input("shop", lines[:len(lines)/2], 20), input("branch", lines[len(lines)/2:], 30)}
	if way%4 >= 2 {
		w.inputs[0].Partition, w.inputs[1].Partition = "shop", "branch"
	}
	return w
}

// TestServiceCrashAtEveryWrite cuts the power before the k-th write of log and state, for every k, with none, some or
// all of what was not synced, in four ways by turns. What is left agrees; going on from there ends as if nothing had
// happened.
func TestServiceCrashAtEveryWrite(t *testing.T) {
	lines := shopLines(t, 200, 2)
	step := 1
	if thorough < 10 {
		step = 7
	}
	for k := 1; crashAt(t, k, lines) && !t.Failed(); k += step {
	}
}

// crashAt crashes before the k-th write and goes on; it reports whether there were as many.
func crashAt(t *testing.T, k int, lines [][]byte) bool {
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
			before = notify.copied() // first: a sync that has been begun may end meanwhile
			crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
		}
		return nil
	})), lines, k)
	w.notify = notify
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if crashed == nil {
		alerts, messages, _ := found(t, mem)
		if t.Logf("%d writes, %d alerts, %d messages", writes, len(alerts), len(messages)); len(alerts) < 5 {
			t.Error("too few alerts to say anything")
		}
		return false
	}
	notify = &told{got: before}
	w = crashWorld(t, crashed, lines, k)
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
	for _, p := range c.Partitions {
		if ok && p.Stream == source.LogStream {
			read = max(read, p.Read)
		}
	}
	if read > int64(len(records)) {
		t.Fatalf("the state has read %d records, the log holds %d", read, len(records))
	}
	alerts, messages, _ := w.folded(records[:read])
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

// TestServiceFullDisk has no room on the disk for a while, in the log and in the state: the service waits, says so, and
// goes on without a loss when there is room.
func TestServiceFullDisk(t *testing.T) {
	lines := shopLines(t, 1000, 3)
	for _, part := range []string{"log", "state"} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
				var full atomic.Bool
				mem := vfs.NewMem()
				w := newWorld(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
					writes := op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileWriteAt
					if full.Load() && writes && strings.Contains(op.Path, "data/"+part) {
						return syscall.ENOSPC
					}
					return nil
				})))
				more := make(chan []byte)
				w.inputs, w.untilEnd = []engine.Input{lineInput(&lineSource{name: "shop", lines: lines[:500], size: 50, more: more})}, false
				var s *engine.Service
				w.started = func(x *engine.Service) { s = x }
				ctx, stop := context.WithCancel(context.Background())
				ended := make(chan error, 1)
				go func() { ended <- w.run(ctx) }()
				synctest.Wait()
				full.Store(true)
				go func() {
					for _, l := range lines[500:] {
						more <- l
					}
				}()
				time.Sleep(time.Minute)
				if got, fatal := s.Problems(); len(got) != 1 || got[0] != "the "+part+"'s disk is full" || fatal != nil {
					t.Errorf("problems %q, %v", got, fatal)
				}
				full.Store(false)
				time.Sleep(time.Minute)
				if got, _ := s.Problems(); len(got) != 0 {
					t.Errorf("problems %q", got)
				}
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				w.agree(mem, lines)
			})
		})
	}
}

// TestServiceStorageFails lets every write from some one on fail, in the log or in the state: the service ends with an
// error that says so, unless all has been done by then, and goes on where it was when it is started again.
func TestServiceStorageFails(t *testing.T) {
	lines := shopLines(t, 300, 4)
	for _, part := range []string{"log", "state"} {
		for after := int64(4); failAfter(t, part, after, lines) && !t.Failed(); after += 4 {
		}
	}
}

// failAfter reports whether there were as many writes.
func failAfter(t *testing.T, part string, after int64, lines [][]byte) bool {
	var writes atomic.Int64
	mem := vfs.NewCrashableMem()
	w := crashWorld(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "data/"+part) && writes.Add(1) > after {
			return errorfs.ErrInjected
		}
		return nil
	})), lines, int(after/4))
	err := w.run(context.Background())
	if writes.Load() <= after {
		return false
	}
	if err != nil && !errors.Is(err, state.ErrFatal) && !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("after %d writes of the %s: %v", after, part, err)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	arrived := w.notify.(*told).copied()
	w = crashWorld(t, left, lines, int(after/4))
	w.notify = &told{got: arrived}
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, got := logged(t, left)
	w.agree(left, inOrder(got, lines))
	return true
}
