package kafkatest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/segmentio/kafka-go/compress"
)

// Record is one record of a Batch.
type Record struct {
	Offset  int64 // only where a Batch is not written by a broker
	Time    int64 // ms
	Key     []byte
	Value   []byte // nil: a tombstone
	Headers []Header
}

// Header is one header of a Record.
type Header struct {
	Name  string
	Value []byte // may be nil
}

// Batch is a record batch, to be written by hand: whatever a producer may do, and what none does.
type Batch struct {
	Base        int64
	Last        int64 // offset; 0: that of the last record
	Epoch       int32
	Compression compress.Compression
	Attributes  int16 // besides compression: 8 append time, 16 transactional, 32 control
	MaxTime     int64
	Producer    int64 // 0: none, unless the batch is transactional
	Generation  int16 // of the producer (its epoch)
	Sequence    int32
	Records     []Record

	numbered bool // Producer is one, though it may be 0
}

// transactional is the attribute of batches of transactions.
const transactional = 16

// Encode returns the Batch as it is on the wire.
func (b *Batch) Encode() []byte {
	base, last := b.Base, b.Last
	var records []byte
	for i, r := range b.Records {
		if r.Offset == 0 {
			r.Offset = base + int64(i)
		}
		records = appendRecord(records, r, base, b.Records[0].Time)
		last = max(last, r.Offset)
	}
	if b.Compression != compress.None {
		records = pack(b.Compression, records)
	}
	first, newest := int64(0), b.MaxTime
	if len(b.Records) > 0 {
		first = b.Records[0].Time
	}
	for _, r := range b.Records {
		newest = max(newest, r.Time)
	}
	producer, generation, sequence := b.Producer, b.Generation, b.Sequence
	if producer == 0 && b.Attributes&transactional == 0 && !b.numbered {
		producer, generation, sequence = -1, -1, -1
	}
	var sum []byte // what the checksum is of
	sum = binary.BigEndian.AppendUint16(sum, uint16(b.Attributes)|uint16(b.Compression))
	sum = binary.BigEndian.AppendUint32(sum, uint32(last-base))
	sum = binary.BigEndian.AppendUint64(sum, uint64(first))
	sum = binary.BigEndian.AppendUint64(sum, uint64(newest))
	sum = binary.BigEndian.AppendUint64(sum, uint64(producer))
	sum = binary.BigEndian.AppendUint16(sum, uint16(generation))
	sum = binary.BigEndian.AppendUint32(sum, uint32(sequence))
	sum = binary.BigEndian.AppendUint32(sum, uint32(len(b.Records)))
	sum = append(sum, records...)
	var out []byte
	out = binary.BigEndian.AppendUint64(out, uint64(base))
	out = binary.BigEndian.AppendUint32(out, uint32(9+len(sum)))
	out = binary.BigEndian.AppendUint32(out, uint32(b.Epoch))
	out = append(out, 2)
	out = binary.BigEndian.AppendUint32(out, crc32.Checksum(sum, crc32.MakeTable(crc32.Castagnoli)))
	return append(out, sum...)
}

func appendRecord(dst []byte, r Record, base, first int64) []byte {
	b := []byte{0}
	b = binary.AppendVarint(b, r.Time-first)
	b = binary.AppendVarint(b, r.Offset-base)
	part := func(p []byte) {
		if p == nil {
			b = binary.AppendVarint(b, -1)
			return
		}
		b = append(binary.AppendVarint(b, int64(len(p))), p...)
	}
	part(r.Key)
	part(r.Value)
	b = binary.AppendVarint(b, int64(len(r.Headers)))
	for _, h := range r.Headers {
		part([]byte(h.Name))
		part(h.Value)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

func pack(c compress.Compression, b []byte) []byte {
	var out bytes.Buffer
	w := c.Codec().NewWriter(&out)
	_, err := w.Write(b)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // into memory nothing goes wrong
	}
	return out.Bytes()
}

// sizedBytes writes its length before a batch, as requests have it.
func sizedBytes(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}
