package journal

import (
	"encoding/binary"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"
)

// builder gathers the records of one block. The zero builder is empty; reset makes it so again.
type builder struct {
	sources []Source
	runs    []run
	lengths []byte
	sums    []byte
	count   uint32
	size    int // of the payloads
	times   times

	data  []byte // what will be compressed: owned, or borrowed from the one batch that was added
	owned []byte // scratch
}

func (d *builder) reset() {
	*d = builder{sources: d.sources[:0], runs: d.runs[:0], lengths: d.lengths[:0], sums: d.sums[:0], owned: d.owned[:0], times: noTimes()}
}

// add takes the lines [from, to) of b. If borrow is set nothing else may be added, and b.Buf must not change until the
// block is built; otherwise the bytes are copied.
func (d *builder) add(b *Batch, from, to int, borrow bool) {
	lines := b.Lines[from:to]
	source := d.source(b.Source)
	d.times.add(b.times())
	d.count += uint32(len(lines))
	spans := d.addLines(b, lines, source, to)
	d.setResume(b, to)
	switch {
	case borrow && spans == 1:
		d.data = b.Buf[lines[0].Start:lines[len(lines)-1].End]
		return
	case spans == 1:
		d.owned = append(d.owned, b.Buf[lines[0].Start:lines[len(lines)-1].End]...)
	default:
		d.copySpans(b.Buf, lines)
	}
	d.data = d.owned
}

// addLines adds runs, lengths and checksums, and returns in how many spans the bytes lie that are to be kept.
func (d *builder) addLines(b *Batch, lines []Line, source uint32, to int) (spans int) {
	lengths, sums := d.lengths, slices.Grow(d.sums, 4*len(lines))
	spans = 1
	step := int64(0)
	if source > 0 {
		step = 1
	}
	r := run{kind: b.Kind, source: source}
	for i := range lines {
		l := &lines[i]
		line := l.Offset * step
		lead := 0
		if i > 0 {
			lead = l.Start - lines[i-1].End
			if lead > maxMargin {
				spans++
				lead = 0
			}
		}
		switch {
		case r.count == 0:
			r.line = line
		case line == r.line+int64(r.count)*step && (r.count == 1 || lead == int(r.gap)):
			r.gap = uint32(lead)
		default:
			r.resume = Mark{b.Base + int64(l.Start), line - 1}
			d.runs = append(d.runs, r)
			r = run{kind: b.Kind, source: source, lead: uint32(lead), line: line}
		}
		r.count++
		payload := b.Buf[l.Start:l.End]
		d.size += len(payload)
		lengths = binary.AppendUvarint(lengths, uint64(len(payload)))
		sums = binary.LittleEndian.AppendUint32(sums, uint32(xxh3.Hash(payload)))
	}
	d.runs = append(d.runs, r)
	d.lengths, d.sums = lengths, sums
	return spans
}

// setResume says of the newest run where reading goes on after it: at the next line, if the block ends before the batch
// does.
func (d *builder) setResume(b *Batch, to int) {
	r := &d.runs[len(d.runs)-1]
	r.resume = b.Next
	if to < len(b.Lines) {
		r.resume = Mark{b.Base + int64(b.Lines[to].Start), b.Lines[to].Offset - 1}
	}
}

// copySpans copies the lines and what stands between them, without what is longer than maxMargin.
func (d *builder) copySpans(buf []byte, lines []Line) {
	start := lines[0].Start
	for i := 1; i < len(lines); i++ {
		if lines[i].Start-lines[i-1].End > maxMargin {
			d.owned = append(d.owned, buf[start:lines[i-1].End]...)
			start = lines[i].Start
		}
	}
	d.owned = append(d.owned, buf[start:lines[len(lines)-1].End]...)
}

// source returns the number of s among the block's sources, adding it if it is new.
func (d *builder) source(s Source) uint32 {
	if s == (Source{}) {
		return 0
	}
	for i := len(d.sources) - 1; i >= 0; i-- {
		if d.sources[i] == s {
			return uint32(i + 1)
		}
	}
	d.sources = append(d.sources, s)
	return uint32(len(d.sources))
}

// encoded is a block that is ready to be written but for its place: buf has room for the header, then index and data.
type encoded struct {
	header  blockHeader
	buf     []byte
	sources []Source
	runs    []run
}

// build encodes the block over e.
func (d *builder) build(e *encoded) {
	e.sources = append(e.sources[:0], d.sources...)
	e.runs = append(e.runs[:0], d.runs...)
	b := slices.Grow(e.buf[:0], blockHeaderSize)[:blockHeaderSize]
	b = appendSources(b, d.sources)
	b = appendRuns(b, d.runs)
	b = append(b, d.lengths...)
	b = append(b, d.sums...)
	index := len(b) - blockHeaderSize
	codec := uint8(codecS2)
	most := s2.MaxEncodedLen(len(d.data))
	b = slices.Grow(b, most)
	n := len(s2.Encode(b[len(b):len(b)+most], d.data))
	if n >= len(d.data) {
		codec, n = codecNone, copy(b[len(b):cap(b)], d.data)
	}
	e.buf = b[:len(b)+n]
	e.header = blockHeader{
		codec:  codec,
		count:  d.count,
		index:  uint32(index),
		stored: uint32(n),
		raw:    uint32(len(d.data)),
		times:  d.times,
		sum:    xxh3.Hash(e.buf[blockHeaderSize:]),
	}
}

// buildMark encodes a mark over e.
func buildMark(e *encoded, all map[string]Progress) {
	b := slices.Grow(e.buf[:0], blockHeaderSize)[:blockHeaderSize]
	e.buf = appendProgress(b, all)
	e.sources, e.runs = e.sources[:0], e.runs[:0]
	e.header = blockHeader{
		index: uint32(len(e.buf) - blockHeaderSize),
		times: noTimes(),
		sum:   xxh3.Hash(e.buf[blockHeaderSize:]),
	}
}
