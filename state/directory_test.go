package state

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRowBlocks holds the blocks of a row to a map of bytes, while they come, grow, shrink and go.
func TestRowBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Memory
		rows := NewRows(1, &m, nil, 0)
		key := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "key")
		r, err := rows.GetOrNew(0, 7, key, 80)
		if err != nil {
			t.Fatal(err)
		}
		blocks := map[uint16][]byte{}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			unit := uint16(rapid.IntRange(0, 40).Draw(t, "unit"))
			size := rapid.IntRange(0, 90).Draw(t, "size")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				r.Remove(unit)
				delete(blocks, unit)
			case 1:
				r.Shrink(unit, size)
				if b := blocks[unit]; len(b) > pad8(size) {
					blocks[unit] = b[:pad8(size)]
				}
			case 2:
				var list []NewBlock
				for _, u := range rapid.SliceOfDistinct(rapid.Uint16Range(0, 40), rapid.ID).Draw(t, "units") {
					if blocks[u] == nil {
						list = append(list, NewBlock{u, size})
						blocks[u] = make([]byte, pad8(size))
					}
				}
				r.InsertAll(list)
			default:
				b := r.Ensure(unit, size)
				want := append(slices.Clone(blocks[unit]), make([]byte, max(0, pad8(size)-len(blocks[unit])))...)
				if !bytes.Equal(b, want) {
					t.Fatalf("unit %d, made sure of %d bytes, is %x, want %x", unit, size, b, want)
				}
				for i := range b {
					b[i] = byte(unit) + byte(i) + 1
				}
				blocks[unit] = slices.Clone(b)
			}
			sameBlocks(t, &r, blocks)
			if !validRow(r.Bytes(), key) || !bytes.Equal(r.Key(), key) {
				t.Fatalf("the row of key %x is damaged: %x", key, r.Bytes())
			}
		}
	})
}

// sameBlocks holds that the row has exactly these blocks, and the bytes of a row that was made of them in order.
func sameBlocks(t *rapid.T, r *Row, blocks map[uint16][]byte) {
	units := slices.Sorted(maps.Keys(blocks))
	if r.Blocks() != len(units) {
		t.Fatalf("%d blocks, want %d", r.Blocks(), len(units))
	}
	var m Memory
	again, err := NewRows(1, &m, nil, 0).GetOrNew(0, 7, r.Key(), 80)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range units {
		if r.Unit(i) != u || !bytes.Equal(r.BlockAt(i), blocks[u]) || !bytes.Equal(r.Block(u), blocks[u]) {
			t.Fatalf("block %d is that of unit %d, %x or %x; want unit %d, %x", i, r.Unit(i), r.BlockAt(i), r.Block(u), u, blocks[u])
		}
		copy(again.Ensure(u, len(blocks[u])), blocks[u])
	}
	for u := range uint16(42) {
		if b := r.Block(u); (b != nil) != (blocks[u] != nil) {
			t.Fatalf("the block of unit %d is %x, want %x", u, b, blocks[u])
		}
	}
	if !bytes.Equal(r.Bytes(), again.Bytes()) {
		t.Fatalf("the row is\n%x, and made in order\n%x", r.Bytes(), again.Bytes())
	}
}

// BenchmarkRowBlock finds each block of a row.
func BenchmarkRowBlock(b *testing.B) {
	for _, n := range []int{2, 8, 16, 64, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var m Memory
			r, err := NewRows(1, &m, nil, 0).GetOrNew(0, 7, []byte("key"), 80)
			if err != nil {
				b.Fatal(err)
			}
			for u := range n {
				r.Ensure(uint16(3*u), 64)
			}
			for i := 0; b.Loop(); i++ {
				if r.Block(uint16(i*7%n*3)) == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
