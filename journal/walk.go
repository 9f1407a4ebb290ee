package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"
)

// walker goes through the blocks of one segment file.
type walker struct {
	file  vfs.File
	limit int64 // bytes of the file that may hold blocks
	salt  uint64

	pos  int64 // of the block to come
	next int64 // offset that it must begin with
	buf  []byte
}

// isBad reports whether an error says what is wrong with the bytes, rather than that they could not be had.
func isBad(err error) bool {
	for _, e := range []error{errHeader, errNoBlock, errChecksum, errOrder, errIndex, errData, errRecord} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// at reads n bytes at pos; bytes behind the limit are no block.
func (w *walker) at(pos, n int64) ([]byte, error) {
	if n > w.limit-pos {
		return nil, errNoBlock
	}
	if int64(cap(w.buf)) < n {
		w.buf = make([]byte, n)
	}
	return readAt(w.file, w.buf[:n], pos)
}

// readAt fills b from pos; a file that ends before is too short.
func readAt(f vfs.File, b []byte, pos int64) ([]byte, error) {
	n, err := f.ReadAt(b, pos)
	if n == len(b) {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil, errNoBlock
	}
	return nil, err
}

// header reads the header of the block to come; io.EOF says that there is none.
func (w *walker) header() (h blockHeader, err error) {
	if w.pos == w.limit {
		return h, io.EOF
	}
	b, err := w.at(w.pos, blockHeaderSize)
	if err == nil {
		err = h.decode(b)
	}
	if err == nil {
		err = h.follows(w.salt, w.pos, w.next)
	}
	if err == nil && h.size() > w.limit-w.pos {
		err = errNoBlock
	}
	return h, err
}

// body reads and checks index and data of the block whose header is h. They are good until the next read.
func (w *walker) body(h *blockHeader) ([]byte, error) {
	b, err := w.at(h.pos+blockHeaderSize, h.body())
	if err == nil && xxh3.Hash(b) != h.sum {
		err = errChecksum
	}
	return b, err
}

// skip goes on behind the block.
func (w *walker) skip(h *blockHeader) { w.pos, w.next = h.pos+h.size(), h.next() }

// search returns the first header from byte from on that is one of this segment and stands where it says. ok is false
// if there is none.
func (w *walker) search(from int64) (h blockHeader, ok bool, err error) {
	const window = 1 << 20
	for from+blockHeaderSize <= w.limit {
		n := min(window, w.limit-from)
		b, err := w.at(from, n)
		if err != nil {
			return h, false, err
		}
		for i := 0; ; i++ {
			j := bytes.Index(b[i:], []byte(blockMagic))
			if j < 0 || i+j+blockHeaderSize > len(b) {
				break
			}
			i += j
			if h.decode(b[i:]) == nil && h.salt == w.salt && h.pos == from+int64(i) {
				return h, true, nil
			}
		}
		if n < window {
			break
		}
		from += n - blockHeaderSize + 1
	}
	return h, false, nil
}

// torn reports whether what stands at w.pos may be what a crash left of the newest segment's last group. A block further
// on whose group begins behind it proves that it had been durable; so had the mark with which the segment begins.
func (w *walker) torn() (bool, error) {
	if w.pos == segmentHeaderSize {
		return false, nil
	}
	for from := w.pos + 1; ; {
		h, ok, err := w.search(from)
		if !ok || err != nil {
			return err == nil, err
		}
		if h.group > w.pos {
			return false, nil
		}
		from = h.pos + 1
	}
}

// damage describes what is lost at w.pos for the reason err, and moves w behind it: to the next block that can be found,
// or to the limit.
func (w *walker) damage(name string, reason error) (*DamageError, error) {
	d := &DamageError{Segment: name, Position: w.pos, First: w.next, Next: -1, Reason: reason.Error()}
	h, ok, err := w.search(w.pos + 1)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		w.pos = w.limit
	case h.first < w.next:
		d.Reason = fmt.Sprintf("a block that begins with record %d follows record %d", h.first, w.next-1)
		w.pos = w.limit
	default:
		d.Next = h.first
		w.pos, w.next = h.pos, h.first
	}
	return d, nil
}
