package kafka

import (
	"bytes"
	"fmt"
)

// DataError says that what a broker sent of a partition cannot be read: it is damaged, or nothing that Kafka would
// write. Nothing at or behind Offset was returned.
type DataError struct {
	Partition Partition
	Offset    int64 // of the first record that was not returned
	reason    error
}

// Error names the place as positions are written, orders/3@42.
func (e *DataError) Error() string { return fmt.Sprintf("%s@%d: %v", e.Partition, e.Offset, e.reason) }

// Unwrap returns what is wrong.
func (e *DataError) Unwrap() error { return e.reason }

// arenaSize is how large unpacked batches become together before they are handed over: large runs cost less to fold.
const arenaSize = 4 << 20

// decoder makes Batches of what was fetched. It is for one goroutine.
type decoder struct {
	m         *memory
	unpack    unpacker
	committed bool // aborted transactions are left out

	mark Mark // behind what was decoded
	out  []*Batch
	cur  *Batch // the one that is being filled, nil: none
	raw  bool   // its memory is that of the answer
	room int    // bytes that the batches of the answer are expected to have unpacked

	packed, unpacked int // bytes of what was decoded last
}

// expansion returns what the bytes that were decoded last have become, as a multiple; was, if there were none.
func (d *decoder) expansion(was float64) float64 {
	if d.packed == 0 {
		return was
	}
	return float64(d.unpacked) / float64(d.packed)
}

// decode makes Batches of the records from an offset on, which is that of the mark unless what is before it is to be
// looked at too. When there is an error, out has what stands before it. Once so many bytes have been decoded (0: without
// end), the rest is left to another fetch.
func (d *decoder) decode(f *fetched, p *page, mark Mark, from int64, most int) (out []*Batch, err error) {
	d.mark, d.out, d.cur, d.packed, d.unpacked = mark, nil, nil, 0, 0
	d.room = min(int(float64(len(f.records))*max(f.expands, 1)), arenaSize) + arenaRoom
	d.mark.Offset = from
	data := f.records
	if d.m.crowded() { // a page that holds others' records too must not wait for this partition's
		data, p = bytes.Clone(data), nil
	}
	filter := &abortFilter{}
	if d.committed {
		filter = newAbortFilter(f.aborted)
	}
	for at := 0; at < len(data) && (most == 0 || d.unpacked < most); {
		h, whole, err := nextBatch(data[at:])
		if !whole && err == nil {
			break
		}
		if err == nil && h.last >= d.mark.Offset && !filter.drops(&h) {
			err = d.add(&h, data, at+batchHead, p)
		}
		if err != nil {
			d.finish(f)
			return d.out, &DataError{f.Partition, d.mark.Offset, err}
		}
		at += h.size
		d.mark.Offset = max(d.mark.Offset, h.last+1)
		if d.cur != nil && !d.raw && len(d.cur.Buf) >= arenaSize {
			d.finish(f)
		}
	}
	if d.finish(f); len(d.out) == 0 && d.mark.Offset > from {
		d.cur = d.m.batch()
		d.finish(f)
	}
	return d.out, nil
}

// add decodes one batch, whose records begin at start in the answer's data.
func (d *decoder) add(h *batchHeader, data []byte, start int, p *page) error {
	raw := h.compression() == 0
	if d.cur == nil || d.raw != raw {
		d.begin(raw, data, p)
	}
	b, from, stop := d.cur, start, start+len(h.records)
	lines, size := len(b.Lines), len(b.Buf)
	if !raw {
		var err error
		if b.Buf, err = d.unpack.unpack(b.Buf, h.compression(), h.records); err != nil {
			b.Buf = b.Buf[:size]
			return fmt.Errorf("the batch at offset %d cannot be unpacked: %w", h.base, err)
		}
		from, stop = size, len(b.Buf)
	}
	d.packed, d.unpacked = d.packed+len(h.records), d.unpacked+stop-from
	if err := b.appendRecords(h, from, stop, d.mark.Offset); err != nil {
		b.Lines, b.fields = b.Lines[:lines], b.fields[:lines]
		return err
	}
	if len(b.Lines) > lines {
		d.mark.Epoch, d.mark.Last = h.epoch, b.Lines[len(b.Lines)-1].Offset
		b.newest = max(b.newest, h.maxTime)
	}
	return nil
}

// begin begins a Batch. What was begun before has records that come first.
func (d *decoder) begin(raw bool, data []byte, p *page) {
	d.close()
	d.cur, d.raw = d.m.batch(), raw
	if raw {
		d.cur.Buf, d.cur.size = data, len(data)
		d.m.share(d.cur, p)
		return
	}
	if cap(d.cur.arena) < d.room {
		d.cur.arena = make([]byte, 0, d.room)
	}
	d.cur.Buf = d.cur.arena[:0]
}

// arenaRoom is what an arena has beyond what is expected, so that it need not grow.
const arenaRoom = 128 << 10

// close ends the current Batch in the middle of an answer.
func (d *decoder) close() {
	b := d.cur
	if b == nil {
		return
	}
	d.cur = nil
	if !d.raw && b.Buf != nil {
		b.arena, b.size = b.Buf, cap(b.Buf)
	}
	if n := len(b.Lines); n > 0 {
		d.mark.Sum = b.sum(n - 1)
	}
	b.Next = d.mark
	d.out = append(d.out, b)
}

// finish ends the current Batch and says of all where they come from.
func (d *decoder) finish(f *fetched) {
	d.close()
	for _, b := range d.out {
		b.Partition, b.End, b.Stable = f.Partition, f.end, f.stable
	}
}
