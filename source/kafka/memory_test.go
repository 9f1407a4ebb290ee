package kafka

import (
	"testing"

	"github.com/segmentio/kafka-go/compress"
)

// TestSpareMemory wants memory to be used again, and no more of it kept than half of what may be in use.
func TestSpareMemory(t *testing.T) {
	m := &memory{limit: 32 << 20}
	var pages []*page
	for range 8 {
		p := m.page()
		m.filled(p, make([]byte, 3<<20))
		pages = append(pages, p)
	}
	for _, p := range pages {
		m.drop(p)
	}
	if m.pinned != 0 || m.spare != 15<<20 || len(m.pages) != 5 {
		t.Errorf("%d bytes of %d pages are kept, %d in use", m.spare, len(m.pages), m.pinned)
	}
	for range 5 {
		if p := m.page(); cap(p.b) != 3<<20 {
			t.Errorf("a page of %d bytes", cap(p.b))
		}
	}
	if m.spare != 0 || m.pinned != 15<<20 {
		t.Errorf("%d bytes are kept, %d in use", m.spare, m.pinned)
	}
	for range 4 {
		m.recycle(&Batch{arena: make([]byte, 5<<20)})
	}
	if m.spare != 15<<20 || len(m.batches) != 4 || cap(m.batches[3].arena) != 0 {
		t.Errorf("%d bytes of %d batches are kept", m.spare, len(m.batches))
	}
	for range 4 {
		m.batch()
	}
	if m.spare != 0 {
		t.Errorf("%d bytes are said to be kept", m.spare)
	}
}

// TestExpansion wants as much to be asked for as fits when it is unpacked, and arenas that need not grow.
func TestExpansion(t *testing.T) {
	d := newDecoder()
	defer d.unpack.close()
	data, _ := shop(500, compress.Zstd)
	for range 2 {
		f := &fetched{records: data, expands: d.expansion(0)}
		out, err := d.decode(f, &page{held: 1}, Mark{}, 0, 0)
		if err != nil || len(out) != 1 {
			t.Fatal(len(out), err)
		}
		if f.expands > 1 && cap(out[0].arena) > int(f.expands*float64(len(data)))+arenaRoom {
			t.Errorf("the arena of %d bytes has grown to %d", len(out[0].Buf), cap(out[0].arena))
		}
	}
	x := d.expansion(0)
	if x < 3 || x > 20 {
		t.Fatalf("%d bytes became %v times as many", len(data), x)
	}
	f := func(expands float64, share, want int) {
		t.Helper()
		p := &partition{expands: expands}
		if got := p.packedShare(share); int(got) != want {
			t.Errorf("of a share of %d, %v times as large: %d, want %d", share, expands, got, want)
		}
	}
	f(1, 4<<20, 4<<20)
	f(0.5, 4<<20, 4<<20)
	f(4, 4<<20, 1<<20)
	f(0, 4<<20, 512<<10)
	f(1000, 4<<20, 64<<10)
	f(1000, 16<<10, 16<<10)
}
