package state

import (
	"encoding/binary"
	"math/bits"
)

// Rows are mostly zeros and small numbers, 8 bytes each, so they are stored packed: a third of the bytes goes through
// Pebble's log, memtables and compactions.
//
//	the first 32 bytes as they are | length of the rest uvarint | pairs of words
//
// The rest is taken in words of 8 bytes, the last one filled up with zeros. Before each pair of words stands a byte with
// the form of the first in its low half and that of the second in its high half; the form of a word that is not there
// is 0. A form up to 8 says that so many low bytes follow and the others are zero, 8+n that n high bytes follow. A value
// of at most 32 bytes is stored as it is.
const (
	packHead  = RowHeaderSize
	packWord  = 8
	formsHigh = 8 // forms above it count high bytes
)

// packedMost returns how many bytes n bytes take at most, with room for a whole word to be written at the end.
func packedMost(n int) int {
	return n + n/(2*packWord) + binary.MaxVarintLen32 + 3*packWord
}

// appendPacked appends the packed form of row to dst.
func appendPacked(dst, row []byte) []byte {
	if len(row) <= packHead {
		return append(dst, row...)
	}
	dst = append(dst, row[:packHead]...)
	rest := row[packHead:]
	dst = binary.AppendUvarint(dst, uint64(len(rest)))
	at := len(dst)
	dst = growTo(dst, at+packedMost(len(rest)))
	for len(rest) >= 2*packWord {
		x, y := le.Uint64(rest), le.Uint64(rest[packWord:])
		rest = rest[2*packWord:]
		if x|y == 0 {
			dst[at] = 0
			at++
			continue
		}
		forms := at
		at++
		var a, b uint8
		at, a = putWord(dst, at, x)
		at, b = putWord(dst, at, y)
		dst[forms] = a | b<<4
	}
	if len(rest) > 0 {
		var last [2 * packWord]byte
		copy(last[:], rest)
		forms := at
		at++
		var a, b uint8
		at, a = putWord(dst, at, le.Uint64(last[:]))
		at, b = putWord(dst, at, le.Uint64(last[packWord:]))
		dst[forms] = a | b<<4
	}
	return dst[:at]
}

// putWord writes x at b[at:], where there is room for a whole word, and returns the place behind it and its form.
func putWord(b []byte, at int, x uint64) (end int, form uint8) {
	low := packWord - bits.LeadingZeros64(x)/8
	if zeros := bits.TrailingZeros64(x) / 8; x != 0 && packWord-zeros < low {
		le.PutUint64(b[at:], x>>(8*zeros))
		return at + packWord - zeros, uint8(formsHigh + packWord - zeros)
	}
	le.PutUint64(b[at:], x)
	return at + low, uint8(low)
}

// appendUnpacked appends to dst what appendPacked has packed. ok is false if v is none of its work.
func appendUnpacked(dst, v []byte) (row []byte, ok bool) {
	if len(v) <= packHead {
		return append(dst, v...), true
	}
	dst = append(dst, v[:packHead]...)
	v = v[packHead:]
	n, size := binary.Uvarint(v)
	if size <= 0 || n == 0 || n > uint64(len(v))*2*packWord { // each pair of words takes a byte
		return dst, false
	}
	v = v[size:]
	at := len(dst)
	end := at + int(n)
	dst = growTo(dst, end+2*packWord)
	for at < end {
		if len(v) == 0 {
			return dst[:at], false
		}
		forms := v[0]
		v = v[1:]
		for range 2 {
			x, rest, ok := cutWord(v, forms&15)
			if !ok {
				return dst[:at], false
			}
			le.PutUint64(dst[at:], x)
			v, forms, at = rest, forms>>4, at+packWord
		}
	}
	return dst[:end], len(v) == 0
}

// cutWord reads a word of the given form from the front of v.
func cutWord(v []byte, form uint8) (x uint64, rest []byte, ok bool) {
	n := int(form)
	if form > formsHigh {
		n -= formsHigh
	}
	switch {
	case n > len(v):
		return 0, nil, false
	case len(v) >= packWord:
		x = le.Uint64(v)
	default:
		var last [packWord]byte
		copy(last[:], v)
		x = le.Uint64(last[:])
	}
	if form > formsHigh {
		return x << (8 * (packWord - n)), v[n:], true
	}
	return x & (1<<(8*n) - 1), v[n:], true
}

// growTo returns b with length n; what is new is to be written before it is read.
func growTo(b []byte, n int) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	return append(b[:len(b):len(b)], make([]byte, n-len(b))...)
}
