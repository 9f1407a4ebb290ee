package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/folder"
)

// Open opens the log in dir and makes it where there is none (not when read-only). The folder is locked: a second
// process gets ErrInUse with the first one's process id.
//
// What a crash tore of the last group is cut. Damage in the newest segment, a missing segment or one that is too short
// is a [DamageError]; damage further back is found by those who read there, and by [Verify].
// Read-only, a damaged log is opened all the same, and its readers get the DamageError where it lies.
func Open(dir string, o Options) (*Log, error) {
	o.setDefaults()
	l := &Log{dir: filepath.Clean(dir), fs: o.FS, opts: o, progress: map[string]Progress{}, changed: make(chan struct{})}
	l.queue.init()
	l.writer.log = l
	if o.ReadOnly {
		if err := l.openReadOnly(); err != nil {
			return nil, err
		}
		return l, nil
	}
	if err := l.lockFolder(); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, l.writer.closeFile(), l.lock.Close())
	}
	l.writer.start()
	return l, nil
}

func (l *Log) path(name string) string { return l.fs.PathJoin(l.dir, name) }

// openReadOnly loads what can be read. A segment may go while its header is read, because retention removes it: then
// the folder is listed again.
func (l *Log) openReadOnly() error {
	for try := 0; ; try++ {
		err := l.loadSegments()
		if !errors.Is(err, fs.ErrNotExist) || try == 10 {
			return err
		}
		if _, statErr := l.fs.Stat(l.dir); errors.Is(statErr, fs.ErrNotExist) {
			return fmt.Errorf("journal: open %q: %w", l.dir, ErrNone)
		}
	}
}

// recover loads the log, cuts a torn tail, and makes sure that what is there is durable: after a kill it may be in
// memory only.
func (l *Log) recover() error {
	if err := l.removeDrafts(); err != nil {
		return err
	}
	if err := l.loadSegments(); err != nil {
		return err
	}
	if err := folder.Sync(l.fs, l.dir); err != nil {
		return fmt.Errorf("journal: sync %q: %w", l.dir, err)
	}
	g := l.newest()
	if g == nil {
		return nil
	}
	return l.writer.adopt(g, l.stats.Cut > 0)
}

// removeDrafts removes segments that were not complete when the process ended.
func (l *Log) removeDrafts() error {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return fmt.Errorf("journal: list %q: %w", l.dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, draftSuffix) {
			if err := l.fs.Remove(l.path(name)); err != nil {
				return fmt.Errorf("journal: remove draft: %w", err)
			}
		}
	}
	return nil
}

// listSegments returns the first offsets of the segments in dir, in order.
func listSegments(fsys vfs.FS, dir string) ([]int64, error) {
	names, err := fsys.List(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: list %q: %w", dir, err)
	}
	var firsts []int64
	for _, name := range names {
		if first, ok := parseSegmentName(name); ok {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// loadSegments reads all headers, and the newest segment as a whole.
func (l *Log) loadSegments() error {
	firsts, err := listSegments(l.fs, l.dir)
	if err != nil {
		return err
	}
	l.segments = nil
	for i, first := range firsts {
		g := &segment{name: segmentName(first), times: noTimes()}
		file, size, err := openSegment(l.fs, l.dir, g)
		if err != nil {
			return err
		}
		if i > 0 {
			if err := l.chain(l.segments[i-1], g); err != nil {
				return errors.Join(err, file.Close())
			}
		}
		g.next, g.end = first, size // until more is known
		l.segments = append(l.segments, g)
		if i == len(firsts)-1 {
			err = l.loadNewest(g, file, size)
		}
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// openSegment opens a segment's file and reads its header.
func openSegment(fsys vfs.FS, dir string, g *segment) (file vfs.File, size int64, err error) {
	file, err = fsys.Open(fsys.PathJoin(dir, g.name))
	if err != nil {
		return nil, 0, fmt.Errorf("journal: open segment: %w", err)
	}
	info, err := file.Stat()
	if err == nil {
		size = info.Size()
		err = readSegmentHeader(file, g)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, size, nil
}

func readSegmentHeader(file vfs.File, g *segment) error {
	named, _ := parseSegmentName(g.name)
	b, err := readAt(file, make([]byte, segmentHeaderSize), 0)
	if errors.Is(err, errNoBlock) {
		err = errHeader
	}
	if err == nil {
		err = g.header.decode(b)
	}
	switch {
	case errors.Is(err, errHeader):
		return &DamageError{Segment: g.name, First: named, Next: -1, Reason: err.Error()}
	case err != nil:
		return fmt.Errorf("journal: segment %s: %w", g.name, err)
	case g.header.first != named:
		return &DamageError{Segment: g.name, First: named, Next: -1, Reason: fmt.Sprintf("its header says that it begins with record %d", g.header.first)}
	}
	return nil
}

// chain takes from g what it says about the segment before it, and checks that this is the one that is there, whole.
func (l *Log) chain(before, g *segment) error {
	p := g.header.prev
	d := &DamageError{Segment: g.name, First: before.next, Next: g.header.first}
	switch {
	case p.first != before.header.first:
		d.First = max(p.first, 0)
		d.Reason = fmt.Sprintf("the segment before it, %s, is missing", segmentName(d.First))
		return d
	case before.end < p.end:
		d.Segment, d.Position, d.First = before.name, before.end, before.header.first
		d.Reason = fmt.Sprintf("the file has %d bytes, and had %d", before.end, p.end)
		if !l.opts.ReadOnly {
			return d
		}
	}
	before.end = p.end
	before.next = g.header.first
	before.times, before.appended = p.times, p.appended
	return nil
}

// loadNewest walks through the newest segment, checking every byte, and finds out where it ends.
func (l *Log) loadNewest(g *segment, file vfs.File, size int64) error {
	g.loaded = true
	g.end = segmentHeaderSize
	w := walker{file: file, limit: size, salt: g.header.salt, pos: segmentHeaderSize, next: g.header.first}
	for {
		h, body, err := w.block()
		switch {
		case err == nil:
			l.take(g, h, body)
			w.skip(&h)
		case errors.Is(err, io.EOF):
			return nil
		case !isBad(err):
			return fmt.Errorf("journal: read segment %s: %w", g.name, err)
		default:
			over, err := l.tornOrDamaged(g, &w, err)
			if over || err != nil {
				return err
			}
		}
	}
}

// block reads the block to come, checked.
func (w *walker) block() (h blockHeader, body []byte, err error) {
	if h, err = w.header(); err == nil {
		body, err = w.body(&h)
	}
	return h, body, err
}

// take notes a block of the newest segment and how far the sources are by it.
func (l *Log) take(g *segment, h blockHeader, body []byte) {
	r := indexReader{b: body[:h.index]}
	if h.count == 0 {
		if all := r.progress(); !r.bad && h.pos == segmentHeaderSize {
			l.progress = all
		}
	} else {
		sources := r.sources(nil)
		for _, x := range r.runs(nil, len(sources), h.count) {
			if x.source > 0 {
				s := sources[x.source-1]
				l.progress[s.Name] = Progress{s.Ident, x.resume}
			}
		}
	}
	g.add(h)
}

// tornOrDamaged decides about bytes that are no block.
func (l *Log) tornOrDamaged(g *segment, w *walker, reason error) (over bool, err error) {
	torn, err := w.torn()
	if err != nil {
		return true, fmt.Errorf("journal: read segment %s: %w", g.name, err)
	}
	if torn {
		l.stats.Cut = w.limit - w.pos
		return true, nil
	}
	d, err := w.damage(g.name, reason)
	if err != nil {
		return true, fmt.Errorf("journal: read segment %s: %w", g.name, err)
	}
	if !l.opts.ReadOnly {
		return true, d
	}
	g.damage = append(g.damage, d)
	if d.Next >= 0 {
		g.next = d.Next
	}
	return w.pos == w.limit, nil
}
