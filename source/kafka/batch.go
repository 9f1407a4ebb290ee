package kafka

import (
	"encoding/binary"
	"iter"

	"github.com/zeebo/xxh3"

	"kelpie/event"
	"kelpie/journal"
)

// Batch is a run of records of one partition, in order of offsets; or a Gap; or neither, and then only the place has
// moved on: past control records, aborted transactions and holes, or to where reading begins.
//
// What the records do is to be committed together with Next. All memory is the Reader's, and is used again when the
// Batch is released.
type Batch struct {
	Partition Partition
	Next      Mark // behind the Batch
	Gap       *Gap // nil: none

	// The values: Buf[Start:End] of each Line, and its Offset. That of a tombstone is empty; Value tells them apart.
	Buf   []byte
	Lines []journal.Line

	// Where the partition ended when this was read: behind its last record, and behind the last one of which it is known
	// whether its transaction was committed. What is missing to Stable is the lag.
	End, Stable int64

	fields []fields
	newest int64      // the greatest timestamp, ms; 0 none
	size   int        // what it counts for in the Reader's memory
	page   *page      // whose memory Buf is; nil: its own
	arena  []byte     // its own memory
	part   *partition // from which it comes; nil when it was released
}

// fields is what a record has besides its value.
type fields struct {
	time     int64 // ms, -1 none
	key      span
	headers  span // as in the batch: pairs of lengths and bytes
	nHeaders int32
	flags    uint8
}

// span is a part of Buf; null spans start at -1.
type span struct{ start, end int32 }

const (
	isTombstone = 1 << iota
	isAppendTime
)

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.Lines) }

// Position returns where the i-th record stands.
func (b *Batch) Position(i int) event.Position {
	return event.Position{Stream: b.Partition.Topic, Partition: b.Partition.ID, Offset: b.Lines[i].Offset, Kind: event.KafkaPosition}
}

// Value returns the i-th value; nil is a tombstone.
func (b *Batch) Value(i int) []byte {
	if b.fields[i].flags&isTombstone != 0 {
		return nil
	}
	return b.Buf[b.Lines[i].Start:b.Lines[i].End:b.Lines[i].End]
}

// Key returns the i-th key; nil if there is none.
func (b *Batch) Key(i int) []byte { return b.bytesOf(b.fields[i].key) }

func (b *Batch) bytesOf(s span) []byte {
	if s.start < 0 {
		return nil
	}
	return b.Buf[s.start:s.end:s.end]
}

// Time returns the i-th record's timestamp, ms since the epoch; -1 if it has none.
func (b *Batch) Time(i int) int64 { return b.fields[i].time }

// LogAppendTime reports whether that time is when the broker appended the record, and not what the producer says.
func (b *Batch) LogAppendTime(i int) bool { return b.fields[i].flags&isAppendTime != 0 }

// Headers returns the i-th record's headers in their order. A name may come more than once; a value may be nil.
func (b *Batch) Headers(i int) iter.Seq2[[]byte, []byte] {
	f := b.fields[i]
	return func(yield func(name, value []byte) bool) {
		r := bytesReader{b: b.bytesOf(f.headers)}
		for range f.nHeaders {
			name := r.take(int(r.varint()))
			var value []byte
			if n := r.varint(); n >= 0 {
				if value = r.take(int(n)); value == nil {
					value = []byte{}
				}
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// sum returns the checksum of the i-th record: of its offset, timestamp, key, headers and value.
func (b *Batch) sum(i int) uint64 {
	f := b.fields[i]
	h := xxh3.New()
	var number [8]byte
	write := func(n int64, part []byte) {
		binary.BigEndian.PutUint64(number[:], uint64(n))
		_, _ = h.Write(number[:]) // a hash takes everything
		_, _ = h.Write(part)
	}
	write(b.Lines[i].Offset, nil)
	write(f.time, nil)
	write(int64(f.key.end-f.key.start), b.Key(i))
	write(int64(f.nHeaders), b.bytesOf(f.headers))
	write(int64(f.flags&isTombstone), b.Value(i))
	return h.Sum64()
}
