package state

import (
	"fmt"
	"testing"
)

// written is a RowWriter that notes the keys it is given.
type written struct{ keys []string }

func (w *written) DeleteRow(uint16, uint64, []byte)    {}
func (w *written) DeleteChunks(uint16, uint64, []byte) {}
func (w *written) setRow(_ uint16, _ uint64, key, _ []byte, _ *pages) *pages {
	w.keys = append(w.keys, string(key))
	return nil
}

// flushed says which rows a Flush writes, and commits them.
func flushed(s *Rows) string {
	var w written
	epoch, _ := s.Flush(&w)
	s.Committed(epoch)
	return fmt.Sprint(w.keys)
}

func rowOf(t *testing.T, s *Rows, i int) Row {
	t.Helper()
	r, err := s.GetOrNew(0, uint64(i)<<16, fmt.Append(nil, i), 80)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMarkLater holds when a row is written of which others find out what has changed: with the next change that does
// count, before it leaves memory, or when many such rows wait, the oldest first.
func TestMarkLater(t *testing.T) {
	s := NewRows(1, &Memory{}, &shelf{}, 0)
	a := rowOf(t, s, 1)
	s.MarkLater(&a)
	if got := flushed(s); got != "[]" {
		t.Errorf("after MarkLater %s are written", got)
	}
	s.MarkDirty(&a)
	s.MarkLater(&a)
	if got := flushed(s); got != "[1]" {
		t.Errorf("after MarkDirty %s are written", got)
	}

	s.MarkLater(&a)
	if n := s.Evict(1 << 20); n != 0 {
		t.Errorf("%d rows left memory that are not stored as they were", n)
	}
	if got := flushed(s); got != "[1]" {
		t.Errorf("before the row leaves memory %s are written", got)
	}
	if n := s.Evict(1 << 20); n != 1 {
		t.Errorf("%d rows left memory, want 1", n)
	}

	for i := range laterMost + 2 {
		r := rowOf(t, s, 10+i)
		s.MarkLater(&r)
	}
	if got := flushed(s); got != "[10 11]" {
		t.Errorf("of too many that wait %s are written", got)
	}
}
