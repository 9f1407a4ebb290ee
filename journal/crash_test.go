package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

const crashRecords = 120

// drive appends what is missing of records 0 to crashRecords, in appends of different sizes, with a restart and
// retention in between. acked is told how many records are durable.
func drive(fs vfs.FS, acked func(n int64)) error {
	o := small(fs)
	o.SegmentSize, o.MaxSize = 15_000, 30_000
	l, err := Open(testDir, o)
	if err != nil {
		return err
	}
	defer func() {
		if l != nil {
			_ = l.Close() // what failed has been seen before
		}
	}()
	for i := l.NextOffset(); i < crashRecords; i = l.NextOffset() {
		n := min(1+i*7%13, crashRecords-i)
		if err := appendNext(l, int(i), int(n)); err != nil {
			return err
		}
		acked(i + n)
		if i%4 == 0 {
			if _, err := l.Retain(i - 50); err != nil {
				return err
			}
		}
		if i%5 == 0 {
			if err := l.Close(); err != nil {
				return err
			}
			if l, err = Open(testDir, o); err != nil {
				return err
			}
		}
	}
	return l.Close()
}

// appendNext appends records i to i+n: in two appends that become durable together.
func appendNext(l *Log, i, n int) error {
	a := l.NewAppender()
	first, err := a.Begin(ctx, batch(i, i+n/2, "f", -1))
	if err != nil {
		return err
	}
	second, err := a.Begin(ctx, batch(i+n/2, i+n, "f", -1))
	if err == nil {
		_, err = second.Wait(ctx)
	}
	_, err1 := first.Wait(ctx)
	return errors.Join(err1, err)
}

// recovered opens what a crash left, and checks that all that was acknowledged is there, and nothing that was not
// appended, that progress agrees with it, and that appending goes on.
func recovered(t *testing.T, fs vfs.FS, acked int64) {
	t.Helper()
	l, err := Open(testDir, small(fs))
	if err != nil {
		t.Fatalf("open after the crash: %v", err)
	}
	first, next := l.FirstOffset(), l.NextOffset()
	if next < acked {
		t.Fatalf("%d records were acknowledged, %d are there", acked, next)
	}
	if acked > 0 && first > max(0, acked-50) {
		t.Fatalf("retention removed what was needed: the log begins with %d", first)
	}
	expectRecords(t, readAll(t, l.NewReader(first)), int(first), int(next-first))
	want := Progress{}
	if next > 0 {
		want = Progress{"ident of f", Mark{0, next}}
	}
	got, _ := l.Progress("f")
	want.Mark.Offset = got.Mark.Offset
	if got != want {
		t.Fatalf("%d records are there, and progress is %v", next, got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := drive(fs, func(int64) {}); err != nil {
		t.Fatalf("going on after the crash: %v", err)
	}
	r, err := Verify(testDir, fs)
	if err != nil || !r.OK() || r.Next != crashRecords {
		t.Fatalf("after going on: %+v, %v", r, err)
	}
}

// TestCrashAtEveryWrite cuts the power before the k-th write, for every k, with none, some, or all of what was not
// synced.
func TestCrashAtEveryWrite(t *testing.T) {
	for k := 0; ; k++ {
		for percent := range 3 {
			mem := vfs.NewCrashableMem()
			var mu sync.Mutex
			var writes int
			var acked, atCrash int64
			var crashed *vfs.MemFS
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				if writes++; writes == k+1 {
					rng := rand.New(rand.NewPCG(uint64(k), 1))
					crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent * 50, RNG: rng})
					atCrash = acked
				}
				return nil
			}))
			if err := drive(fs, func(n int64) { mu.Lock(); acked = n; mu.Unlock() }); err != nil {
				t.Fatal(err)
			}
			if crashed == nil {
				t.Logf("%d writes", k)
				return
			}
			if recovered(t, crashed, atCrash); t.Failed() {
				t.Fatalf("at write %d", k)
			}
		}
	}
}

// TestFailureAtEveryWrite lets every write from the k-th on fail, for every k: the log takes no append after the first
// failure, and what was acknowledged is there after a restart.
func TestFailureAtEveryWrite(t *testing.T) {
	for k := int64(0); ; k++ {
		mem := vfs.NewCrashableMem()
		var writes, acked atomic.Int64
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && writes.Add(1) > k {
				return errorfs.ErrInjected
			}
			return nil
		}))
		err := drive(fs, acked.Store)
		if writes.Load() <= k {
			t.Logf("%d writes", k)
			return
		}
		if err != nil && !errors.Is(err, errorfs.ErrInjected) && !errors.Is(err, ErrFailed) {
			t.Fatalf("failure at write %d: %v", k, err)
		}
		if recovered(t, mem.CrashClone(vfs.CrashCloneCfg{}), acked.Load()); t.Failed() {
			t.Fatalf("at write %d", k)
		}
	}
}

// TestFullDiskAtEveryWrite has no room from the k-th write on, for three writes; the append that failed is repeated, and
// the log goes on by itself. Before there is room again the power is cut, too.
func TestFullDiskAtEveryWrite(t *testing.T) {
	for k := int64(0); ; k++ {
		mem := vfs.NewCrashableMem()
		var writes atomic.Int64
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			switch op.Kind {
			case errorfs.OpFileWriteAt, errorfs.OpFileSyncData, errorfs.OpCreate:
				if n := writes.Add(1); n > k && n <= k+3 {
					return syscall.ENOSPC
				}
			}
			return nil
		}))
		l, err := Open(testDir, small(fs))
		if err != nil {
			if k > 6 {
				t.Fatal(err)
			}
			continue // no room to open
		}
		fails := 0
		for i := l.NextOffset(); i < crashRecords; i = l.NextOffset() {
			n := min(1+i*7%13, crashRecords-i)
			err := appendNext(l, int(i), int(n))
			if err == nil {
				continue
			}
			if fails++; !errors.Is(err, ErrDiskFull) || fails > 3 || !l.Stats().DiskFull {
				t.Fatalf("full disk at write %d: %v", k, err)
			}
			next := l.NextOffset() // the first of the two appends may have found room
			if expectRecords(t, readAll(t, l.NewReader(0)), 0, int(next)); next < i {
				t.Fatalf("full disk at write %d: the log ends before %d, %d were acknowledged", k, next, i)
			}
			recovered(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}), next)
		}
		expectRecords(t, readAll(t, l.NewReader(0)), 0, crashRecords)
		if l.Stats().DiskFull {
			t.Fatal("the disk is still said to be full")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(testDir, mem); err != nil || !r.OK() || r.Next != crashRecords {
			t.Fatalf("full disk at write %d: %+v, %v", k, r, err)
		}
		if writes.Load() <= k {
			t.Logf("%d writes", k)
			return
		}
	}
}

// TestAppenderKeepsOrder fails one append of many that have been begun: none of those after it overtakes it.
func TestAppenderKeepsOrder(t *testing.T) {
	var full atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWriteAt && full.Load() {
			return syscall.ENOSPC
		}
		return nil
	}))
	l := open(t, small(fs))
	a := l.NewAppender()
	other := l.NewAppender()
	appendBatch(t, l, batch(0, 1, "f", -1))
	full.Store(true)
	var begun []*Pending
	for i := 1; i < 20; i++ {
		p, err := a.Begin(ctx, batch(i, i+1, "f", -1))
		if err != nil {
			break // it has seen the failure already
		}
		begun = append(begun, p)
	}
	if _, err := begun[0].Wait(ctx); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("appending to a full disk: %v", err)
	}
	full.Store(false)
	for i, p := range begun {
		if _, err := p.Wait(ctx); !errors.Is(err, ErrDiskFull) {
			t.Errorf("append %d of those begun: %v", i, err)
		}
	}
	if _, err := a.Begin(ctx, batch(5, 6, "f", -1)); !errors.Is(err, ErrDiskFull) {
		t.Errorf("Begin after a failure: %v", err)
	}
	if p, err := other.Begin(ctx, batch(1, 2, "g", -1)); err != nil {
		t.Errorf("another Appender: %v", err)
	} else if got, err := p.Wait(ctx); err != nil || got.First != 1 {
		t.Errorf("another Appender: %v, %v", got, err)
	}
	a.Resume()
	for i := 2; i < 20; i++ {
		p, err := a.Begin(ctx, batch(i, i+1, "f", -1))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Wait(ctx); err != nil || got.First != int64(i) {
			t.Fatalf("append %d after Resume: %v, %v", i, got, err)
		}
	}
	expectRecords(t, readAll(t, l.NewReader(0)), 0, 20)
}

// TestManyAppenders appends from many goroutines; each finds its records where it was told.
func TestManyAppenders(t *testing.T) {
	l := open(t, small(vfs.NewMem()))
	const each, goroutines = 40, 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	where := map[int64]string{}
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				text := fmt.Sprintf("record %d of %d", i, g)
				a, err := l.Append(ctx, Event, []byte(text))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				where[a.First] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	all := readAll(t, l.NewReader(0))
	if len(all) != each*goroutines || len(where) != len(all) {
		t.Fatalf("%d records at %d offsets", len(all), len(where))
	}
	for _, r := range all {
		if where[r.Offset] != string(r.Payload) {
			t.Errorf("offset %d holds %q, want %q", r.Offset, r.Payload, where[r.Offset])
		}
	}
}

// TestGroupCommit begins many appends while one is being synced: one sync makes all of them durable.
func TestGroupCommit(t *testing.T) {
	syncing, goOn := make(chan bool, 100), make(chan bool)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData {
			syncing <- true
			<-goOn
		}
		return nil
	}))
	l := open(t, small(fs))
	a := l.NewAppender()
	begin := func(i int) *Pending {
		p, err := a.Begin(ctx, batch(i, i+1, "", -1))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	begun := []*Pending{begin(0)}
	<-syncing
	for i := 1; i < 50; i++ {
		begun = append(begun, begin(i))
	}
	close(goOn)
	for i, p := range begun {
		if got, err := p.Wait(ctx); err != nil || got.First != int64(i) {
			t.Fatalf("append %d: %v, %v", i, got, err)
		}
	}
	if s := l.Stats(); s.Groups != 2 || s.Records != 50 {
		t.Errorf("%d syncs for %d records", s.Groups, s.Records)
	}
	expectRecords(t, readAll(t, l.NewReader(0)), 0, 50)
}

// TestWaitCancelled gives up waiting; the append becomes durable all the same.
func TestWaitCancelled(t *testing.T) {
	goOn := make(chan bool)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData {
			<-goOn
		}
		return nil
	}))
	l := open(t, small(fs))
	c, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.AppendBatch(c, batch(0, 3, "", -1)); !errors.Is(err, context.Canceled) {
		t.Errorf("AppendBatch = %v", err)
	}
	close(goOn)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	expectRecords(t, readAll(t, open(t, small(fs)).NewReader(0)), 0, 3)
}
