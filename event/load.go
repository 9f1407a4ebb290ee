package event

import (
	"encoding/binary"
	"unsafe"
)

// load returns the eight bytes from p on, little-endian. The caller has made sure that 0 <= p and p+8 <= len(b).
// It is the only place where the decoder reads without a bounds check.
func load(b []byte, p int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), p))[:])
}

// lastWord is load for p near the end: with zeros for what comes after b. p is at most len(b).
//
//go:noinline
func lastWord(b []byte, p int) uint64 {
	if n := len(b); n >= 8 {
		return load(b, n-8) >> (8 * uint(p+8-n))
	}
	var w uint64
	for i := len(b) - 1; i >= p; i-- {
		w = w<<8 | uint64(b[i])
	}
	return w
}
