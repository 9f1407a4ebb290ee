package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// peeked is how much of a block's index is read to find out where its records come from; sources and runs stand first.
const peeked = 4 << 10

// Only lets Next leave out blocks that hold nothing of the sources with these names. It reads their beginning only, so that
// what is wrong with the rest of them is not seen.
func (r *Reader) Only(names ...string) { r.only = names }

// Newest returns the offset of a block from which on stand the newest n records of the sources with these names, or all
// of theirs that were appended at or after since (ms), if these are fewer. It reads backwards, and of each block the
// beginning. Records that cannot be read are passed over.
func (l *Log) Newest(ctx context.Context, names []string, n, since int64) (offset int64, err error) {
	r := l.NewReader(l.NextOffset())
	r.only = names
	defer func() { err = errors.Join(err, r.Close()) }()
	for offset = r.next; n > 0 && offset > l.FirstOffset(); {
		r.next = offset - 1
		g, h, _, err := r.locate()
		var d *DamageError
		switch {
		case errors.As(err, &d):
			offset = d.First
			continue
		case err == nil:
			err = ctx.Err()
		}
		if err != nil {
			return offset, err
		}
		if h.appended < since {
			return offset, nil
		}
		count, err := r.peek(g, h)
		if err != nil {
			return offset, err
		}
		n -= count
		offset = h.first
	}
	return offset, nil
}

// peek returns how many records of the block come from the sources that are wanted: all of them, if nobody can tell.
func (r *Reader) peek(g *segment, h *blockHeader) (count int64, err error) {
	if r.seg != g {
		if err := r.open(g); err != nil {
			return 0, err
		}
	}
	for size := min(int64(h.index), peeked); ; size = int64(h.index) {
		w := walker{file: r.file, limit: h.pos + h.size(), buf: r.head}
		b, err := w.at(h.pos+blockHeaderSize, size)
		r.head = w.buf
		if err != nil && !isBad(err) {
			return 0, fmt.Errorf("journal: read segment %s: %w", g.name, err)
		}
		x := indexReader{b: b}
		sources := x.sources(nil)
		runs := x.runs(nil, len(sources), h.count)
		switch {
		case err == nil && !x.bad:
			return r.wanted(sources, runs), nil
		case err != nil || size == int64(h.index):
			return int64(h.count), nil
		}
	}
}

func (r *Reader) wanted(sources []Source, runs []run) (count int64) {
	for _, x := range runs {
		if x.source > 0 && slices.Contains(r.only, sources[x.source-1].Name) {
			count += int64(x.count)
		}
	}
	return count
}
