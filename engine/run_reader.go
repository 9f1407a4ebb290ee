package engine

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"kelpie/journal"
	"kelpie/source"
)

// How long a reader waits before it opens a source again that has failed: twice as long each time.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// reader reads one input, in a goroutine of its own, and opens it again when it fails.
type reader struct {
	n  *intake
	in Input

	// Of a partition of a stream, which fetches for it.
	stream *stream
	part   source.Partition

	// Owned by the goroutine that fetches.
	held   *source.Batch   // arrived, and not given out yet
	behind []*source.Batch // the same, of a stream: behind it
	since  time.Time       // when something arrived last
	idle   bool            // a partition that is not waited for
	ended  bool
	newest int64         // event time that was given out
	more   chan struct{} // tells the reader that what it delivered has been given out

	mu     sync.Mutex
	src    source.Source // nil while it is closed
	opened time.Time
	given  int           // batches that are not released
	none   chan struct{} // closed while given is 0
	err    error         // why it failed last; nil if something has come since
	over   bool          // it is not opened again
}

func newReader(n *intake, in Input) *reader {
	r := &reader{n: n, in: in, newest: none, more: make(chan struct{}, 1), none: make(chan struct{})}
	close(r.none)
	return r
}

// open opens the source; what has been read of it before is known by the log.
func (r *reader) open() error {
	src, err := r.in.Open(r.resume)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.src, r.opened = src, r.n.s.o.Clock.Now()
	return nil
}

func (r *reader) close() error {
	r.mu.Lock()
	src := r.src
	r.src = nil
	r.mu.Unlock()
	if src == nil {
		return nil
	}
	return src.Close()
}

// key returns under what name the log remembers the place in a file.
func (r *reader) key(file string) string {
	if r.in.Key == nil {
		return file
	}
	return r.in.Key(file)
}

// origin is what the log keeps beside the records.
func (r *reader) origin(o journal.Source) journal.Source {
	o.Name = r.key(o.Name)
	if r.in.Partition != "" {
		o.Name = r.in.Partition
	}
	if r.in.Live {
		o.Ident = liveMark + o.Ident
	}
	return o
}

// resume says how far a file has been read.
func (r *reader) resume(file string) (journal.Progress, bool) {
	p, ok := r.n.s.o.Log.Progress(r.origin(journal.Source{Name: file}).Name)
	p.Ident = strings.TrimPrefix(p.Ident, liveMark)
	return p, ok
}

// run reads until the source ends or ctx is done.
func (r *reader) run(ctx context.Context) {
	wait := firstRetry
	for {
		batches, err := r.read(ctx)
		if batches > 0 {
			wait = firstRetry
		}
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, io.EOF):
			r.n.s.o.Logger.Info("kelpie: input read to its end", "input", r.in.Name)
		default:
			over := r.in.Once || r.n.s.o.UntilEnd
			r.failed(err, over)
			if !over {
				if !r.reopen(ctx, &wait) {
					return
				}
				continue
			}
		}
		select {
		case r.n.out <- arrival{reader: r}:
		case <-ctx.Done():
		}
		return
	}
}

// read delivers what the source has until it fails, ends (io.EOF), or ctx is done.
func (r *reader) read(ctx context.Context) (batches int, err error) {
	for ; ; batches++ {
		b, err := r.src.Fetch(ctx)
		if err != nil {
			return batches, err
		}
		r.fetched()
		select {
		case r.n.out <- arrival{reader: r, batch: b}:
		case <-ctx.Done():
			return batches, ctx.Err()
		}
		select {
		case <-r.more:
		case <-ctx.Done():
			return batches, ctx.Err()
		}
	}
}

// give gives out what is held.
func (r *reader) give() *source.Batch {
	b := r.held
	r.held = nil
	switch {
	case r.stream == nil:
		r.more <- struct{}{}
	case len(r.behind) > 0:
		r.held, r.behind = r.behind[0], r.behind[1:]
	}
	return b
}

// hold takes a batch that has been fetched, to be given out.
func (r *reader) hold(b *source.Batch) {
	switch {
	case r.stream == nil:
		b.Origin = r.origin(b.Origin)
		r.held = b
	case r.held == nil:
		r.held = b
	default:
		r.behind = append(r.behind, b)
	}
}

// silence returns since when nothing comes; known is false while nobody can say that there is nothing.
func (r *reader) silence() (since time.Time, known bool) {
	if r.stream == nil {
		return r.since, true
	}
	since, known = r.stream.quiet(r.part)
	return later(since, r.since), known
}

// awaited reports whether the others wait for something of a partition that has given nothing. None waits for a partition of
// a stream that is read to its end, unless so many events wait for the watermark that there should not be more.
func (r *reader) awaited() bool {
	if r.in.Partition == "" || r.idle {
		return false
	}
	if r.stream == nil {
		return true
	}
	_, quiet := r.stream.quiet(r.part)
	return !quiet || r.n.crowded()
}

// crowd is how many events may wait for the watermark before a stream is not read ahead any more.
const crowd = 200_000

func (n *intake) crowded() bool {
	p := n.s.pulse.Load()
	return p != nil && p.waiting > crowd
}

// fetched counts a batch that is in use from now on.
func (r *reader) fetched() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given++; r.given == 1 {
		r.none = make(chan struct{})
	}
	r.err = nil
}

// released gives a batch back to the source.
func (r *reader) released(b *source.Batch) {
	if r.stream != nil {
		r.stream.source().Release(b)
		select {
		case r.n.woken <- struct{}{}:
		default:
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.src != nil {
		r.src.Release(b)
	}
	if r.given--; r.given == 0 {
		close(r.none)
	}
}

// reopen opens the source again, as often as it takes. It first waits until all that was read of it is in the log, so
// that reading goes on behind it. It returns false when ctx is done.
func (r *reader) reopen(ctx context.Context, wait *time.Duration) bool {
	r.mu.Lock()
	none := r.none
	r.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
		return false
	}
	if err := r.close(); err != nil {
		r.failed(err, false)
	}
	for {
		select {
		case <-r.n.s.o.Clock.After(*wait):
		case <-ctx.Done():
			return false
		}
		*wait = min(2**wait, lastRetry)
		err := r.open()
		if err == nil {
			return true
		}
		r.failed(err, false)
	}
}

// failed notes why the source cannot be read, and says so unless it has been said; over: it is not opened again.
func (r *reader) failed(err error, over bool) {
	before := r.problem()
	r.mu.Lock()
	r.err, r.over = err, over
	r.mu.Unlock()
	if before == nil || before.Error() != err.Error() {
		r.n.s.o.Logger.Error("kelpie: input failed", "input", r.in.Name, "error", err)
	}
}

// healed is after how long an input that can be read again, and is silent, counts as one that works.
const healed = time.Minute

// problem returns why the input is not being read, or nil.
func (r *reader) problem() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && r.src != nil && r.n.s.o.Clock.Now().Sub(r.opened) > healed {
		return nil
	}
	return r.err
}
