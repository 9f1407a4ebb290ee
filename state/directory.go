package state

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
	n := r.Blocks()
	wider := directorySize(n+1) - directorySize(n)
	r.shift(off, size+wider)
	dir := rowHeader + directorySize(n)
	copy(r.b[dir+wider:off+wider], r.b[dir:off])
	clear(r.b[dir : dir+wider])
	le.PutUint16(r.b[24:], uint16(n+1))
	for j := n; j > i; j-- {
		r.setEntry(j, r.entry(j-1)+uint64(size)<<32)
	}
	r.setEntry(i, uint64(r.end(i-1)+size)<<32|uint64(unit))
	off += wider
	clear(r.b[off : off+size])
	return r.b[off : off+size : off+size]
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
