// Package sourcetest is one suite of tests for everything that is a source.Source.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"kelpie/source"
)

// Subject is an implementation to be tested.
type Subject struct {
	// Open opens a source of these records, which are lines without line ends, none of them blank.
	Open func(t *testing.T, records [][]byte) source.Source
	// Position is how the position of the i-th record is written.
	Position func(i int) string
	// Endless says that the source waits for more at the end.
	Endless bool
}

// Run tests an implementation.
func Run(t *testing.T, s Subject) {
	t.Run("all", func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 1000, 20_000} {
			s.readAll(t, records(n), true)
		}
	})
	t.Run("kept", func(t *testing.T) { s.readAll(t, records(20_000), false) })
	t.Run("cancelled", s.cancelled)
	t.Run("closed", s.closed)
	t.Run("abandoned", s.abandoned)
}

// records makes n records of different lengths.
func records(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, i, bytes.Repeat([]byte{'x'}, i*i%601))
	}
	return all
}

// readAll reads everything and compares: each batch when it comes, after which it is released, or, without release, all
// of them again in the end.
func (s Subject) readAll(t *testing.T, want [][]byte, release bool) {
	src := s.Open(t, want)
	defer closeSource(t, src)
	n := 0
	var kept []*source.Batch
	for n < len(want) || !s.Endless {
		b, err := src.Fetch(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("after %d of %d records: %v", n, len(want), err)
		}
		if len(b.Lines) == 0 {
			t.Fatal("an empty batch")
		}
		s.compare(t, b, want, n)
		n += len(b.Lines)
		if kept = append(kept, b); release {
			src.Release(b)
		}
	}
	if n != len(want) {
		t.Fatalf("read %d records of %d", n, len(want))
	}
	if !s.Endless {
		if b, err := src.Fetch(context.Background()); b != nil || !errors.Is(err, io.EOF) {
			t.Errorf("Fetch behind the end = %v, %v", b, err)
		}
	}
	if release {
		return
	}
	n = 0
	for _, b := range kept {
		s.compare(t, b, want, n)
		n += len(b.Lines)
	}
}

// compare checks the records of one batch, of which the first is want[n].
func (s Subject) compare(t *testing.T, b *source.Batch, want [][]byte, n int) {
	t.Helper()
	for i := range b.Lines {
		if n+i >= len(want) || !bytes.Equal(b.Record(i), want[n+i]) {
			t.Fatalf("record %d is %q", n+i, b.Record(i))
		}
		if got := b.PositionOf(i).String(); got != s.Position(n+i) {
			t.Fatalf("record %d is at %s, want %s", n+i, got, s.Position(n+i))
		}
	}
}

// cancelled cancels a Fetch: the next one goes on as if nothing had been.
func (s Subject) cancelled(t *testing.T) {
	want := records(10)
	src := s.Open(t, want)
	defer closeSource(t, src)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := src.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch = %v", err)
	}
	b, err := src.Fetch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s.compare(t, b, want, 0)
}

// closed closes a source, and fetches.
func (s Subject) closed(t *testing.T) {
	src := s.Open(t, records(10))
	closeSource(t, src)
	if b, err := src.Fetch(context.Background()); b != nil || !errors.Is(err, source.ErrClosed) {
		t.Errorf("Fetch = %v, %v", b, err)
	}
	closeSource(t, src)
}

// abandoned closes a source that has much more to give. That no goroutine stays is for the package's own tests to
// check.
func (s Subject) abandoned(t *testing.T) {
	want := records(20_000)
	src := s.Open(t, want)
	b, err := src.Fetch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s.compare(t, b, want, 0)
	closeSource(t, src)
}

func closeSource(t *testing.T, src source.Source) {
	t.Helper()
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}
