package main

import (
	"context"
	"errors"
	"io"

	"kelpie/source"
)

// turn is how many lines are taken from one partition before it is asked again which one is furthest behind. It is a
// number of lines, not of bytes or of what has come, so that the order in which events are folded is always the same.
const turn = 1000

// lane is one file that is read side by side with others.
type lane struct {
	src       *source.Files
	partition int
	batch     *source.Batch // being read, nil: none
	next      int           // line in batch
	done      bool
}

// sideBySide folds the files as partitions: always the one whose newest event is oldest, so that none is far ahead of
// the others and little waits for the watermark.
func (r *reading) sideBySide(ctx context.Context) (err error) {
	lanes := make([]*lane, 0, len(r.names))
	defer func() {
		for _, l := range lanes {
			l.src.Close()
		}
	}()
	for _, name := range r.names {
		src, err := r.open(name)
		if err != nil {
			return err
		}
		stream := name
		if name == source.Stdin {
			stream = "stdin"
		}
		lanes = append(lanes, &lane{src: src, partition: r.partition(stream)})
	}
	for {
		l := r.furthestBehind(lanes)
		if l == nil {
			return nil
		}
		if err := r.takeTurn(ctx, l); err != nil {
			return err
		}
	}
}

// furthestBehind returns the lane to be read next: the first that has no event yet, or whose newest is the oldest; nil
// if all have been read.
func (r *reading) furthestBehind(lanes []*lane) (best *lane) {
	var oldest int64
	for _, l := range lanes {
		if l.done {
			continue
		}
		t, ok := r.engine.Newest(l.partition)
		if !ok {
			return l
		}
		if best == nil || t < oldest {
			best, oldest = l, t
		}
	}
	return best
}

// takeTurn folds the next lines of a lane.
func (r *reading) takeTurn(ctx context.Context, l *lane) error {
	for left := turn; left > 0; {
		if l.batch == nil {
			b, err := l.src.Fetch(ctx)
			if errors.Is(err, io.EOF) {
				l.done = true
				r.engine.Idle(l.partition)
				return nil
			}
			if err != nil {
				return err
			}
			l.batch, l.next = b, 0
		}
		b := l.batch
		lines := b.Lines[l.next:min(l.next+left, len(b.Lines))]
		if err := r.fold(ctx, l.partition, b, lines); err != nil {
			return err
		}
		left -= len(lines)
		if l.next += len(lines); l.next == len(b.Lines) {
			r.bytes += b.Next.Offset - b.Base
			l.src.Release(b)
			l.batch = nil
		}
	}
	return nil
}
