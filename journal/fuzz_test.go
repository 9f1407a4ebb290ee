package journal

import (
	"encoding/binary"
	"testing"

	"github.com/zeebo/xxh3"
)

// resum makes the checksums of a segment right, as far as blocks can be found, so that what they guard is reached.
func resum(b []byte) {
	le := binary.LittleEndian
	if len(b) < segmentHeaderSize {
		return
	}
	le.PutUint64(b[120:], xxh3.Hash(b[:120]))
	for pos := segmentHeaderSize; pos+blockHeaderSize <= len(b); {
		h := b[pos:]
		size := blockHeaderSize + int64(le.Uint32(h[36:])) + int64(le.Uint32(h[40:]))
		if size > int64(len(h)) {
			return
		}
		le.PutUint64(h[80:], xxh3.Hash(h[blockHeaderSize:size]))
		le.PutUint64(h[88:], xxh3.Hash(h[:88]))
		pos += int(size)
	}
}

// FuzzSegment reads any bytes as a log's only segment, as they are or with right checksums: nothing panics, and what
// Open accepts can be read, verified and appended to.
func FuzzSegment(f *testing.F) {
	for _, clean := range []bool{false, true} {
		for _, b := range writeLog(f, 2, 3, clean) {
			f.Add(b, false)
			f.Add(b, true)
			f.Add(b[:len(b)-9], false)
		}
	}
	f.Add([]byte(segmentMagic), true)
	f.Fuzz(func(t *testing.T, b []byte, sums bool) {
		if sums {
			resum(b)
		}
		fs := mem(t, map[string][]byte{segmentName(0): b})
		o := small(fs)
		o.ReadOnly = true
		if l, err := Open(testDir, o); err == nil {
			drain(l)
		}
		if _, err := Verify(testDir, fs); err != nil {
			t.Logf("Verify: %v", err)
		}
		o.ReadOnly = false
		l, err := Open(testDir, o)
		if err != nil {
			return
		}
		drain(l)
		if a, err := l.Append(ctx, Event, []byte("more")); err != nil {
			t.Fatal(err)
		} else if r, err := l.Get(ctx, a.First, &Block{}); err != nil || string(r.Payload) != "more" {
			t.Fatalf("Get(%d) = %v, %v", a.First, r, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// drain reads all that can be read.
func drain(l *Log) {
	r := l.NewReader(l.FirstOffset())
	defer r.Close()
	var b Block
	for r.Next(ctx, &b) == nil {
		for i := range b.Lines {
			b.Record(i)
		}
	}
}
