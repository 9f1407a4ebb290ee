package main

import (
	"context"
	"io"
	"math"
	"sync/atomic"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/traffic"
)

// shop is a source.Source of generated traffic that comes when it is due: event time passes speed times as fast as the
// clock on the wall.
type shop struct {
	g      *traffic.Generator
	start  int64   // event time at which the stream begins, ms
	speed  float64 // milliseconds of event time in one of the wall's
	length time.Duration
	rush   bool            // do not wait: for tests
	over   <-chan struct{} // closed when the stream is to end

	// Owned by the goroutine that fetches.
	began time.Time
	next  []byte // the event that is not due yet
	ended bool
	bytes int64

	written atomic.Int64 // events that were given out
}

const (
	shopName  = "shop"
	shopBatch = 4096                  // events of one batch at most
	shopBeat  = 20 * time.Millisecond // between two batches, if there is little to do
)

// Fetch implements source.Source.
func (s *shop) Fetch(ctx context.Context) (*source.Batch, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	for {
		b := s.batch()
		if len(b.Lines) > 0 {
			return b, nil
		}
		if s.ended {
			return nil, io.EOF
		}
		select {
		case <-time.After(shopBeat):
		case <-s.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// batch returns what is due by now. The events go on behind those of the batch before, as the lines of a file do.
func (s *shop) batch() *source.Batch {
	due := s.due()
	b := &source.Batch{
		Kind: journal.Event, Stream: shopName, Position: event.FilePosition,
		Origin: journal.Source{Name: shopName, Ident: "generated"}, Base: s.bytes,
	}
	for len(b.Lines) < shopBatch && s.peek() && (s.ended || s.g.Now() <= due) {
		at := len(b.Buf)
		b.Buf = append(b.Buf, s.next...)
		s.next = s.next[:0]
		b.Lines = append(b.Lines, source.Line{Start: at, End: len(b.Buf) - 1, Offset: s.written.Add(1)})
	}
	s.bytes += int64(len(b.Buf))
	b.Next = journal.Mark{Offset: s.bytes, Line: s.written.Load()}
	return b
}

// due returns the event time up to which events are due, and notices the end. At the end the one event that has been
// generated and is not due yet is given out with the others: the labels count it.
func (s *shop) due() int64 {
	select {
	case <-s.over:
		s.ended = true
	default:
	}
	passed := time.Since(s.began)
	if s.rush {
		return math.MaxInt64
	}
	if s.length > 0 && passed >= s.length {
		s.ended = true
	}
	return s.start + int64(s.speed*float64(passed.Milliseconds()))
}

// peek makes sure that there is a next event; false says that there is none any more.
func (s *shop) peek() bool {
	if len(s.next) > 0 {
		return true
	}
	if s.ended {
		return false
	}
	var ok bool
	if s.next, ok = s.g.Next(s.next[:0]); !ok {
		s.ended = true
	}
	return ok
}

// Release implements source.Source.
func (s *shop) Release(*source.Batch) {}

// Close implements source.Source.
func (s *shop) Close() error { return nil }
