package journal

import (
	"encoding/binary"
	"errors"

	"github.com/zeebo/xxh3"
)

const (
	blockMagic      = "KBLK"
	blockHeaderSize = 96

	codecNone = 0
	codecS2   = 1

	flagUnknownTimes = 1

	maxBatch    = 256 << 20 // bytes of payload in one append
	maxRaw      = 320 << 20 // bytes of a block's data: a batch and what stands between its lines
	maxMargin   = 64        // bytes between two lines that are kept rather than cut out
	maxIndex    = 1 << 30
	recordsMost = 1 << 26 // in a block
)

// What is wrong with bytes that are no block.
var (
	errHeader   = errors.New("the segment's header does not match its checksum")
	errNoBlock  = errors.New("there is no block")
	errChecksum = errors.New("the block does not match its checksum")
	errOrder    = errors.New("the block does not follow the one before it")
	errIndex    = errors.New("the block's index does not hold together")
	errData     = errors.New("the block cannot be decompressed")
	errRecord   = errors.New("the record does not match its checksum")
)

// blockHeader describes one block. A block without records is a mark: its index holds how far the sources have been
// read. Each segment begins with one; a log that was closed ends with one.
type blockHeader struct {
	codec    uint8
	salt     uint64 // the segment's
	pos      int64  // of the block in the segment, bytes
	first    int64  // offset of its first record
	count    uint32 // records
	index    uint32 // bytes of the index
	stored   uint32 // bytes of the data as it is stored
	raw      uint32 // bytes of the data when decompressed
	appended int64  // append time, ms
	times    times
	group    int64  // where the block's group begins in the segment: the bytes before it were durable when it was written
	sum      uint64 // xxh3 of index and stored data
}

func (h *blockHeader) next() int64 { return h.first + int64(h.count) }

// size returns the bytes of the whole block.
func (h *blockHeader) size() int64 { return blockHeaderSize + h.body() }

func (h *blockHeader) body() int64 { return int64(h.index) + int64(h.stored) }

// encode writes the header over b:
//
//	0 magic:4  4 codec:1 flags:1 zero:2  8 salt  16 pos  24 first  32 count:4 index:4  40 stored:4 raw:4
//	48 appended  56 min  64 max  72 group  80 xxh3 of index and data  88 xxh3 of 0..88
func (h *blockHeader) encode(b []byte) {
	le := binary.LittleEndian
	copy(b, blockMagic)
	b[4], b[5], b[6], b[7] = h.codec, 0, 0, 0
	if h.times.unknown {
		b[5] = flagUnknownTimes
	}
	le.PutUint64(b[8:], h.salt)
	le.PutUint64(b[16:], uint64(h.pos))
	le.PutUint64(b[24:], uint64(h.first))
	le.PutUint32(b[32:], h.count)
	le.PutUint32(b[36:], h.index)
	le.PutUint32(b[40:], h.stored)
	le.PutUint32(b[44:], h.raw)
	le.PutUint64(b[48:], uint64(h.appended))
	le.PutUint64(b[56:], uint64(h.times.min))
	le.PutUint64(b[64:], uint64(h.times.max))
	le.PutUint64(b[72:], uint64(h.group))
	le.PutUint64(b[80:], h.sum)
	le.PutUint64(b[88:], xxh3.Hash(b[:88]))
}

// decode reads a header and checks that its parts may be believed, though not yet that it stands where it belongs.
func (h *blockHeader) decode(b []byte) error {
	le := binary.LittleEndian
	if len(b) < blockHeaderSize || string(b[:4]) != blockMagic {
		return errNoBlock
	}
	if le.Uint64(b[88:]) != xxh3.Hash(b[:88]) {
		return errChecksum
	}
	*h = blockHeader{
		codec:    b[4],
		salt:     le.Uint64(b[8:]),
		pos:      int64(le.Uint64(b[16:])),
		first:    int64(le.Uint64(b[24:])),
		count:    le.Uint32(b[32:]),
		index:    le.Uint32(b[36:]),
		stored:   le.Uint32(b[40:]),
		raw:      le.Uint32(b[44:]),
		appended: int64(le.Uint64(b[48:])),
		times: times{
			min:     int64(le.Uint64(b[56:])),
			max:     int64(le.Uint64(b[64:])),
			unknown: b[5]&flagUnknownTimes != 0,
		},
		group: int64(le.Uint64(b[72:])),
		sum:   le.Uint64(b[80:]),
	}
	if h.codec > codecS2 || h.first < 0 || h.count > recordsMost || h.index > maxIndex || h.raw > maxRaw || h.stored > maxRaw {
		return errIndex
	}
	return nil
}

// follows checks that the block belongs at pos of the segment with this salt, where offset next is expected.
func (h *blockHeader) follows(salt uint64, pos, next int64) error {
	if h.salt != salt || h.pos != pos || h.first != next {
		return errOrder
	}
	return nil
}
