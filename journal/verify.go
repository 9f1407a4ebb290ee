package journal

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Report is what Verify found.
type Report struct {
	Segments    int
	Blocks      int
	Records     int64
	First, Next int64 // offset of the oldest record, and behind the newest
	Bytes       int64 // read
	Payload     int64 // bytes of the records

	Torn   int64          // bytes at the end that a crash tore, or that are just being written; they hold nothing that was acknowledged
	Damage []*DamageError // all of it, in order
}

// OK reports whether there is no damage.
func (r *Report) OK() bool { return len(r.Damage) == 0 }

// Verify reads the whole log in dir and checks every byte, down to each record's checksum. It changes nothing and takes no
// lock, so it may run while the log is being written. fsys nil is the disk. An error says that the log could not be
// read at all; damage is in the report.
func Verify(dir string, fsys vfs.FS) (*Report, error) {
	if fsys == nil {
		fsys = vfs.Default
	}
	firsts, err := listSegments(fsys, dir)
	if err != nil {
		return nil, err
	}
	v := verifier{fs: fsys, dir: dir, report: &Report{}}
	for i, first := range firsts {
		p := part{first: first, after: -1, end: -1}
		if i+1 < len(firsts) {
			v.neighbour(&p, firsts[i+1])
		}
		if err := v.segment(p); err != nil {
			return nil, err
		}
	}
	return v.report, nil
}

// part is what is known about a segment from outside.
type part struct {
	first int64 // offset of its first record, by its name
	after int64 // first offset of the next segment; -1: this is the newest
	end   int64 // bytes, as the next segment says; -1: it says nothing
	lost  string
}

// neighbour looks up what the next segment says about p.
func (v *verifier) neighbour(p *part, after int64) {
	p.after, p.lost = after, "the segment ends too early"
	g := &segment{name: segmentName(after)}
	file, _, err := openSegment(v.fs, v.dir, g)
	if err != nil {
		return // that segment's own turn comes
	}
	defer file.Close()
	if g.header.prev.first != p.first {
		p.lost = fmt.Sprintf("the segment before %s, %s, is missing", g.name, segmentName(max(g.header.prev.first, 0)))
		return
	}
	p.end = g.header.prev.end
}

// verifier goes through a log. What it has found so far is in its report.
type verifier struct {
	fs     vfs.FS
	dir    string
	report *Report
	block  Block
}

// segment checks one segment.
func (v *verifier) segment(p part) error {
	r := v.report
	g := &segment{name: segmentName(p.first)}
	if r.Segments++; r.Segments == 1 {
		r.First, r.Next = p.first, p.first
	}
	file, size, err := openSegment(v.fs, v.dir, g)
	if d := (*DamageError)(nil); errors.As(err, &d) {
		d.Next = p.after
		r.Damage = append(r.Damage, d)
		r.Next = max(r.Next, p.after)
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	w := walker{file: file, limit: size, salt: g.header.salt, pos: segmentHeaderSize, next: p.first}
	if p.end >= 0 && p.end <= size {
		w.limit = p.end
	}
	if err := v.blocks(g, &w, p.after); err != nil {
		return fmt.Errorf("journal: verify segment %s: %w", g.name, err)
	}
	if p.after >= 0 && w.next != p.after {
		r.Damage = append(r.Damage, &DamageError{Segment: g.name, Position: w.pos, First: w.next, Next: p.after, Reason: p.lost})
		w.next = p.after
	}
	r.Bytes += w.limit
	r.Next = w.next
	return nil
}

// blocks checks all blocks of a segment; after is the first offset of the next one, -1 if this is the newest.
func (v *verifier) blocks(g *segment, w *walker, after int64) error {
	for {
		h, body, err := w.block()
		if err == nil && h.count > 0 {
			err = v.records(g, &h, body)
		}
		switch {
		case err == nil:
			w.skip(&h)
			continue
		case errors.Is(err, io.EOF):
			return nil
		case !isBad(err):
			return err
		}
		if after < 0 {
			torn, err := w.torn()
			if err != nil {
				return err
			}
			if torn {
				v.report.Torn = w.limit - w.pos
				return nil
			}
		}
		d, err := w.damage(g.name, err)
		if err != nil {
			return err
		}
		if d.Next < 0 && after >= 0 {
			d.Next, w.next = after, after
		}
		v.report.Damage = append(v.report.Damage, d)
	}
}

// records checks each record of a block; a bad one is named in the report.
func (v *verifier) records(g *segment, h *blockHeader, body []byte) error {
	if err := v.block.decode(h, body); err != nil {
		return err
	}
	r := v.report
	r.Blocks++
	r.Records += int64(h.count)
	for _, l := range v.block.lines {
		r.Payload += int64(l.End - l.Start)
	}
	if i := v.block.badRecord(); i >= 0 {
		bad := h.first + int64(i)
		r.Damage = append(r.Damage, &DamageError{Segment: g.name, Position: h.pos, First: bad, Next: bad + 1, Reason: errRecord.Error()})
	}
	return nil
}
