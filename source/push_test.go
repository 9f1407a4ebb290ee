package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/journal"
	"kelpie/source"
	"kelpie/source/sourcetest"
)

func TestPushConformance(t *testing.T) {
	t.Run("small posts", func(t *testing.T) { sourcetest.Run(t, pushSubject(3)) })
	t.Run("large posts", func(t *testing.T) { sourcetest.Run(t, pushSubject(500)) })
}

// pushSubject posts so many records at once.
func pushSubject(n int) sourcetest.Subject {
	return sourcetest.Subject{
		Endless: true,
		Open: func(t *testing.T, records [][]byte) source.Source {
			p := source.NewPush(source.PushOptions{Name: "posts", Batch: 100_000, Ahead: 1000})
			for part := range slices.Chunk(records, n) {
				if err := p.Add(context.Background(), post(part, nil)); err != nil {
					t.Fatal(err)
				}
			}
			return p
		},
		Position: func(i int) string { return fmt.Sprintf("posts@%d", i+1) },
	}
}

// post makes a post of records, with something between them.
func post(records [][]byte, done func(journal.Appended, error)) *source.Post {
	p := &source.Post{Buf: []byte("[ "), Done: done}
	if done == nil {
		p.Done = func(journal.Appended, error) {}
	}
	for _, r := range records {
		start := len(p.Buf)
		p.Buf = append(p.Buf, r...)
		p.Lines = append(p.Lines, source.Line{Start: start, End: len(p.Buf)})
		p.Buf = append(p.Buf, ", "...)
	}
	return p
}

// pushed is a Push on its way into a log.
type pushed struct {
	t     *testing.T
	push  *source.Push
	log   *journal.Log
	taken []string // records that were handed on, with their offsets
	end   func() error
}

func newPushed(t *testing.T, fs vfs.FS, o source.PushOptions) *pushed {
	log, err := journal.Open("log", journal.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	o.Name = "posts"
	p := &pushed{t: t, push: source.NewPush(o), log: log}
	var handed atomic.Int64
	took := make(chan struct{}, 1)
	g := source.Ingest{Source: p.push, Log: log, Durable: func(b *source.Batch) error {
		for i := range b.Lines {
			p.taken = append(p.taken, fmt.Sprintf("%v %s", b.PositionOf(i), b.Record(i)))
		}
		handed.Add(int64(len(b.Lines)))
		select {
		case took <- struct{}{}:
		default:
		}
		return nil
	}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	p.end = func() error {
		for handed.Load() < log.NextOffset() { // a post is told before it is handed on
			<-took
		}
		cancel()
		err := <-ended
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, p.push.Close(), log.Close())
	}
	return p
}

// add posts records, and waits for what becomes of them.
func (p *pushed) add(records ...string) (journal.Appended, error) {
	var all [][]byte
	for _, r := range records {
		all = append(all, []byte(r))
	}
	type end struct {
		at  journal.Appended
		err error
	}
	done := make(chan end, 1)
	if err := p.push.Add(context.Background(), post(all, func(at journal.Appended, err error) { done <- end{at, err} })); err != nil {
		return journal.Appended{}, err
	}
	e := <-done
	return e.at, e.err
}

// TestPush posts from many goroutines at once: each is told where its records are in the log, and there they are.
func TestPush(t *testing.T) {
	p := newPushed(t, vfs.NewMem(), source.PushOptions{})
	var mu sync.Mutex
	want := map[int64]string{}
	var posters sync.WaitGroup
	for i := range 50 {
		posters.Go(func() {
			for j := range 20 {
				records := []string{fmt.Sprintf("%d/%d", i, j), fmt.Sprintf("%d/%d second", i, j)}
				if j == 7 { // too large to share a batch
					records = append(records, string(bytes.Repeat([]byte{'x'}, 100_000)))
				}
				at, err := p.add(records...)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for k, r := range records {
					want[at.First+int64(k)] = fmt.Sprintf("log@%d %s", at.First+int64(k), r)
				}
				mu.Unlock()
			}
		})
	}
	posters.Wait()
	groups := p.log.Stats().Groups
	progress, _ := p.log.Progress("posts")
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	for i, got := range p.taken {
		if got != want[int64(i)] {
			t.Fatalf("record %d is %.100s, want %.100s", i, got, want[int64(i)])
		}
	}
	if n := 50*20*2 + 50; len(p.taken) != n || progress.Mark.Line != int64(n) {
		t.Errorf("%d records, numbered up to %d; want %d", len(p.taken), progress.Mark.Line, n)
	}
	if groups >= 1000 {
		t.Errorf("%d syncs for 1000 posts: they share none", groups)
	}
}

// TestPushDiskFull fills the disk: posts are told, and when there is room again they are taken again. Nothing is appended
// of which it was said that it is not.
func TestPushDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &fullDisk{}
		p := newPushed(t, errorfs.Wrap(vfs.NewMem(), disk), source.PushOptions{})
		if at, err := p.add("one"); err != nil || at.First != 0 {
			t.Fatalf("%v, %v", at, err)
		}
		disk.set(true)
		for range 2 { // the second one is refused at once
			if _, err := p.add("two"); !errors.Is(err, journal.ErrDiskFull) {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if _, err := p.add("two"); !errors.Is(err, journal.ErrDiskFull) {
			t.Fatal(err)
		}
		disk.set(false)
		time.Sleep(time.Second)
		if at, err := p.add("three"); err != nil || at.First != 1 {
			t.Fatalf("%v, %v", at, err)
		}
		if err := p.end(); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.taken); got != "[log@0 one log@1 three]" {
			t.Error(got)
		}
	})
}

// fullDisk fails writes while it is set.
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
	if d.full && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		return syscall.ENOSPC
	}
	return nil
}

// TestPushRoom lets posts wait for room, and gives up when their time is over.
func TestPushRoom(t *testing.T) {
	p := source.NewPush(source.PushOptions{Name: "posts", Most: 10, Wait: time.Minute})
	freed := 0
	first := post([][]byte{[]byte("more than ten bytes")}, nil)
	first.Free = func() { freed++ }
	if err := p.Add(context.Background(), first); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := p.Add(soon, post([][]byte{[]byte("x")}, nil)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := p.Add(context.Background(), post([][]byte{[]byte("y")}, nil)); err != nil {
			t.Error(err)
		}
	})
	for _, want := range []string{"more than ten bytes", "y"} {
		b, err := p.Fetch(context.Background())
		if err != nil || len(b.Lines) != 1 || string(b.Record(0)) != want {
			t.Fatalf("%v, %v", b, err)
		}
		p.Release(b)
	}
	wait.Wait()
	if freed != 1 {
		t.Errorf("freed %d times", freed)
	}
	closeSource(t, p)
}

// TestPushGathers lets posts come while batches are on their way: they wait, and become one batch.
func TestPushGathers(t *testing.T) {
	p := source.NewPush(source.PushOptions{Name: "posts", Batch: 1000})
	fetch := func() (*source.Batch, error) {
		soon, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		return p.Fetch(soon)
	}
	add := func(n int) {
		t.Helper()
		if err := p.Add(context.Background(), post([][]byte{bytes.Repeat([]byte{'x'}, n)}, nil)); err != nil {
			t.Fatal(err)
		}
	}
	var given []*source.Batch
	for range 2 {
		add(1)
		b, err := fetch()
		if err != nil {
			t.Fatal(err)
		}
		given = append(given, b)
	}
	add(1)
	if b, err := fetch(); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, %v: two batches are on their way", b, err)
	}
	add(1)
	p.Release(given[0])
	if b, err := fetch(); err != nil || len(b.Lines) != 2 {
		t.Fatalf("%v, %v: two posts have been gathered", b, err)
	}
	add(999)
	add(2)
	for _, want := range []int{999, 2} { // enough for a batch; then the other two are over
		b, err := fetch()
		if err != nil || len(b.Buf) != want {
			t.Fatalf("%v, %v: there is enough for a batch", b, err)
		}
		p.Release(given[1])
		p.Release(b)
	}
	closeSource(t, p)
}

// TestPushBusy lets a post wait for room in vain.
func TestPushBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := source.NewPush(source.PushOptions{Name: "posts", Most: 10, Wait: time.Second})
		if err := p.Add(context.Background(), post([][]byte{[]byte("more than ten bytes")}, nil)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.Add(context.Background(), post([][]byte{[]byte("x")}, nil)); !errors.Is(err, source.ErrBusy) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		closeSource(t, p)
	})
}

// TestPushClosed tells posts what is known of them when the source closes.
func TestPushClosed(t *testing.T) {
	p := source.NewPush(source.PushOptions{Name: "posts"})
	var got []error
	add := func() {
		if err := p.Add(context.Background(), post([][]byte{[]byte("x")}, func(_ journal.Appended, err error) { got = append(got, err) })); err != nil {
			t.Fatal(err)
		}
	}
	add()
	if _, err := p.Fetch(context.Background()); err != nil {
		t.Fatal(err)
	}
	add()
	closeSource(t, p)
	if len(got) != 2 || !errors.Is(got[0], source.ErrUnknown) || !errors.Is(got[1], source.ErrClosed) {
		t.Errorf("%v", got)
	}
	if err := p.Add(context.Background(), post([][]byte{[]byte("x")}, nil)); !errors.Is(err, source.ErrClosed) {
		t.Errorf("Add = %v", err)
	}
}

func closeSource(t *testing.T, s source.Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
