package state

import "github.com/zeebo/xxh3"

// A packed row or page is stored with a checksum behind it, u32: the low half of its xxh3. So what was changed by anybody
// else is found where it is read, and never folded: there is next to nothing in a row that would be harmless.
const sealSize = 4

// appendSealed appends the stored form of a row or page to dst.
func appendSealed(dst, row []byte) []byte {
	from := len(dst)
	dst = appendPacked(dst, row)
	return le.AppendUint32(dst, uint32(xxh3.Hash(dst[from:])))
}

// unseal returns a stored value without its checksum; ok is false if it does not match.
func unseal(v []byte) (packed []byte, ok bool) {
	n := len(v) - sealSize
	if n < 0 || uint32(xxh3.Hash(v[:n])) != le.Uint32(v[n:]) {
		return nil, false
	}
	return v[:n], true
}

// appendUnsealed appends to dst what appendSealed was given. ok is false if v is none of its work.
func appendUnsealed(dst, v []byte) (row []byte, ok bool) {
	packed, ok := unseal(v)
	if !ok {
		return dst, false
	}
	return appendUnpacked(dst, packed)
}
