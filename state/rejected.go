package state

import (
	"bytes"
	"encoding/binary"
	"maps"

	"kelpie/event"
)

// RejectBounds limits the list of refused events. What does not fit pushes the oldest out.
type RejectBounds struct {
	Events int   // default 10,000
	Bytes  int64 // of the rows together; default 64 MiB
}

// maxRaw is how much of a refused event is kept: events are no larger unless they were refused for that.
const maxRaw = 1 << 20

func (r *RejectBounds) setDefaults() {
	if r.Events <= 0 {
		r.Events = 10_000
	}
	if r.Bytes <= 0 {
		r.Bytes = 64 << 20
	}
}

// Rejected is a refused event.
type Rejected struct {
	Sequence uint64 // in the order of commits, from 1
	Position event.Position
	Reason   event.Reason
	Detail   string // in words
	Offset   int    // in Raw, bytes from 0: where the mistake is
	Size     int    // of the event, bytes; more than len(Raw) if Raw had to be cut
	Raw      []byte // as it came
}

// RejectedCounts counts refused events.
type RejectedCounts struct {
	Total    uint64            // ever
	Kept     int               // that can still be listed
	Bytes    int64             // that these take
	ByReason map[string]uint64 // ever
}

// rejectQueue knows the sizes of the refused events that are kept, oldest first, so that the oldest can be
// pushed out without reading them.
type rejectQueue struct {
	bounds RejectBounds
	first  uint64 // sequence number of sizes[0]
	sizes  []uint32
	bytes  int64
}

// Reject adds a refused event to the list. It gets its sequence number when the batch is committed. Size is set
// from Raw, if it is not given.
func (b *Batch) Reject(r Rejected) {
	r.Size = max(r.Size, len(r.Raw))
	r.Raw = bytes.Clone(r.Raw[:min(len(r.Raw), maxRaw)])
	b.rejected = append(b.rejected, r)
}

// numberRejected moves the batch's refused events into it under the next sequence numbers, and takes out the oldest.
func (s *Store) numberRejected(b *Batch) {
	q := &s.numbering.rejected
	for i := range b.rejected {
		r := &b.rejected[i]
		c := &s.numbering.counters
		c.Rejected++
		c.ByReason[string(r.Reason)]++
		r.Sequence = c.Rejected
		v := appendRejected(nil, r)
		b.key = appendSeq(b.key[:0], kindRejected, r.Sequence)
		b.note(b.b.Set(b.key, v, nil))
		q.push(r.Sequence, len(v))
		for q.over() {
			b.key = appendSeq(b.key[:0], kindRejected, q.pop())
			b.note(b.b.Delete(b.key, nil))
		}
	}
}

func (q *rejectQueue) push(seq uint64, size int) {
	if len(q.sizes) == 0 {
		q.first = seq
	}
	q.sizes = append(q.sizes, uint32(size))
	q.bytes += int64(size)
}

// over reports whether the oldest has to go; the newest stays in any case.
func (q *rejectQueue) over() bool {
	return len(q.sizes) > 1 && (len(q.sizes) > q.bounds.Events || q.bytes > q.bounds.Bytes)
}

func (q *rejectQueue) pop() (seq uint64) {
	seq = q.first
	q.bytes -= int64(q.sizes[0])
	q.sizes = q.sizes[1:]
	q.first++
	return seq
}

// loadRejected reads the sizes of what is kept. Bounds that became smaller take hold at the next refusal.
func (s *Store) loadRejected(bounds RejectBounds) error {
	q := &s.numbering.rejected
	q.bounds = bounds
	return s.scan([]byte{kindRejected}, nil, func(k, v []byte) (bool, error) {
		seq, ok := parseSeq(k)
		if !ok || len(q.sizes) > 0 && seq != q.first+uint64(len(q.sizes)) {
			return false, damaged("refused event", k)
		}
		q.push(seq, len(v))
		return true, nil
	})
}

// Rejected calls f with the refused events whose sequence number is at least from, oldest first. f returns false to
// end the scan.
func (s *Store) Rejected(from uint64, f func(Rejected) (bool, error)) error {
	return s.scan([]byte{kindRejected}, appendSeq(nil, kindRejected, from), func(k, v []byte) (bool, error) {
		r, err := decodeRejected(k, v)
		if err != nil {
			return false, err
		}
		return f(r)
	})
}

// RejectedReady returns a channel that holds a token whenever events have been refused since it was last received from. It
// is for one goroutine.
func (s *Store) RejectedReady() <-chan struct{} { return s.refused }

// RejectedCounts returns how many events have been refused.
func (s *Store) RejectedCounts() RejectedCounts {
	n := &s.numbering
	n.Lock()
	defer n.Unlock()
	return RejectedCounts{
		Total:    n.counters.Rejected,
		Kept:     len(n.rejected.sizes),
		Bytes:    n.rejected.bytes,
		ByReason: maps.Clone(n.counters.ByReason),
	}
}

// A refused event's value: version u8 = 1 | position kind u8 | stream | partition, offset (varint) | reason |
// detail | error offset, size (uvarint) | raw bytes; texts have their length as uvarint before them.
const rejectedVersion = 1

func appendRejected(dst []byte, r *Rejected) []byte {
	dst = append(dst, rejectedVersion, byte(r.Position.Kind))
	dst = appendText(dst, r.Position.Stream)
	dst = binary.AppendVarint(dst, int64(r.Position.Partition))
	dst = binary.AppendVarint(dst, r.Position.Offset)
	dst = appendText(dst, string(r.Reason))
	dst = appendText(dst, r.Detail)
	dst = binary.AppendUvarint(dst, uint64(r.Offset))
	dst = binary.AppendUvarint(dst, uint64(r.Size))
	return append(dst, r.Raw...)
}

func decodeRejected(key, v []byte) (r Rejected, err error) {
	seq, ok := parseSeq(key)
	if !ok || len(v) < 2 || v[0] != rejectedVersion {
		return r, damaged("refused event", key)
	}
	d := decoder{b: v[2:]}
	r.Sequence = seq
	r.Position.Kind = event.PositionKind(v[1])
	r.Position.Stream = d.text()
	r.Position.Partition = int32(d.varint())
	r.Position.Offset = d.varint()
	r.Reason = event.Reason(d.text())
	r.Detail = d.text()
	r.Offset = int(d.uvarint())
	r.Size = int(d.uvarint())
	r.Raw = bytes.Clone(d.b)
	if d.bad || r.Offset < 0 || r.Size < 0 {
		return Rejected{}, damaged("refused event", key)
	}
	return r, nil
}

// decoder reads a value field by field; after a field that is not there all further ones are zero and bad is true.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) text() string {
	s, rest, ok := cutText(d.b)
	if !ok {
		d.bad = true
		return ""
	}
	d.b = rest
	return s
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	return d.advance(n, size)
}

func (d *decoder) uvarint() int64 {
	n, size := binary.Uvarint(d.b)
	return d.advance(int64(n), size)
}

func (d *decoder) advance(n int64, size int) int64 {
	if size <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[size:]
	return n
}
