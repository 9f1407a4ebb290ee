package journal

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestRetainBySize(t *testing.T) {
	o := small(vfs.NewMem())
	o.MaxSize = 20_000
	l := open(t, o)
	for i := 0; i < 200; i += 10 {
		appendBatch(t, l, batch(i, i+10, "f", -1))
	}
	before := l.Stats()
	if n, err := l.Retain(0); n != 0 || err != nil {
		t.Errorf("Retain(0) removed %d segments, %v", n, err)
	}
	if n, err := l.Retain(55); n == 0 || err != nil || l.FirstOffset() > 55 || l.FirstOffset() == 0 {
		t.Errorf("Retain(55) removed %d segments, %v, and left %d on", n, err, l.FirstOffset())
	}
	first := l.FirstOffset()
	expectRecords(t, readAll(t, l.NewReader(first)), int(first), 200-int(first))
	if n, err := l.Retain(200); n == 0 || err != nil {
		t.Errorf("Retain(200) removed %d segments, %v", n, err)
	}
	after := l.Stats()
	if after.Bytes > o.MaxSize || after.Segments >= before.Segments || after.Next != 200 {
		t.Errorf("after it: %+v, before: %+v", after, before)
	}
	first = l.FirstOffset()
	if err := l.NewReader(first-1).Next(ctx, &Block{}); !errors.Is(err, ErrRemoved) {
		t.Errorf("reading what has been removed: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, o)
	if l.FirstOffset() != first || l.NextOffset() != 200 {
		t.Errorf("after a restart: %d to %d, before: %d to 200", l.FirstOffset(), l.NextOffset(), first)
	}
	if p, ok := l.Progress("f"); !ok || p.Mark.Line != 200 {
		t.Errorf("progress is %v, %v", p, ok)
	}
	expectRecords(t, readAll(t, l.NewReader(first)), int(first), 200-int(first))
}

func TestRetainByAge(t *testing.T) {
	o := small(vfs.NewMem())
	c := &clock{0}
	o.Now, o.MaxAge, o.SegmentSize = c.now, 80*time.Second, 1<<20
	l := open(t, o)
	for i := range 100 { // one record a second
		c.ms = int64(i) * 1000
		appendBatch(t, l, batch(i, i+1, "", -1))
	}
	if _, err := l.Retain(100); err != nil {
		t.Fatal(err)
	}
	if first := l.FirstOffset(); first > 20 || first < 9 {
		t.Errorf("at 99 s the log begins with second %d; it is to keep 80 s, and at most 10 s more", first)
	}
	c.ms = 1000_000
	if _, err := l.Retain(100); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Segments != 1 || s.Next != 100 {
		t.Errorf("the newest segment must stay: %+v", s)
	}
}

// TestReaderOfRemovedSegment has a reader in a segment while it is removed: it is told so.
func TestReaderOfRemovedSegment(t *testing.T) {
	o := small(vfs.NewMem())
	o.MaxSize = 1
	l := open(t, o)
	for i := 0; i < 100; i += 10 {
		appendBatch(t, l, batch(i, i+10, "f", -1))
	}
	r := l.NewReader(0)
	defer r.Close()
	var b Block
	if err := r.Next(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Retain(100); err != nil {
		t.Fatal(err)
	}
	if err := r.Next(ctx, &b); !errors.Is(err, ErrRemoved) {
		t.Errorf("Next = %v", err)
	}
}
