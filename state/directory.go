package state

import (
	"cmp"
	"slices"
)

// directoryStep is by how many entries the directory of a row with many blocks grows, so that a new block seldom moves the
// whole row: only what stands behind it.
const directoryStep = 8

// directorySize returns the bytes of the directory of a row with n blocks.
func directorySize(n int) int {
	if n > directoryStep {
		n = (n + directoryStep - 1) / directoryStep * directoryStep
	}
	return rowDirEntry * n
}

// entry returns the directory's entry of block i: its unit in the low bits, its end in the high half.
func (r *Row) entry(i int) uint64 { return le.Uint64(r.b[rowHeader+rowDirEntry*i:]) }

func (r *Row) setEntry(i int, e uint64) { le.PutUint64(r.b[rowHeader+rowDirEntry*i:], e) }

// end returns where block i ends, counted from the start of the first block; 0 for the place before it.
func (r *Row) end(i int) int {
	if i < 0 {
		return 0
	}
	return int(r.entry(i) >> 32)
}

// start returns the offset of the first block.
func (r *Row) start() int {
	return rowHeader + directorySize(r.Blocks()) + pad8(int(le.Uint32(r.b[4:])))
}

// place returns the offsets of the first byte of block i and of the one behind it.
func (r *Row) place(i int) (off, end int) {
	start := r.start()
	return start + r.end(i-1), start + r.end(i)
}

// find returns the index of the unit's block and the offsets of its first byte and of the one behind it; where there is
// no such block, those of the place where it would stand.
func (r *Row) find(unit uint16) (i, off, end int, ok bool) {
	n := r.Blocks()
	dir := r.b[rowHeader : rowHeader+rowDirEntry*n]
	off = r.start()
	for n > directoryStep {
		half := n / 2
		if uint16(le.Uint64(dir[rowDirEntry*(i+half):])) <= unit {
			i += half
		}
		n -= half
	}
	start := off
	if i > 0 {
		off += int(le.Uint64(dir[rowDirEntry*(i-1):]) >> 32)
		dir = dir[rowDirEntry*i:]
	}
	for ; len(dir) >= rowDirEntry; dir = dir[rowDirEntry:] {
		e := le.Uint64(dir)
		if u := uint16(e); u == unit {
			return i, off, start + int(e>>32), true
		} else if u > unit {
			break
		}
		off = start + int(e>>32)
		i++
	}
	return i, off, off, false
}

// moveEnds moves the ends of the blocks from i on by n bytes.
func (r *Row) moveEnds(i, n int) {
	for ; i < r.Blocks(); i++ {
		r.setEntry(i, r.entry(i)+uint64(n)<<32)
	}
}

// insert makes block i, of size bytes that are zero, at offset off.
func (r *Row) insert(i, off int, unit uint16, size int) []byte {
	wider := directorySize(r.Blocks()+1) - directorySize(r.Blocks())
	r.InsertAll([]NewBlock{{Unit: unit, Size: size}})
	off += wider
	return r.b[off : off+size : off+size]
}

// NewBlock is a block to be made.
type NewBlock struct {
	Unit uint16
	Size int // in bytes
}

// InsertAll makes the blocks, all zero, of units that are distinct and have none: what stands in the row moves once for all
// of them. It sorts its argument.
func (r *Row) InsertAll(blocks []NewBlock) {
	if len(blocks) == 0 {
		return
	}
	if len(blocks) > 1 {
		slices.SortFunc(blocks, func(a, b NewBlock) int { return cmp.Compare(a.Unit, b.Unit) })
	}
	total := 0
	for i := range blocks {
		blocks[i].Size = pad8(blocks[i].Size)
		total += blocks[i].Size
	}
	n, start, used := r.Blocks(), r.start(), rowUsed(r.b)
	wider := directorySize(n+len(blocks)) - directorySize(n)
	r.moves++
	if used+wider+total > len(r.b) {
		r.widen(used + wider + total)
	}
	r.spread(blocks, start, wider+total)
	if wider > 0 {
		dir := rowHeader + directorySize(n)
		copy(r.b[dir+wider:start+wider], r.b[dir:start])
		clear(r.b[dir : dir+wider])
	}
	r.enter(blocks, total)
	le.PutUint16(r.b[24:], uint16(n+len(blocks)))
	le.PutUint32(r.b, uint32(used+wider+total))
}

// spread moves the blocks, of which the first begins at start, so that the new ones, which it clears, come between them
// and the last one ends `by` bytes later.
func (r *Row) spread(blocks []NewBlock, start, by int) {
	i, end := r.Blocks(), start+r.end(r.Blocks()-1)
	for k := len(blocks) - 1; k >= 0; k-- {
		for i > 0 && r.Unit(i-1) > blocks[k].Unit {
			i--
		}
		off := start + r.end(i-1)
		copy(r.b[off+by:end+by], r.b[off:end])
		clear(r.b[off+by-blocks[k].Size : off+by])
		by -= blocks[k].Size
		end = off
	}
	copy(r.b[start+by:end+by], r.b[start:end])
}

// enter writes the new blocks, of total bytes, into the directory, where there is room for them.
func (r *Row) enter(blocks []NewBlock, total int) {
	i := r.Blocks()
	for k := len(blocks) - 1; k >= 0; k-- {
		for ; i > 0 && r.Unit(i-1) > blocks[k].Unit; i-- {
			r.setEntry(i+k, r.entry(i-1)+uint64(total)<<32)
		}
		r.setEntry(i+k, uint64(r.end(i-1)+total)<<32|uint64(blocks[k].Unit))
		total -= blocks[k].Size
	}
}

// remove takes block i, of size bytes at offset off, away.
func (r *Row) remove(i, off, size int) {
	n := r.Blocks()
	for j := i; j < n-1; j++ {
		r.setEntry(j, r.entry(j+1)-uint64(size)<<32)
	}
	r.setEntry(n-1, 0)
	le.PutUint16(r.b[24:], uint16(n-1))
	r.shift(off, -size)
	if less := directorySize(n-1) - directorySize(n); less < 0 {
		r.shift(rowHeader+directorySize(n-1), less)
	}
}
