package state

import (
	"bytes"
	"encoding/hex"
	"math"
	"slices"
	"testing"
)

// TestPacked holds what becomes of words of every form.
func TestPacked(t *testing.T) {
	head := bytes.Repeat([]byte{0xee}, packHead)
	f := func(want string, words ...uint64) {
		t.Helper()
		row := slices.Clone(head)
		for _, w := range words {
			row = le.AppendUint64(row, w)
		}
		p := appendPacked(nil, row)
		if !bytes.Equal(p[:packHead], head) {
			t.Errorf("the head is % x", p[:packHead])
		}
		if got := hex.EncodeToString(p[packHead:]); got != want {
			t.Errorf("packed %x = %s, want %s", words, got, want)
		}
		if back, ok := appendUnpacked(nil, p); !ok || !bytes.Equal(back, row) {
			t.Errorf("unpacked %x = % x, %v", words, back, ok)
		}
	}
	f("0800", 0)
	f("1000", 0, 0)
	f("080105", 5)
	f("10110507", 5, 7)
	f("10203412", 0, 0x1234)
	f("1808"+"0807060504030201"+"00", 0x0102030405060708, 0, 0)
	f("180b"+"88a340"+"01ff", math.Float64bits(2500), 0, 0xff)
	f("1099"+"8080", 1<<63, 1<<63)
	f("108f"+"01000000000001"+"0100000000000080", 1<<56|1<<8, 1<<63|1)
}

// FuzzPacked holds that any value comes back, behind what is there already, and that bytes which are no packed value are
// refused or unpacked, and do nothing else.
func FuzzPacked(f *testing.F) {
	f.Add([]byte("short"))
	f.Add(bytes.Repeat([]byte("0123456789"), 5))
	f.Add(make([]byte, 100))
	f.Add(appendPacked(nil, slices.Repeat([]byte{0, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0}, 9)))
	f.Add(append(make([]byte, packHead), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, v []byte) {
		p := appendPacked([]byte("before"), v)
		if !bytes.HasPrefix(p, []byte("before")) {
			t.Fatalf("what was there became %q", p)
		}
		back, ok := appendUnpacked([]byte("there"), p[6:])
		if !ok || !bytes.Equal(back, append([]byte("there"), v...)) {
			t.Errorf("% x came back as % x, %v", v, back, ok)
		}
		if _, ok := appendUnpacked(nil, p[6:len(p)-1]); ok && len(v) > packHead {
			t.Error("a value that was cut off is whole")
		}
		if row, ok := appendUnpacked(nil, v); ok && len(v) > packHead {
			if again, ok := appendUnpacked(nil, appendPacked(nil, row)); !ok || !bytes.Equal(again, row) {
				t.Errorf("% x is unpacked as % x", v, row)
			}
		}
	})
}

// BenchmarkPack packs and unpacks a row such as the fold makes; an operation is both.
func BenchmarkPack(b *testing.B) {
	row := make([]byte, packHead)
	for i := range uint64(50) {
		row = le.AppendUint64(row, []uint64{0, 0, i, 1_785_000_000_000 + i, math.Float64bits(19.5)}[i%5])
	}
	var p, back []byte
	b.ReportAllocs()
	for b.Loop() {
		p = appendPacked(p[:0], row)
		back, _ = appendUnpacked(back[:0], p)
	}
	b.ReportMetric(float64(len(p))/float64(len(row)), "packed")
}
