package state

import (
	"encoding/binary"
	"math"
)

// A row is everything remembered about one key of one key dimension, as bytes, so that the garbage collector has
// nothing to walk, a commit is a copy and a crash test can compare states byte by byte:
//
//	header    used u32 | key length u32 | due i64 | gc i64 | blocks u16 | note u16 | plan u32
//	directory blocks × (unit u16 | 0 u16 | end u32), ascending by unit, filled up with zeros (directorySize)
//	key       padded to 8 bytes
//	blocks    in the directory's order, each a multiple of 8 bytes; end counts from the start of the first one
//
// All integers are little endian. A block belongs to a unit (a rule's scope, a table, …) of the plan; what is in it
// is the unit's own business. due is the earliest event time at which something of the row is to be handled,
// gc the event time from which the row may hold nothing any more; math.MaxInt64 stands for never. note is the engine's.
const (
	rowHeader   = 32
	rowDirEntry = 8
)

// Never is the time of what is not due at all.
const Never = math.MaxInt64

var le = binary.LittleEndian

func rowUsed(b []byte) int { return int(le.Uint32(b)) }

// rowKey returns the key inside the row's bytes.
func rowKey(b []byte) []byte {
	at := rowHeader + directorySize(int(le.Uint16(b[24:])))
	return b[at : at+int(le.Uint32(b[4:]))]
}

func pad8(n int) int { return (n + 7) &^ 7 }

// BlockSize returns how many bytes of a row a block of n bytes takes, with its entry in the directory.
func BlockSize(n int) int { return rowDirEntry + pad8(n) }

// RowDue reads from a row's bytes, of which only the first 32 are needed, when something in it is due and when it
// may be empty.
func RowDue(b []byte) (due, gc int64) {
	return int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))
}

// RowHeaderSize is how many bytes of a row RowDue needs.
const RowHeaderSize = rowHeader

// Row is a handle to one row in the cache. It stays valid until the row is deleted or evicted, which never happens
// while a stride is folded. A block's slice is valid until a block of the same row is added, grown or removed.
type Row struct {
	rows  *Rows
	id    uint32
	moves uint32
	b     []byte
}

// Moves counts how often blocks have moved through this handle: as long as it stays the same, so do the slices of blocks.
func (r *Row) Moves() uint32 { return r.moves }

// ID identifies the row within its Rows while it is in memory.
func (r *Row) ID() uint32 { return r.id }

// Key returns the row's key; it belongs to the row.
func (r *Row) Key() []byte { return rowKey(r.b) }

// Hash returns the hash of the row's key.
func (r *Row) Hash() uint64 { return r.rows.meta[r.id].hash }

// Check returns the check of the row's key, see RowCheck.
func (r *Row) Check() uint16 { return r.rows.meta[r.id].check }

// Plan returns the version of the plan that the row's blocks belong to.
func (r *Row) Plan() uint32 { return le.Uint32(r.b[28:]) }

// SetPlan notes the version of the plan that the row's blocks belong to.
func (r *Row) SetPlan(v uint32) { le.PutUint32(r.b[28:], v) }

// Due and GC read the row's times; SetDue and SetGC write them.
func (r *Row) Due() int64     { return int64(le.Uint64(r.b[8:])) }
func (r *Row) GC() int64      { return int64(le.Uint64(r.b[16:])) }
func (r *Row) SetDue(t int64) { le.PutUint64(r.b[8:], uint64(t)) }
func (r *Row) SetGC(t int64)  { le.PutUint64(r.b[16:], uint64(t)) }

// Note reads a small number that the engine keeps in the row's header; SetNote writes it.
func (r *Row) Note() uint16     { return le.Uint16(r.b[26:]) }
func (r *Row) SetNote(n uint16) { le.PutUint16(r.b[26:], n) }

// Blocks returns how many blocks the row has.
func (r *Row) Blocks() int { return int(le.Uint16(r.b[24:])) }

// Unit returns the unit of block i.
func (r *Row) Unit(i int) uint16 { return uint16(r.entry(i)) }

// BlockAt returns the bytes of block i.
func (r *Row) BlockAt(i int) []byte {
	off, end := r.place(i)
	return r.b[off:end:end]
}

// Block returns the unit's block, nil if the row has none.
func (r *Row) Block(unit uint16) []byte {
	_, off, end, ok := r.find(unit)
	if !ok {
		return nil
	}
	return r.b[off:end:end]
}

// Ensure returns the unit's block with at least size bytes: a new one is all zero, an old one keeps its bytes and is
// filled up with zeros.
func (r *Row) Ensure(unit uint16, size int) []byte {
	size = pad8(size)
	i, off, end, ok := r.find(unit)
	if !ok {
		return r.insert(i, off, unit, size)
	}
	if c := end - off; c < size {
		r.shift(end, size-c)
		r.moveEnds(i, size-c)
		clear(r.b[end : off+size])
		end = off + size
	}
	return r.b[off:end:end]
}

// shift makes room for n bytes at offset at (n may be negative: it takes the bytes before at+|n| away).
func (r *Row) shift(at, n int) {
	r.moves++
	used := rowUsed(r.b)
	if used+n > len(r.b) {
		r.widen(used + n)
	}
	if n >= 0 {
		copy(r.b[at+n:used+n], r.b[at:used])
	} else {
		copy(r.b[at:], r.b[at-n:used])
	}
	le.PutUint32(r.b, uint32(used+n))
}

// growsByMore is the size beyond which a row gets more room than it needs, so that one to which many blocks come, one after
// the other, is copied a few times only.
const growsByMore = 1 << 10

// widen gives the row room for size bytes.
func (r *Row) widen(size int) {
	if size > growsByMore {
		size += size / 4
	}
	r.b = r.rows.grow(r.id, size)
}

// Shrink cuts the unit's block to size bytes.
func (r *Row) Shrink(unit uint16, size int) {
	i, off, end, ok := r.find(unit)
	if !ok {
		return
	}
	if less := off + pad8(size) - end; less < 0 {
		r.shift(end+less, less)
		r.moveEnds(i, less)
	}
}

// Remove takes the unit's block away.
func (r *Row) Remove(unit uint16) {
	if i, off, end, ok := r.find(unit); ok {
		r.remove(i, off, end-off)
	}
}

// Bytes returns the row as it is stored. The slice belongs to the row.
func (r *Row) Bytes() []byte { return r.b[:rowUsed(r.b)] }

// newRow writes an empty row for key into b and returns how many bytes it takes.
func newRow(b, key []byte) {
	clear(b[:rowHeader])
	used := rowHeader + pad8(len(key))
	clear(b[rowHeader:used])
	le.PutUint32(b, uint32(used))
	le.PutUint32(b[4:], uint32(len(key)))
	le.PutUint64(b[8:], Never&(1<<63-1))
	le.PutUint64(b[16:], Never&(1<<63-1))
	copy(b[rowHeader:], key)
}

// validRow reports whether stored bytes can be a row of key: a damaged value must not become a panic.
func validRow(b, key []byte) bool {
	if len(b) < rowHeader || rowUsed(b) != len(b) || int(le.Uint32(b[4:])) != len(key) {
		return false
	}
	n := int(le.Uint16(b[24:]))
	off := rowHeader + directorySize(n) + pad8(len(key))
	if off > len(b) || string(rowKey(b)) != string(key) {
		return false
	}
	end := 0
	for dir := b[rowHeader:]; n > 0; n-- {
		next := int(le.Uint32(dir[4:]))
		if next < end || next%8 != 0 {
			return false
		}
		end, dir = next, dir[rowDirEntry:]
	}
	return off+end == len(b)
}

// Valid reports whether r refers to a row; the zero Row does not.
func (r *Row) Valid() bool { return r.rows != nil }

// Dim returns the number of the row's key dimension.
func (r *Row) Dim() uint16 { return r.rows.Dim }
