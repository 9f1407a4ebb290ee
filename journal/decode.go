package journal

import (
	"encoding/binary"

	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"
)

// decode decompresses the block and finds out its lines and runs.
func (b *Block) decode(h *blockHeader, body []byte) error {
	b.Lines, b.lines = nil, b.lines[:0]
	index, data := body[:h.index], body[h.index:]
	if err := b.inflate(h, data); err != nil {
		return err
	}
	sums := 4 * int64(h.count)
	if sums > int64(len(index)) {
		return errIndex
	}
	b.sums = index[int64(len(index))-sums:]
	r := indexReader{b: index[:int64(len(index))-sums]}
	b.sources = r.sources(b.sources)
	b.runs = r.runs(b.runs, len(b.sources), h.count)
	b.lines = r.lines(b.lines, b.runs, h.first, len(b.Buf))
	if r.bad || len(r.b) > 0 || len(b.lines) != int(h.count) || h.count == 0 {
		b.lines = b.lines[:0]
		return errIndex
	}
	b.Appended = h.appended
	return nil
}

// inflate decompresses data into Buf.
func (b *Block) inflate(h *blockHeader, data []byte) error {
	if h.codec == codecNone {
		if len(data) != int(h.raw) {
			return errData
		}
		b.Buf = append(b.Buf[:0], data...)
		return nil
	}
	if n, err := s2.DecodedLen(data); err != nil || n != int(h.raw) {
		return errData
	}
	if cap(b.Buf) < int(h.raw) {
		b.Buf = make([]byte, h.raw)
	}
	buf, err := s2.Decode(b.Buf[:cap(b.Buf)], data)
	if err != nil || len(buf) != int(h.raw) {
		return errData
	}
	b.Buf = buf
	return nil
}

// cut leaves the lines from offset on, and the runs that cover them.
func (b *Block) cut(offset int64) {
	skip := int(offset - b.lines[0].Offset)
	b.First, b.Lines, b.Runs = offset, b.lines[skip:], b.Runs[:0]
	for i := range b.runs {
		x := &b.runs[i]
		if skip >= int(x.count) {
			skip -= int(x.count)
			continue
		}
		r := Run{Count: int(x.count) - skip, Kind: x.kind, Resume: x.resume}
		if x.source > 0 {
			r.Source, r.Line = b.sources[x.source-1], x.line+int64(skip)
		}
		skip = 0
		b.Runs = append(b.Runs, r)
	}
}

// badRecord returns the index of the first of all the block's records that does not match its checksum, or -1.
func (b *Block) badRecord() int {
	for i, l := range b.lines {
		if binary.LittleEndian.Uint32(b.sums[4*i:]) != uint32(xxh3.Hash(b.Buf[l.Start:l.End])) {
			return i
		}
	}
	return -1
}
