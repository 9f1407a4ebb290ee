package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kelpie/event"
	"kelpie/journal"
)

// Ingest appends what a source has to the log, and hands it on once it is durable. While the disk is full it waits, and
// with it the source. When it is started again after a crash, with a source that goes on by journal.Log.Progress, every
// record is in the log once.
type Ingest struct {
	Source Source
	Log    *journal.Log

	// Times returns the least and greatest event time (ms) in a batch; ok is false if they are not known. nil: they are
	// never known, and who looks for a time in the log must read all. It is called from another goroutine than Durable.
	Times func(b *Batch) (first, last int64, ok bool)
	// Durable takes each batch, in order, when it is durable: with the positions and the append time that it has in the log,
	// as Log would give it. The batch is released when Durable returns.
	Durable func(b *Batch) error

	Ahead int           // batches that are read and appended, and as many that are durable, while earlier ones are being taken; default 4
	Retry time.Duration // how long to wait before a full disk is tried again; default 1 s
}

// step is a batch on its way to the log.
type step struct {
	batch   *Batch           // nil: the source has failed
	pending *journal.Pending // nil: it has not been begun
	err     error            // why not; nil: because one before it must come first
}

// ingestion is one run of an Ingest: one goroutine begins, one waits until what was begun is durable and says so, and
// one hands it on.
type ingestion struct {
	*Ingest
	appender *journal.Appender
	steps    chan step
	durable  chan step // the batch is durable, or err says why nothing more comes

	mu       sync.Mutex
	underway int  // steps that are not settled
	stalled  bool // a step has failed: those behind it are begun one by one, in order, until none is left
}

// Run appends until the source ends (nil), ctx does, or something fails that does not pass. What had been begun may become
// durable without having been handed on.
func (g *Ingest) Run(ctx context.Context) error {
	ahead := g.Ahead
	if ahead <= 0 {
		ahead = 4
	}
	r := &ingestion{Ingest: g, appender: g.Log.NewAppender(), steps: make(chan step, ahead), durable: make(chan step, ahead)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(r.steps)
		return r.begin(ctx)
	})
	group.Go(func() error {
		defer close(r.durable)
		return r.settle(ctx)
	})
	group.Go(func() error { return r.take(ctx) })
	return group.Wait()
}

// begin fetches batches and begins to append them.
func (r *ingestion) begin(ctx context.Context) error {
	for {
		b, err := r.Source.Fetch(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		s := step{err: err} // what was read before it is handed on first
		if err == nil {
			s = r.beginOne(ctx, b)
		}
		if !send(ctx, r.steps, s) {
			return ctx.Err()
		}
		if err != nil {
			return nil
		}
	}
}

func send(ctx context.Context, to chan<- step, s step) bool {
	select {
	case to <- s:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *ingestion) beginOne(ctx context.Context, b *Batch) step {
	dst := r.describe(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.underway++
	if r.stalled {
		return step{batch: b}
	}
	p, err := r.appender.Begin(ctx, &dst)
	return step{batch: b, pending: p, err: err}
}

// describe returns what is to be appended.
func (r *ingestion) describe(b *Batch) (dst journal.Batch) {
	b.ForLog(&dst)
	switch {
	case b.Kind != journal.Event && b.Kind != journal.RecordsRead:
	case b.Timed:
		dst.MinTime, dst.MaxTime, dst.Timed = b.MinTime, b.MaxTime, true
	case r.Times != nil:
		dst.MinTime, dst.MaxTime, dst.Timed = r.Times(b)
	}
	return dst
}

// settle waits until each step is durable, tells its batch so, and lets it be handed on.
func (r *ingestion) settle(ctx context.Context) error {
	for s := range r.steps {
		err := s.err
		if s.batch != nil {
			err = r.append(ctx, &s)
		}
		if errors.Is(err, journal.ErrDiskFull) && s.batch != nil { // it is not tried again
			s.batch.settled(journal.Appended{}, err)
			r.Source.Release(s.batch)
			r.settledOne()
			continue
		}
		s.err = err
		if !send(ctx, r.durable, s) {
			return ctx.Err()
		}
		if err != nil {
			return nil
		}
		r.settledOne()
	}
	return ctx.Err()
}

// append waits until a step is durable, and tells its batch where it is.
func (r *ingestion) append(ctx context.Context, s *step) error {
	at, err := s.wait(ctx)
	if s.pending == nil && s.err == nil || errors.Is(err, journal.ErrDiskFull) {
		at, err = r.again(ctx, s.batch)
	}
	if err != nil {
		return err
	}
	s.batch.inLog(at)
	if s.batch.Kept != nil {
		s.batch.Kept()
	}
	if s.batch.settled != nil {
		s.batch.settled(at, nil)
	}
	return nil
}

// take hands on what is durable.
func (r *ingestion) take(ctx context.Context) error {
	for s := range r.durable {
		if s.err != nil {
			return s.err
		}
		if err := r.Durable(s.batch); err != nil {
			return err
		}
		r.Source.Release(s.batch)
	}
	return ctx.Err()
}

func (s *step) wait(ctx context.Context) (journal.Appended, error) {
	if s.pending == nil {
		return journal.Appended{}, s.err
	}
	return s.pending.Wait(ctx)
}

// settledOne notes that a step is over; with the last one that was under way a stall is, too.
func (r *ingestion) settledOne() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underway--; r.underway == 0 && r.stalled {
		r.appender.Resume()
		r.stalled = false
	}
}

// again appends a batch whose turn it is, until there is room for it; one that wants to be told of a full disk is tried
// once.
func (r *ingestion) again(ctx context.Context, b *Batch) (journal.Appended, error) {
	r.mu.Lock()
	r.stalled = true // from here on nothing is begun but here
	r.mu.Unlock()
	dst := r.describe(b)
	for {
		r.appender.Resume()
		p, err := r.appender.Begin(ctx, &dst)
		at := journal.Appended{}
		if err == nil {
			at, err = p.Wait(ctx)
		}
		if !errors.Is(err, journal.ErrDiskFull) || b.settled != nil {
			return at, err
		}
		if err := r.pause(ctx); err != nil {
			return at, err
		}
	}
}

// pause waits before a full disk is tried again.
func (r *ingestion) pause(ctx context.Context) error {
	wait := r.Retry
	if wait <= 0 {
		wait = time.Second
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("source: wait for room in the log: %w", ctx.Err())
	}
}

// inLog gives the records of a batch the positions and the append time that they have in the log.
func (b *Batch) inLog(at journal.Appended) {
	if b.LogOffset, b.Appended = at.First, at.Time; b.Note != nil {
		return
	}
	for i := range b.Lines {
		b.Lines[i].Offset = at.First + int64(i)
	}
	b.Stream, b.Position = LogStream, event.LogPosition
}
