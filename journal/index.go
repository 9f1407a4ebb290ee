package journal

import (
	"encoding/binary"
	"slices"
	"strings"
)

// The index of a block says what its data holds:
//
//	sources  uvarint n, then n times: name, ident (each uvarint length, bytes)
//	runs     uvarint n, then n times: kind:1, uvarint source (0: none, else its number from 1), uvarint count,
//	         uvarint lead, uvarint gap, varint first line; with a source also uvarint resume offset, uvarint resume line
//	lengths  a uvarint per record
//	sums     4 bytes per record: the low half of its xxh3
//
// A run is as many records as differ in nothing but their bytes: one kind, one source, lines that count up, the same
// number of bytes (gap) between them. lead bytes stand before a run's first record.

// run is a run of records in a block.
type run struct {
	kind   Kind
	source uint32 // 0: none, else the number from 1 in the block's sources
	count  uint32
	lead   uint32
	gap    uint32 // of a run of one record it is not known yet: 0
	line   int64  // of the first record
	resume Mark   // where reading the source goes on after the run
}

// Run is what some records of a Block have in common.
type Run struct {
	Count  int
	Kind   Kind
	Source Source
	Line   int64 // the source's own number of the first record; the others count up. 0 if there is no source
	Resume Mark  // where reading the source goes on behind the run
}

func appendSources(b []byte, sources []Source) []byte {
	b = binary.AppendUvarint(b, uint64(len(sources)))
	for _, s := range sources {
		b = appendText(b, s.Name)
		b = appendText(b, s.Ident)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendRuns(b []byte, runs []run) []byte {
	b = binary.AppendUvarint(b, uint64(len(runs)))
	for i := range runs {
		r := &runs[i]
		b = append(b, byte(r.kind))
		b = binary.AppendUvarint(b, uint64(r.source))
		b = binary.AppendUvarint(b, uint64(r.count))
		b = binary.AppendUvarint(b, uint64(r.lead))
		b = binary.AppendUvarint(b, uint64(r.gap))
		b = binary.AppendVarint(b, r.line)
		if r.source > 0 {
			b = binary.AppendUvarint(b, uint64(r.resume.Offset))
			b = binary.AppendUvarint(b, uint64(r.resume.Line))
		}
	}
	return b
}

// appendProgress writes the index of a mark: uvarint n, then n times name, ident, uvarint offset, uvarint line,
// sorted by name.
func appendProgress(b []byte, all map[string]Progress) []byte {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		p := all[name]
		b = appendText(b, name)
		b = appendText(b, p.Ident)
		b = binary.AppendUvarint(b, uint64(p.Mark.Offset))
		b = binary.AppendUvarint(b, uint64(p.Mark.Line))
	}
	return b
}

// indexReader reads an index. The first thing that does not fit sets bad, and all that follows is zero.
type indexReader struct {
	b   []byte
	bad bool
}

func (r *indexReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *indexReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// number reads a uvarint of at most most.
func (r *indexReader) number(most uint64) uint64 {
	v := r.uvarint()
	if v > most {
		r.fail()
		return 0
	}
	return v
}

func (r *indexReader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *indexReader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *indexReader) mark() Mark {
	const most = 1<<63 - 1
	return Mark{Offset: int64(r.number(most)), Line: int64(r.number(most))}
}

func (r *indexReader) fail() { r.bad, r.b = true, nil }

// sources reads the sources into dst, in which the strings of the block read before are used again.
func (r *indexReader) sources(dst []Source) []Source {
	n := int(r.number(uint64(len(r.b)) / 2))
	old := dst[:cap(dst)]
	dst = dst[:0]
	for i := range n {
		s := Source{r.text(), r.text()}
		if i < len(old) && old[i] == s {
			s = old[i]
		}
		dst = append(dst, s)
	}
	return dst
}

// runs reads the runs into dst; together they must cover count records.
func (r *indexReader) runs(dst []run, sources int, count uint32) []run {
	n := r.number(uint64(len(r.b)))
	dst = dst[:0]
	total := uint64(0)
	for range n {
		x := run{
			kind:   Kind(r.byte()),
			source: uint32(r.number(uint64(sources))),
			count:  uint32(r.number(uint64(count))),
			lead:   uint32(r.number(maxRaw)),
			gap:    uint32(r.number(maxRaw)),
			line:   r.varint(),
		}
		if x.source > 0 {
			x.resume = r.mark()
		}
		total += uint64(x.count)
		if r.bad || x.count == 0 || total > uint64(count) {
			r.fail()
			return dst[:0]
		}
		dst = append(dst, x)
	}
	if total != uint64(count) {
		r.fail()
		return dst[:0]
	}
	return dst
}

// lines reads the lengths into dst, as lines of a buffer of size bytes; offsets count up from first.
func (r *indexReader) lines(dst []Line, runs []run, first int64, size int) []Line {
	dst = dst[:0]
	pos := uint64(0)
	for i := range runs {
		x := &runs[i]
		pos += uint64(x.lead)
		for j := range x.count {
			if j > 0 {
				pos += uint64(x.gap)
			}
			n := uint64(0)
			if len(r.b) > 1 && r.b[0] >= 0x80 && r.b[1] < 0x80 { // two bytes, as most lengths have
				n = uint64(r.b[0]&0x7f) | uint64(r.b[1])<<7
				r.b = r.b[2:]
			} else {
				n = r.uvarint()
			}
			end := pos + n
			if r.bad || n > uint64(size) || end > uint64(size) {
				r.fail()
				return dst[:0]
			}
			dst = append(dst, Line{int(pos), int(end), first})
			first++
			pos = end
		}
	}
	return dst
}

// progress reads the index of a mark.
func (r *indexReader) progress() map[string]Progress {
	n := r.number(uint64(len(r.b)) / 4)
	all := make(map[string]Progress, n)
	for range n {
		name := r.text()
		all[name] = Progress{Ident: r.text(), Mark: r.mark()}
		if r.bad {
			return nil
		}
	}
	return all
}
