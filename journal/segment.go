package journal

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/zeebo/xxh3"
)

// Format is the version of what this package writes. A log with a higher one is refused.
const Format = 1

const (
	segmentMagic      = "kelpielg"
	segmentHeaderSize = 128
	segmentSuffix     = ".log"
	draftSuffix       = ".draft" // a segment that is not yet complete
)

// segmentHeader is what a segment begins with. It describes the segment before it too, which by then is complete.
type segmentHeader struct {
	salt    uint64 // drawn anew for each segment; its blocks repeat it
	first   int64  // offset of its first record
	created int64  // ms
	prev    previous
}

// previous describes the segment before a segment.
type previous struct {
	first    int64 // offset of its first record; -1: there is none
	end      int64 // bytes; what stands behind them was never acknowledged
	times    times
	appended int64 // append time of its last record, ms
}

// encode returns the header's bytes:
//
//	0 magic  8 version:4 flags:4  16 salt  24 first  32 created  40 prev.first  48 prev.end
//	56 prev.min  64 prev.max  72 prev.appended  80 zeros  120 xxh3 of 0..120
func (h *segmentHeader) encode() []byte {
	b := make([]byte, segmentHeaderSize)
	copy(b, segmentMagic)
	le := binary.LittleEndian
	le.PutUint32(b[8:], Format)
	if h.prev.times.unknown {
		le.PutUint32(b[12:], 1)
	}
	le.PutUint64(b[16:], h.salt)
	for i, v := range []int64{h.first, h.created, h.prev.first, h.prev.end, h.prev.times.min, h.prev.times.max, h.prev.appended} {
		le.PutUint64(b[24+8*i:], uint64(v))
	}
	le.PutUint64(b[120:], xxh3.Hash(b[:120]))
	return b
}

// decode reads a header. The checksum stands at the same place in every version, so that damage is not taken for
// a newer version.
func (h *segmentHeader) decode(b []byte) error {
	le := binary.LittleEndian
	if len(b) < segmentHeaderSize || string(b[:8]) != segmentMagic || le.Uint64(b[120:]) != xxh3.Hash(b[:120]) {
		return errHeader
	}
	if v := le.Uint32(b[8:]); v > Format {
		return fmt.Errorf("%w (%d, this Kelpie knows up to %d): use the newer Kelpie that wrote it", ErrNewer, v, Format)
	}
	h.salt = le.Uint64(b[16:])
	h.prev.times.unknown = le.Uint32(b[12:])&1 != 0
	for i, p := range []*int64{&h.first, &h.created, &h.prev.first, &h.prev.end, &h.prev.times.min, &h.prev.times.max, &h.prev.appended} {
		*p = int64(le.Uint64(b[24+8*i:]))
	}
	return nil
}

// segment is one file of the log.
type segment struct {
	name   string // the file's, in the log's folder
	header segmentHeader

	// Of the newest segment these grow with each group, guarded by Log.mu; of a sealed one they do not change.
	next     int64 // offset behind its last record
	end      int64 // bytes that hold acknowledged blocks
	times    times
	appended int64 // append time of its last record
	blocks   []blockHeader
	damage   []*DamageError // what could not be read of it, by offset

	load   sync.Mutex // held while blocks of a sealed segment are found out
	loaded bool
}

func (s *segment) records() int64 { return s.next - s.header.first }

// previous describes s for the header of the segment that comes after it.
func (s *segment) previous() previous {
	return previous{first: s.header.first, end: s.end, times: s.times, appended: s.appended}
}

// add takes an acknowledged block in.
func (s *segment) add(h blockHeader) {
	s.end = h.pos + h.size()
	s.next = h.next()
	if h.count > 0 {
		s.blocks = append(s.blocks, h)
		s.times.add(h.times)
		s.appended = h.appended
	}
}

func segmentName(first int64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// parseSegmentName returns the offset that a segment is named by; ok is false for any other file.
func parseSegmentName(name string) (first int64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	first, err := strconv.ParseInt(digits, 10, 64)
	return first, err == nil && first >= 0
}
