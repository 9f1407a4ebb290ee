package source

import (
	"context"
	"fmt"
	"sync"
)

// feed carries batches from the one goroutine that reads to the one that fetches.
type feed struct {
	out  chan *Batch // closed when the reading goroutine has ended
	free chan *Batch // to be used again

	ctx    context.Context // of the reading goroutine, ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	err    error // why the reading goroutine has ended; readable when out is closed
	closed bool  // the fetching goroutine's
}

// readAhead is how many batches wait to be fetched at most.
const readAhead = 2

// init begins to read: read sends batches until it returns why it ended (io.EOF at the end).
func (f *feed) init(read func() error) {
	f.out, f.free = make(chan *Batch, readAhead), make(chan *Batch, 4*readAhead)
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.wg.Go(func() {
		f.err = read()
		close(f.out)
	})
}

// Fetch implements Source.
func (f *feed) Fetch(ctx context.Context) (*Batch, error) {
	if f.closed {
		return nil, fmt.Errorf("source: fetch: %w", ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case b, ok := <-f.out:
		if ok {
			return b, nil
		}
		return nil, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Release implements Source.
func (f *feed) Release(b *Batch) {
	if b.shares != nil && b.shares.Add(-1) > 0 {
		return
	}
	select {
	case f.free <- b:
	default:
	}
}

// stop ends the reading goroutine and waits for it.
func (f *feed) stop() {
	f.closed = true
	f.cancel()
	f.wg.Wait()
}

// spare returns a batch to be filled.
func (f *feed) spare() *Batch {
	select {
	case b := <-f.free:
		return b
	default:
		return &Batch{}
	}
}

// send hands a batch over; it returns an error when the source is closed.
func (f *feed) send(b *Batch) error {
	select {
	case f.out <- b:
		return nil
	case <-f.ctx.Done():
		return f.ctx.Err()
	}
}

// hungry reports whether somebody may be waiting for a batch.
func (f *feed) hungry() bool { return len(f.out) == 0 }
