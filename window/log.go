package window

import (
	"encoding/binary"

	"kelpie/event"
)

var le = binary.LittleEndian

// ColumnKind says what a log keeps of one argument.
type ColumnKind uint8

// The kinds of columns.
const (
	NumberColumn ColumnKind = iota // a number, exact where the event's was
	HashColumn                     // the 128-bit hash of a key text, for distinct and unseen
	AnyColumn                      // any value; text is kept in the heap
	FlagColumn                     // whether there is a value, or a truth
)

func (k ColumnKind) size() int {
	switch k {
	case HashColumn:
		return 16
	case FlagColumn:
		return 0
	}
	return 8
}

// LogLayout says how the entries of a log stand in memory. An entry is
//
//	time i64 | position u64 | [mask u64] | [tags, one byte per column, padded to 8] | payloads
//
// and all entries of one log have the same width. The mask tells which feeds an entry belongs to.
type LogLayout struct {
	Columns []ColumnKind
	Masked  bool
	Width   int
	Heap    bool // some column keeps text
	tags    int
	offs    []int
}

// NewLogLayout lays entries out.
func NewLogLayout(columns []ColumnKind, masked bool) *LogLayout {
	l := &LogLayout{Columns: columns, Masked: masked, tags: 16}
	if masked {
		l.tags += 8
	}
	at := l.tags + (len(columns)+7)&^7
	for _, c := range columns {
		l.offs = append(l.offs, at)
		at += c.size()
		l.Heap = l.Heap || c == AnyColumn
	}
	l.Width = at
	return l
}

// Log is a view of the time-ordered entries of one key: N entries of the layout's width, from Start on in Entries.
// Entries and Heap belong to a row; the view is valid until the row's blocks move.
type Log struct {
	*LogLayout
	Entries []byte // room for entries
	Heap    []byte // used u32 | garbage u32 | text
	Start   int    // of the first entry, in entries
	N       int
}

func (l *Log) at(i int) []byte {
	p := (l.Start + i) * l.Width
	return l.Entries[p : p+l.Width : p+l.Width]
}

// Time returns the event time of entry i.
func (l *Log) Time(i int) int64 { return int64(le.Uint64(l.Entries[(l.Start+i)*l.Width:])) }

// Seq returns the position of entry i.
func (l *Log) Seq(i int) uint64 { return le.Uint64(l.Entries[(l.Start+i)*l.Width+8:]) }

// Forgotten marks an entry that only windows which have closed may still see.
const Forgotten = uint64(1) << 63

// Forget marks all entries as Forgotten. The log must be masked.
func (l *Log) Forget() {
	for i := range l.N {
		e := l.at(i)
		le.PutUint64(e[16:], le.Uint64(e[16:])|Forgotten)
	}
}

// Mask returns the feeds that entry i belongs to.
func (l *Log) Mask(i int) uint64 {
	if !l.Masked {
		return ^Forgotten
	}
	return le.Uint64(l.Entries[(l.Start+i)*l.Width+16:])
}

// SetMask sets the feeds that entry i belongs to. The log must be masked.
func (l *Log) SetMask(i int, m uint64) { le.PutUint64(l.at(i)[16:], m) }

// Value returns column c of entry i: missing where the event had none. Text points into the heap. A hash column only
// says whether there is a value.
func (l *Log) Value(i, c int) event.Value {
	e := l.at(i)
	tag := e[l.tags+c]
	v := event.Value{Kind: event.Kind(tag & 7), Scale: tag >> 3}
	switch l.Columns[c] {
	case HashColumn:
		return v
	case FlagColumn:
		v.N, v.Scale = int64(v.Scale), 0
		return v
	}
	n := le.Uint64(e[l.offs[c]:])
	if v.Kind >= event.String {
		off, size := uint32(n), uint32(n>>32)
		v.S = string(l.Heap[off : off+size])
		return v
	}
	v.N = int64(n)
	return v
}

// Hash returns the hash in column c of entry i.
func (l *Log) Hash(i, c int) (h Hash128, ok bool) {
	e := l.at(i)
	p := e[l.offs[c]:]
	return Hash128{Lo: le.Uint64(p), Hi: le.Uint64(p[8:])}, e[l.tags+c] != 0
}

// SetValue writes column c of entry i. Text goes to the heap, which the caller has made large enough (HeapNeed).
func (l *Log) SetValue(i, c int, v event.Value) {
	e := l.at(i)
	tag := byte(v.Kind) | v.Scale<<3
	if l.Columns[c] == FlagColumn {
		e[l.tags+c] = byte(v.Kind)
		if v.Kind == event.Bool && v.N != 0 {
			e[l.tags+c] |= 1 << 3
		}
		return
	}
	e[l.tags+c] = tag
	n := uint64(v.N)
	if v.Kind >= event.String {
		used := max(le.Uint32(l.Heap), 8)
		copy(l.Heap[used:], v.S)
		n = uint64(used) | uint64(len(v.S))<<32
		le.PutUint32(l.Heap, used+uint32(len(v.S)))
	}
	le.PutUint64(e[l.offs[c]:], n)
}

// SetHash writes a hash column of entry i.
func (l *Log) SetHash(i, c int, h Hash128, ok bool) {
	e := l.at(i)
	e[l.tags+c] = 0
	if ok {
		e[l.tags+c] = byte(event.String)
	}
	p := e[l.offs[c]:]
	le.PutUint64(p, h.Lo)
	le.PutUint64(p[8:], h.Hi)
}

// HeapNeed returns how large the heap must be for n more bytes of text.
func (l *Log) HeapNeed(n int) int {
	used := 8
	if len(l.Heap) > 0 {
		used = max(8, int(le.Uint32(l.Heap)))
	}
	return used + n
}

// Full reports whether there is no room behind the last entry.
func (l *Log) Full() bool { return (l.Start+l.N+1)*l.Width > len(l.Entries) }

// Search returns the number of entries that stand before (time, seq).
func (l *Log) Search(t int64, seq uint64) int {
	if l.N == 0 || l.before(l.N-1, t, seq) {
		return l.N
	}
	lo, hi := 0, l.N-1
	for lo < hi {
		m := (lo + hi) / 2
		if l.before(m, t, seq) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

func (l *Log) before(i int, t int64, seq uint64) bool {
	ti := l.Time(i)
	return ti < t || ti == t && l.Seq(i) < seq
}

// SearchTime returns the number of entries whose time is less than t.
func (l *Log) SearchTime(t int64) int {
	if l.N == 0 || l.Time(l.N-1) < t {
		return l.N
	}
	lo, hi := 0, l.N-1
	for lo < hi {
		m := (lo + hi) / 2
		if l.Time(m) < t {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// Insert makes an entry at index i (from Search); the caller has seen to it that the log is not Full.
// Its columns are all missing.
func (l *Log) Insert(i int, t int64, seq, mask uint64) {
	p := (l.Start + i) * l.Width
	if i < l.N {
		copy(l.Entries[p+l.Width:], l.Entries[p:(l.Start+l.N)*l.Width])
	}
	e := l.Entries[p : p+l.Width]
	clear(e)
	le.PutUint64(e, uint64(t))
	le.PutUint64(e[8:], seq)
	if l.Masked {
		le.PutUint64(e[16:], mask)
	}
	l.N++
}

// Drop forgets the first n entries. The room is given back by Compact.
func (l *Log) Drop(n int) {
	if l.LogLayout.Heap && n > 0 {
		garbage := le.Uint32(l.Heap[4:])
		for i := range n {
			garbage += uint32(l.text(i))
		}
		le.PutUint32(l.Heap[4:], garbage)
	}
	l.Start += n
	l.N -= n
}

// text returns how many bytes of the heap entry i uses.
func (l *Log) text(i int) (n int) {
	e := l.at(i)
	for c, k := range l.Columns {
		if k == AnyColumn && e[l.tags+c]&7 >= byte(event.String) {
			n += int(le.Uint64(e[l.offs[c]:]) >> 32)
		}
	}
	return n
}

// Compact moves the entries towards the front of their room, by the greatest multiple of step.
func (l *Log) Compact(step int) {
	if n := l.Start / step * step; n > 0 {
		copy(l.Entries[(l.Start-n)*l.Width:], l.Entries[l.Start*l.Width:(l.Start+l.N)*l.Width])
		l.Start -= n
	}
}

// CompactHeap rewrites the heap with the text of live entries only, if half of it is garbage, and returns the bytes in use.
func (l *Log) CompactHeap() int {
	used, garbage := int(le.Uint32(l.Heap)), int(le.Uint32(l.Heap[4:]))
	if garbage*2 < used {
		return used
	}
	fresh := make([]byte, 8, used-garbage+8)
	for i := range l.N {
		e := l.at(i)
		for c, k := range l.Columns {
			if k != AnyColumn || e[l.tags+c]&7 < byte(event.String) {
				continue
			}
			n := le.Uint64(e[l.offs[c]:])
			off, size := uint32(n), uint32(n>>32)
			le.PutUint64(e[l.offs[c]:], uint64(len(fresh))|uint64(size)<<32)
			fresh = append(fresh, l.Heap[off:off+size]...)
		}
	}
	le.PutUint32(fresh, uint32(len(fresh)))
	copy(l.Heap, fresh)
	return len(fresh)
}

// HeapInit makes a fresh heap, all zero, an empty one.
func (l *Log) HeapInit() {
	if le.Uint32(l.Heap) < 8 {
		le.PutUint32(l.Heap, 8)
	}
}

// Keep removes the entries that belong to none of the feeds in bits, and takes the others out of all other feeds. It
// leaves the log at the start of its room and returns how many entries remain.
func (l *Log) Keep(bits uint64) int {
	n := 0
	for i := range l.N {
		m := l.Mask(i) & bits
		if m == 0 {
			continue
		}
		copy(l.Entries[n*l.Width:(n+1)*l.Width], l.at(i))
		if l.Masked {
			le.PutUint64(l.Entries[n*l.Width+16:], m)
		}
		n++
	}
	l.Start, l.N = 0, n
	return n
}
