package kafka

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"kelpie/journal"
)

// A record batch, as it is on the brokers' disks and on the wire, big-endian:
//
//	base offset 8 | length of all that follows 4 | leader epoch 4 | magic 1 | CRC-32C of all that follows 4 |
//	attributes 2 | last offset delta 4 | base timestamp 8 | max timestamp 8 | producer id 8 | producer epoch 2 |
//	base sequence 4 | number of records 4 | records, compressed together or not
//
// and each record, in varints:
//
//	length | attributes 1 | timestamp delta | offset delta | key length, key | value length, value | headers
const (
	batchHead   = 61 // bytes before the records
	beforeCRC   = 17 // bytes before the CRC
	lengthFrom  = 12 // from where on a batch's length counts
	leastRecord = 7  // bytes of a record without anything
)

// The attributes of a batch. The lowest three bits say how it is compressed.
const (
	compressionBits = 0x07
	appendTimeBit   = 0x08
	transactionBit  = 0x10
	controlBit      = 0x20
)

// batchHeader is what a batch says of itself.
type batchHeader struct {
	base, last int64 // offsets; there may be no record at either
	epoch      int32 // of the leader that wrote it
	attributes int16
	baseTime   int64
	maxTime    int64
	producer   int64
	count      int
	records    []byte // as they are on the wire
	size       int    // of the whole batch on the wire
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// nextBatch reads the header of the batch that b begins with and compares the checksum. ok is false if b holds the
// beginning of a batch only.
func nextBatch(b []byte) (h batchHeader, ok bool, err error) {
	if len(b) < lengthFrom {
		return h, false, nil
	}
	r := bytesReader{b: b}
	h.base = r.int64()
	length := int(r.int32())
	if length < batchHead-lengthFrom {
		return h, true, fmt.Errorf("the batch at offset %d says that it has %d bytes", h.base, length)
	}
	if h.size = lengthFrom + length; len(b) < h.size {
		return h, false, nil
	}
	r.b = b[:h.size]
	h.epoch = r.int32()
	if magic := r.int8(); magic != 2 {
		return h, true, fmt.Errorf("the batch at offset %d is of format %d, from before Kafka 0.11, which Kelpie does not read", h.base, magic)
	}
	if want, got := uint32(r.int32()), crc32.Checksum(r.b[beforeCRC+4:], castagnoli); want != got {
		return h, true, fmt.Errorf("the batch at offset %d is damaged: its checksum is %08x and should be %08x", h.base, got, want)
	}
	h.attributes = r.int16()
	h.last = h.base + int64(r.int32())
	h.baseTime, h.maxTime = r.int64(), r.int64()
	h.producer = r.int64()
	r.int16() // the producer's epoch
	r.int32() // and sequence
	h.count = int(r.int32())
	h.records = r.b[r.at:]
	if h.last < h.base || h.base < 0 || h.count < 0 || h.count > int(h.last-h.base)+1 {
		return h, true, fmt.Errorf("the batch at offset %d says that it has %d records up to offset %d", h.base, h.count, h.last)
	}
	return h, true, nil
}

func (h *batchHeader) compression() int8 { return int8(h.attributes & compressionBits) }
func (h *batchHeader) control() bool     { return h.attributes&controlBit != 0 }
func (h *batchHeader) transaction() bool { return h.attributes&transactionBit != 0 }

// appendRecords adds to b the records of a batch from an offset on. They stand in b.Buf, from start on.
func (b *Batch) appendRecords(h *batchHeader, start, end int, from int64) error {
	r := bytesReader{b: b.Buf[:end], at: start}
	if h.count > r.left()/leastRecord {
		return fmt.Errorf("the batch at offset %d says that it has %d records, in %d bytes", h.base, h.count, r.left())
	}
	var flags uint8
	if h.attributes&appendTimeBit != 0 {
		flags = isAppendTime
	}
	before := h.base - 1
	for range h.count {
		length := r.varint()
		if length < leastRecord-1 || length > int64(r.left()) {
			return fmt.Errorf("the record behind offset %d says that it has %d bytes", before, length)
		}
		stop := r.at + int(length)
		line, f, ok := readRecord(&r, h, flags)
		if !ok || r.at != stop || line.Offset <= before || line.Offset > h.last {
			return fmt.Errorf("the record behind offset %d cannot be read", before)
		}
		if before = line.Offset; before >= from {
			b.Lines = append(b.Lines, line)
			b.fields = append(b.fields, f)
		}
	}
	if r.left() != 0 {
		return fmt.Errorf("the batch at offset %d has %d bytes behind its last record", h.base, r.left())
	}
	return nil
}

// readRecord reads one record behind its length.
func readRecord(r *bytesReader, h *batchHeader, flags uint8) (line journal.Line, f fields, ok bool) {
	r.at++ // attributes, of which none has a meaning
	f.flags = flags
	f.time = h.baseTime + r.varint()
	if flags&isAppendTime != 0 {
		f.time = h.maxTime
	}
	f.time = max(f.time, -1)
	line.Offset = h.base + r.varint()
	f.key = r.span()
	value := r.span()
	if value.start < 0 {
		f.flags |= isTombstone
		value = span{}
	}
	line.Start, line.End = int(value.start), int(value.end)
	n := r.varint()
	f.headers = span{int32(r.at), int32(r.at)}
	if n < 0 || n > int64(r.left()) {
		return line, f, false
	}
	f.nHeaders = int32(n)
	for range n {
		if name := r.span(); name.start < 0 {
			return line, f, false
		}
		r.span()
	}
	f.headers.end = int32(r.at)
	return line, f, !r.bad
}

// span reads a length and passes so many bytes.
func (r *bytesReader) span() span {
	n := r.varint()
	if n < 0 {
		if n != -1 {
			r.bad = true
		}
		return span{-1, -1}
	}
	if n > int64(r.left()) {
		r.bad = true
		return span{-1, -1}
	}
	r.at += int(n)
	return span{int32(r.at) - int32(n), int32(r.at)}
}

// marker is what a control batch says of the transaction of its producer.
type marker int8

const (
	abort  marker = 0
	commit marker = 1
	other  marker = -1
)

// controlMarker reads the one record of a control batch.
func controlMarker(h *batchHeader) marker {
	r := bytesReader{b: h.records}
	r.varint()
	r.at++
	r.varint()
	r.varint()
	key := r.span()
	if r.bad || key.start < 0 || key.end-key.start < 4 {
		return other
	}
	switch m := marker(binary.BigEndian.Uint16(r.b[key.start+2:])); m {
	case abort, commit:
		return m
	}
	return other
}
