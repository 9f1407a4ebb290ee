package kafka

import "encoding/binary"

// bytesReader reads what brokers send. Behind the end, and after anything impossible, everything is zero and bad is set.
type bytesReader struct {
	b   []byte
	at  int
	bad bool
}

// left returns how many bytes have not been read.
func (r *bytesReader) left() int { return len(r.b) - r.at }

// take returns the next n bytes, which stay those of the buffer; nil if there are fewer.
func (r *bytesReader) take(n int) []byte {
	if n < 0 || n > r.left() || r.bad {
		r.bad = true
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at]
}

func (r *bytesReader) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *bytesReader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *bytesReader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *bytesReader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// uvarint reads an unsigned number of at most 64 bits.
func (r *bytesReader) uvarint() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 && !r.bad { // most are small
		r.at++
		return uint64(r.b[r.at-1])
	}
	if r.bad {
		return 0
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.at += n
	return v
}

// varint reads a signed number.
func (r *bytesReader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// count reads the number of entries of a list, each of which has at least size bytes; 0 for null.
func (r *bytesReader) count(size int) int { return r.fits(int64(r.int32()), size) }

// compactCount is count as newer messages write it.
func (r *bytesReader) compactCount(size int) int { return r.fits(int64(r.uvarint())-1, size) }

func (r *bytesReader) fits(n int64, size int) int {
	if n > int64(r.left()/size) {
		r.bad = true
	}
	if n < 0 || r.bad {
		return 0
	}
	return int(n)
}

// text reads a string; "" for null.
func (r *bytesReader) text() string {
	n := r.int16()
	if n < 0 {
		return ""
	}
	return string(r.take(int(n)))
}

// compactText is text as newer messages write it.
func (r *bytesReader) compactText() string {
	n := r.uvarint()
	if n == 0 {
		return ""
	}
	if n-1 > uint64(r.left()) {
		r.bad = true
		return ""
	}
	return string(r.take(int(n - 1)))
}

// tags passes fields that a newer broker added.
func (r *bytesReader) tags() {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		r.uvarint()
		size := r.uvarint()
		if size > uint64(r.left()) {
			r.bad = true
			return
		}
		r.take(int(size))
	}
}

// appendText writes a string as older messages have it.
func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// appendCompactText writes a string as newer messages have it.
func appendCompactText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))+1), s...)
}
