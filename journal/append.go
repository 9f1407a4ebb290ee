package journal

import (
	"context"
	"fmt"
	"sync"
)

// Appended says where records stand in the log.
type Appended struct {
	First int64 // offset of the first one; the others follow without gaps
	Time  int64 // append time of all of them, ms
}

// Pending is an append that has been begun.
type Pending struct {
	done   chan struct{}
	result Appended
	err    error

	skip int64 // records of the entry that stand before it
}

// Wait waits until the append is durable and returns where it stands, or why it failed. When ctx is done first, the
// append may still become durable.
func (p *Pending) Wait(ctx context.Context) (Appended, error) {
	select {
	case <-p.done:
		return p.result, p.err
	case <-ctx.Done():
		return Appended{}, ctx.Err()
	}
}

// Done is closed when Wait will not wait.
func (p *Pending) Done() <-chan struct{} { return p.done }

func (p *Pending) finish(r Appended, err error) {
	p.result, p.err = r, err
	close(p.done)
}

// Append appends one record without a source and waits until it is durable.
func (l *Log) Append(ctx context.Context, kind Kind, payload []byte) (Appended, error) {
	return l.AppendBatch(ctx, &Batch{Kind: kind, Buf: payload, Lines: []Line{{0, len(payload), 0}}})
}

// AppendBatch appends the records of b and waits until they are durable: all of them, or none if it returns an error
// that is not ctx's. Appends of several goroutines share blocks and syncs.
func (l *Log) AppendBatch(ctx context.Context, b *Batch) (Appended, error) {
	p, err := l.begin(ctx, b, nil)
	if err != nil {
		return Appended{}, err
	}
	return p.Wait(ctx)
}

// Appender appends batches in their order, several at a time: one is compressed while another is being synced. When one
// fails, so do all that were begun after it, until Resume; so no batch of a source can overtake another one. An
// Appender is for one goroutine.
type Appender struct {
	log    *Log
	failed error // guarded by Log.mu
}

// NewAppender returns an Appender for this log.
func (l *Log) NewAppender() *Appender { return &Appender{log: l} }

// Begin begins to append b, and returns before it is durable. It waits while too much has been begun. The batch is the
// caller's again when Begin returns.
func (a *Appender) Begin(ctx context.Context, b *Batch) (*Pending, error) {
	return a.log.begin(ctx, b, a)
}

// Resume lets the Appender go on after Begin or Wait has told of a failure. By then all that was begun after what failed
// has failed, too; it is to be begun again, in order.
func (a *Appender) Resume() {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	a.failed = nil
}

// begin queues an append, as a block of its own, encoded here, or as a part of a shared one.
func (l *Log) begin(ctx context.Context, b *Batch, order *Appender) (*Pending, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	p := &Pending{done: make(chan struct{})}
	var e *entry
	if b.size() > min(smallMost, l.opts.BlockSize) || len(b.Lines) > blockRecords {
		e = l.encode(b)
		e.order, e.pending = order, []*Pending{p}
	}
	for {
		wait, err := l.enqueue(b, e, p, order)
		if err != nil {
			e.release()
			return nil, err
		}
		if wait == nil {
			return p, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			e.release()
			return nil, ctx.Err()
		}
	}
}

// size returns the bytes from the first line to the last one, which is what has to be kept.
func (b *Batch) size() int {
	if len(b.Lines) == 0 {
		return 0
	}
	return b.Lines[len(b.Lines)-1].End - b.Lines[0].Start
}

// enqueue queues e, or adds b to the shared block if e is nil. If the queue has no room it returns what to wait for.
func (l *Log) enqueue(b *Batch, e *entry, p *Pending, order *Appender) (wait <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := &l.queue
	switch {
	case l.opts.ReadOnly:
		return nil, fmt.Errorf("journal: append: %w", ErrReadOnly)
	case l.closed:
		return nil, fmt.Errorf("journal: append: %w", ErrClosed)
	case l.failed != nil:
		return nil, l.failed
	case order != nil && order.failed != nil:
		return nil, order.failed
	case len(b.Lines) == 0:
		p.finish(Appended{First: l.next()}, nil)
		return nil, nil
	case q.bytes > queueMost:
		return q.room, nil
	case e != nil:
		q.open = nil
		q.push(e)
		return nil, nil
	}
	if q.open == nil || q.open.order != order || q.open.small.full(l.opts.BlockSize) {
		q.open = &entry{small: builders.Get().(*builder), order: order}
		q.open.small.reset()
		q.push(q.open)
	}
	p.skip = int64(q.open.small.count)
	q.open.small.add(b, 0, len(b.Lines), false)
	q.open.bytes += b.size()
	q.bytes += b.size()
	q.open.pending = append(q.open.pending, p)
	return nil, nil
}

// full reports whether a shared block takes nothing more.
func (d *builder) full(blockSize int) bool {
	return len(d.data) >= blockSize || d.count >= blockRecords
}

// blockRecords is after how many records a block is full, however small they are.
const blockRecords = 1 << 18

// builders and encodeds keep buffers for blocks to come.
var (
	builders = sync.Pool{New: func() any { return new(builder) }}
	encodeds = sync.Pool{New: func() any { return new(encoded) }}
)

// encode makes blocks of a large batch.
func (l *Log) encode(b *Batch) *entry {
	e := &entry{}
	d := builders.Get().(*builder)
	for from := 0; from < len(b.Lines); {
		to := from + 1
		end := b.Lines[from].Start + l.opts.BlockSize
		for to < len(b.Lines) && b.Lines[to].End <= end && to-from < blockRecords {
			to++
		}
		d.reset()
		d.add(b, from, to, true)
		x := encodeds.Get().(*encoded)
		d.build(x)
		e.blocks = append(e.blocks, x)
		e.bytes += cap(x.buf)
		from = to
	}
	d.data = nil // the caller's
	builders.Put(d)
	return e
}

// release gives the buffers of an entry, which may be nil, back.
func (e *entry) release() {
	if e == nil {
		return
	}
	for _, x := range e.blocks {
		encodeds.Put(x)
	}
	if e.small != nil {
		builders.Put(e.small)
	}
	e.blocks, e.small = nil, nil
}
