package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/event"
)

const crashSteps = 16

// step commits what a fold would commit for its i-th event: rows, alerts, messages, refusals and the checkpoint. Every
// third commit is synced; flushes in between make files of rows.
func step(s *Store, b *Batch, i int) error {
	key := fmt.Sprintf("key-%d", i%5)
	value := fmt.Sprintf("%s as of %d", key, i)
	b.SetRow(1, uint64(i%5), []byte(key), []byte(value))
	b.DeleteRow(1, uint64((i+3)%5), fmt.Appendf(nil, "key-%d", (i+3)%5))
	b.SetChunk(1, uint64(i%5), []byte(key), uint64(i), []byte(value))
	if i%2 == 0 {
		id := fmt.Sprintf("alert%d", i/4)
		b.PutAlert(AlertRow{ID: id, Opened: int64(i / 4), Open: i%4 == 0, Data: []byte(value)})
		b.Enqueue(id, "changed", []byte(value))
		b.SetGroup("group", []byte(value))
		b.SetMember(id, "group", []byte(value))
		b.SetNotification(uint64(i), []string{id}, []byte(value))
		b.SetOutcome(uint64(i), []byte(value))
		b.DeleteNotification(uint64(i-4), []string{fmt.Sprintf("alert%d", (i-4)/4)})
		b.SetRouter(uint64(i/2), uint64(i))
		b.SetSilence(id, []byte(value))
	}
	if i%3 == 0 {
		b.Reject(Rejected{Position: event.Position{Stream: "log", Offset: int64(i)}, Reason: event.NotJSON, Raw: []byte(value)})
	}
	b.SetCheckpoint(Checkpoint{Events: uint64(i), Partitions: []Partition{{Stream: "log", Next: int64(i)}}})
	if err := s.Commit(b, synced(i)); err != nil {
		return err
	}
	if i%7 == 0 {
		return s.health.attempt("flush", s.db.Flush)
	}
	return nil
}

func synced(i int) bool { return i%3 == 0 }

// drive folds from the checkpoint to the end and returns the number of the last commit that was acknowledged.
func drive(fs vfs.FS, after func(*Store, int)) (acked int, err error) {
	s, err := Open(testDir, crashOptions(fs))
	if err != nil {
		return 0, err
	}
	c, _, err := s.Checkpoint()
	if err != nil {
		return 0, errors.Join(err, s.Close())
	}
	b := s.NewBatch()
	for i := int(c.Events) + 1; i <= crashSteps; i++ {
		if err := step(s, b, i); err != nil {
			return acked, errors.Join(err, s.Close())
		}
		acked = i
		if after != nil {
			after(s, i)
		}
	}
	return acked, errors.Join(b.Close(), s.Close())
}

func crashOptions(fs vfs.FS) Options {
	return Options{FS: fs, Seed: 42, Rejected: RejectBounds{Events: 3}}
}

// dump returns everything that is in the store.
func dump(t *testing.T, s *Store) string {
	t.Helper()
	var all []byte
	for _, kind := range "AOacdeghjmnopqrstuvyz" {
		if err := s.scan([]byte{byte(kind)}, nil, func(k, v []byte) (bool, error) {
			all = fmt.Appendf(all, "%q = %q\n", k, v)
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return string(all)
}

// expectations returns what the store holds after each commit when nothing goes wrong.
func expectations(t *testing.T) []string {
	states := make([]string, 1, crashSteps+1)
	if _, err := drive(vfs.NewMem(), func(s *Store, _ int) { states = append(states, dump(t, s)) }); err != nil {
		t.Fatal(err)
	}
	return states
}

// recovered opens what a crash left, compares it with the state after the commit that its checkpoint names, which
// must not be older than oldest, then goes on to the end.
func recovered(t *testing.T, fs vfs.FS, want []string, oldest int) {
	t.Helper()
	s, err := Open(testDir, crashOptions(fs))
	if err != nil {
		t.Fatalf("open after the crash: %v", err)
	}
	c, ok, err := s.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	if int(c.Events) < oldest {
		t.Errorf("commit %d was synced, but the state is that of %d", oldest, c.Events)
	}
	if got := dump(t, s); ok && got != want[c.Events] {
		t.Errorf("the state does not agree with its checkpoint %d:\n%s\nwant\n%s", c.Events, got, want[c.Events])
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	end := ""
	if _, err := drive(fs, func(s *Store, i int) {
		if i == crashSteps {
			end = dump(t, s)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if int(c.Events) < crashSteps && end != want[crashSteps] {
		t.Errorf("going on after a crash at %d ends in another state:\n%s\nwant\n%s", c.Events, end, want[crashSteps])
	}
}

// TestCrashAtEveryWrite cuts the power before the k-th write, for every k, with some of what was not synced lost.
func TestCrashAtEveryWrite(t *testing.T) {
	want := expectations(t)
	for k := 0; ; k++ {
		mem := vfs.NewCrashableMem()
		var mu sync.Mutex
		var writes, acked, oldest int
		var crashed *vfs.MemFS
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if writes++; writes == k+1 {
				rng := rand.New(rand.NewPCG(uint64(k), 1))
				crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rng})
				oldest = acked
			}
			return nil
		}))
		if _, err := drive(fs, func(_ *Store, i int) {
			if synced(i) {
				mu.Lock()
				acked = i
				mu.Unlock()
			}
		}); err != nil {
			t.Fatal(err)
		}
		if crashed == nil {
			t.Logf("%d writes", k)
			return
		}
		recovered(t, crashed, want, oldest)
		if t.Failed() {
			t.Fatalf("at write %d", k)
		}
	}
}

// TestFailureAtEveryWrite lets every write from the k-th on fail, for every k: the error is ErrFatal, no further
// commit is taken, and what was synced is there after a restart.
func TestFailureAtEveryWrite(t *testing.T) {
	want := expectations(t)
	for k := int64(0); ; k++ {
		mem := vfs.NewCrashableMem()
		var writes atomic.Int64
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && writes.Add(1) > k {
				return errorfs.ErrInjected
			}
			return nil
		}))
		oldest := 0
		var last *Store
		_, err := drive(fs, func(s *Store, i int) {
			last = s
			if synced(i) {
				oldest = i
			}
		})
		if writes.Load() <= k {
			t.Logf("%d writes", k)
			return
		}
		if err != nil && !errors.Is(err, ErrFatal) {
			t.Fatalf("failure at write %d: %v is not ErrFatal", k, err)
		}
		if last != nil && last.Err() != nil && !errors.Is(last.Commit(&Batch{}, false), ErrFatal) {
			t.Fatalf("failure at write %d: a further commit was taken", k)
		}
		recovered(t, mem.CrashClone(vfs.CrashCloneCfg{}), want, oldest)
		if t.Failed() {
			t.Fatalf("at write %d", k)
		}
	}
}
