package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"sort"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Block is a run of records as a reader gets them. A reader that is given the same Block again uses its memory again, so
// that nothing is allocated per record; what is to stay must be copied.
type Block struct {
	First    int64  // offset of the first record
	Appended int64  // append time of all of them, ms
	Buf      []byte // the records stand in it, with what stood between them
	Lines    []Line // one per record; Offset is the log's
	Runs     []Run  // cover the Lines in order

	read    []byte // the block as it is stored
	sources []Source
	runs    []run
	lines   []Line // all of the block's
	sums    []byte
	log     *Log
}

// Record returns the i-th record. Its payload is a part of Buf.
func (b *Block) Record(i int) Record {
	l := b.Lines[i]
	r := Record{Offset: l.Offset, Appended: b.Appended, Payload: b.Buf[l.Start:l.End]}
	for _, x := range b.Runs {
		if i < x.Count {
			r.Kind, r.Source = x.Kind, x.Source
			if x.Line > 0 {
				r.Line = x.Line + int64(i)
			}
			break
		}
		i -= x.Count
	}
	return r
}

// Reader reads records in the order of their offsets. It is for one goroutine; close it.
type Reader struct {
	log      *Log
	next     int64
	until    int64 // ends before it
	from, to int64 // only blocks that may hold an event with a time in [from, to]
	follow   bool
	only     []string // names of sources: blocks of others are left out; nil: none is
	head     []byte   // of a block that is looked at

	seg  *segment // that file belongs to
	file vfs.File
}

// NewReader returns a reader that begins with the record at offset and ends (io.EOF) behind the last durable one.
func (l *Log) NewReader(offset int64) *Reader {
	return &Reader{log: l, next: offset, until: math.MaxInt64, from: math.MinInt64, to: math.MaxInt64}
}

// Follow returns a reader that begins with the record at offset and waits for new records at the end.
func (l *Log) Follow(offset int64) *Reader {
	r := l.NewReader(offset)
	r.follow = true
	return r
}

// Between returns a reader of the blocks, among those that are durable now, that may hold an event with a time from
// from to to (ms, both included). Blocks hold other records too: the reader's caller looks at their times.
func (l *Log) Between(from, to int64) *Reader {
	r := l.NewReader(l.FirstOffset())
	r.until, r.from, r.to = l.NextOffset(), from, to
	return r
}

// Offset returns the offset that Next will begin with, or, after a time range has been left out, at the earliest.
func (r *Reader) Offset() int64 { return r.next }

// MoveTo lets Next begin with the record at offset.
func (r *Reader) MoveTo(offset int64) { r.next = offset }

// Next reads the next records into b: those of one block. At the end it returns io.EOF, or waits if the reader follows.
// Records that cannot be read are a DamageError; MoveTo its Next goes on behind them. Records that retention has removed
// are ErrRemoved.
func (r *Reader) Next(ctx context.Context, b *Block) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, h, wait, err := r.locate()
		if err != nil {
			return err
		}
		if wait != nil {
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if h == nil {
			continue // the segment is not loaded, or nothing in it fits
		}
		skip := !h.times.overlaps(r.from, r.to)
		if !skip && r.only != nil {
			n, err := r.peek(at, h)
			if err != nil {
				return err
			}
			skip = n == 0
		}
		if skip {
			r.next = h.next()
			continue
		}
		if err := r.read(at, h, b); err != nil {
			return err
		}
		b.cut(r.next)
		r.next = h.next()
		return nil
	}
}

// locate finds the block that holds the next record. wait is what to wait for at the end of the log.
func (r *Reader) locate() (g *segment, h *blockHeader, wait <-chan struct{}, err error) {
	l := r.log
	l.mu.Lock()
	switch {
	case l.closed:
		err = fmt.Errorf("journal: read: %w", ErrClosed)
	case r.next >= min(l.next(), r.until):
		wait, err = r.atEnd()
	case r.next < l.first():
		err = fmt.Errorf("journal: read record %d: %w: the oldest one is %d", r.next, ErrRemoved, l.first())
	}
	if err != nil || wait != nil {
		l.mu.Unlock()
		return nil, nil, wait, err
	}
	g = l.segments[l.find(r.next)]
	newest := g == l.newest()
	end, next, skip, blocks, damage := g.end, g.next, !newest && !g.times.overlaps(r.from, r.to), g.blocks, g.damage
	l.mu.Unlock()
	if skip {
		r.next = next
		return nil, nil, nil, nil
	}
	if !newest {
		if blocks, damage, err = l.loadBlocks(g, end, next); err != nil {
			return nil, nil, nil, err
		}
	}
	h, err = pick(blocks, damage, r.next)
	return g, h, nil, err
}

// atEnd says what to do at the end of the log: wait, unless the reader does not. What is damaged beyond it is no end.
func (r *Reader) atEnd() (wait <-chan struct{}, err error) {
	l := r.log
	if g := l.newest(); g != nil && len(g.damage) > 0 {
		if d := g.damage[len(g.damage)-1]; d.Next < 0 && r.until > l.next() {
			return nil, d
		}
	}
	switch {
	case r.next > l.next():
		return nil, fmt.Errorf("journal: read record %d: %w: the log ends before %d", r.next, ErrNotYet, l.next())
	case !r.follow:
		return nil, io.EOF
	}
	return l.changed, nil
}

// pick finds the block that holds offset.
func pick(blocks []blockHeader, damage []*DamageError, offset int64) (*blockHeader, error) {
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].next() > offset })
	for _, d := range damage {
		if d.First <= offset && (d.Next < 0 || offset < d.Next) {
			return nil, d
		}
	}
	if i == len(blocks) || blocks[i].first > offset {
		return nil, fmt.Errorf("journal: read record %d: %w: no block holds it", offset, ErrDamaged)
	}
	return &blocks[i], nil
}

// read reads the block into b, checked and decompressed.
func (r *Reader) read(g *segment, h *blockHeader, b *Block) error {
	if r.seg != g {
		if err := r.open(g); err != nil {
			return err
		}
	}
	w := walker{file: r.file, limit: h.pos + h.size(), salt: g.header.salt, pos: h.pos, next: h.first, buf: b.read}
	body, err := w.body(h)
	b.read = w.buf
	if err == nil {
		err = b.decode(h, body)
	}
	if isBad(err) {
		return &DamageError{Segment: g.name, Position: h.pos, First: max(h.first, r.next), Next: h.next(), Reason: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("journal: read segment %s: %w", g.name, err)
	}
	b.log = r.log
	return nil
}

// open changes to another segment.
func (r *Reader) open(g *segment) error {
	if err := r.Close(); err != nil {
		return err
	}
	file, err := r.log.fs.Open(r.log.path(g.name), vfs.SequentialReadsOption)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("journal: read record %d: %w", r.next, ErrRemoved)
	case err != nil:
		return fmt.Errorf("journal: open segment: %w", err)
	}
	r.file, r.seg = file, g
	return nil
}

// Close releases the reader's file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file, r.seg = nil, nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("journal: close segment: %w", err)
	}
	return nil
}

// Get reads the one record at offset. b is where its block is read to: if it holds the record already, nothing is read.
func (l *Log) Get(ctx context.Context, offset int64, b *Block) (Record, error) {
	if n := len(b.lines); n > 0 && b.lines[0].Offset <= offset && offset <= b.lines[n-1].Offset && b.log == l {
		b.cut(offset)
		return b.Record(0), nil
	}
	r := l.NewReader(offset)
	err := r.Next(ctx, b)
	if err = errors.Join(err, r.Close()); err != nil {
		if errors.Is(err, io.EOF) {
			return Record{}, fmt.Errorf("journal: read record %d: %w", offset, ErrNotYet)
		}
		return Record{}, err
	}
	return b.Record(0), nil
}
