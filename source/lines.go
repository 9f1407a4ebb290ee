package source

import (
	"bytes"
	"errors"
	"io"

	"kelpie/event"
	"kelpie/journal"
)

const (
	defaultMaxLine = 1 << 20
	defaultBatch   = 4 << 20
	readSize       = 256 << 10 // bytes that are read at once, so that they are searched for lines while in the cache
	cutKept        = 1024      // bytes that are kept of a line that is too long
)

// lines cuts what a reader has into batches of lines.
type lines struct {
	r       io.Reader
	origin  journal.Source
	maxLine int
	size    int           // bytes of a batch
	spare   func() *Batch // where batches come from
	eager   func() bool   // whether to return few lines rather than to wait for more; nil: never

	offset int64  // in the source, of carry
	line   int64  // lines before carry
	carry  []byte // what has been read of a line that is not yet complete
	long   *cut   // instead of carry: the line is too long
	rest   []byte // what has been read behind a line that was too long
	unused *Batch // taken from spare, and not returned yet
	err    error  // of the reader, to come when all that was read has been returned
}

// cut is a line that is too long, of which the end has not been seen yet.
type cut struct {
	kept  []byte
	size  int64
	blank bool // white space only, as far as it has been read
}

// next returns a batch of at least one line, or nil and the reader's error: io.EOF also where the reader may have more
// later. What stands behind the last line end is kept for then; last returns it.
func (l *lines) next() (*Batch, error) {
	for {
		if l.long != nil {
			b, err := l.skipLong()
			if b != nil || err != nil {
				return b, err
			}
			continue
		}
		b := l.batch()
		more := l.fill(b)
		if len(b.Lines) > 0 {
			return b, nil
		}
		l.unused = b
		if more {
			continue // blank lines only, or a long line has begun
		}
		err := l.err
		l.err = nil
		return nil, err
	}
}

// batch returns an empty batch that begins with carry.
func (l *lines) batch() *Batch {
	b := l.unused
	if l.unused = nil; b == nil {
		b = l.spare()
	}
	if want := max(l.size, l.maxLine+2, len(l.carry)); cap(b.memory) < want {
		b.memory = make([]byte, want)
	}
	*b = Batch{
		Stream: l.origin.Name, Position: event.FilePosition, Origin: l.origin, Base: l.offset,
		memory: b.memory[:cap(b.memory)], Lines: b.Lines[:0],
	}
	return b
}

// fill reads lines into b until it is full, the reader has no more, or enough has come for an eager reader. It reports
// whether more may be had by another call.
func (l *lines) fill(b *Batch) (more bool) {
	buf := b.memory
	n := copy(buf, l.carry)
	start, scan := 0, n
	if len(l.rest) > 0 { // lines may be in it
		m := copy(buf[n:], l.rest)
		l.rest = l.rest[m:]
		n += m
		start = l.split(b, buf[:n], start, scan)
		scan = n
	}
	for l.err == nil && l.long == nil && n < len(buf) && len(l.rest) == 0 {
		if l.eager != nil && len(b.Lines) > 0 && l.eager() {
			break
		}
		m, err := l.r.Read(buf[n:min(len(buf), n+readSize)])
		n, l.err = n+m, err
		start = l.split(b, buf[:n], start, scan)
		scan = n
	}
	return l.finish(b, buf[:n], start)
}

// finish ends a batch at start; what was read behind it is carried over to the next one.
func (l *lines) finish(b *Batch, buf []byte, start int) (more bool) {
	b.Buf = buf[:start]
	l.offset += int64(start)
	b.Next = journal.Mark{Offset: l.offset, Line: l.line}
	if l.long != nil {
		return true
	}
	l.carry = append(l.carry[:0], buf[start:]...)
	return l.err == nil || start > 0 || len(l.rest) > 0
}

// split adds the lines of buf that end behind scan to b, and returns where the first incomplete one starts. At a line
// that is too long it stops and sets long.
func (l *lines) split(b *Batch, buf []byte, start, scan int) int {
	if l.offset == 0 && start == 0 && l.line == 0 && bytes.HasPrefix(buf, byteOrderMark) {
		start = len(byteOrderMark)
		scan = max(scan, start)
	}
	for {
		i := bytes.IndexByte(buf[scan:], '\n')
		if i < 0 {
			break
		}
		end := scan + i
		if end-start > l.maxLine && !l.fits(buf[start:end]) {
			return l.beginLong(buf, start)
		}
		l.line++
		if x, ok := trim(buf, start, end); ok {
			b.Lines = append(b.Lines, Line{Start: start, End: x, Offset: l.line})
		}
		start, scan = end+1, end+1
	}
	if len(buf)-start > l.maxLine+1 {
		return l.beginLong(buf, start)
	}
	return start
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// fits reports whether a line fits without its carriage return.
func (l *lines) fits(line []byte) bool {
	return len(line) == l.maxLine+1 && line[len(line)-1] == '\r'
}

// trim returns where a line ends without its carriage return; ok is false if it is blank.
func trim(buf []byte, start, end int) (int, bool) {
	if end > start && buf[end-1] == '\r' {
		end--
	}
	if end > start && buf[start] > ' ' {
		return end, true
	}
	return end, !isBlank(buf[start:end])
}

func isBlank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// beginLong notes that the line at start is too long. All that was read from there on is worked off by skipLong.
func (l *lines) beginLong(buf []byte, start int) int {
	l.long = &cut{blank: true}
	l.rest = append(bytes.Clone(buf[start:]), l.rest...)
	l.carry = l.carry[:0]
	return start
}

// skipLong reads on to the end of a line that is too long, and returns its beginning as a batch, or nil if it was blank.
func (l *lines) skipLong() (*Batch, error) {
	for {
		for len(l.rest) > 0 {
			i := bytes.IndexByte(l.rest, '\n')
			if i < 0 {
				l.long.add(l.rest)
				l.rest = nil
				break
			}
			l.long.add(l.rest[:i])
			l.rest = l.rest[i+1:]
			return l.endLong(1), nil
		}
		if l.err != nil {
			err := l.err
			l.err = nil
			return nil, err
		}
		if cap(l.carry) < readSize {
			l.carry = make([]byte, 0, readSize)
		}
		n, err := l.r.Read(l.carry[:readSize])
		l.rest, l.err = l.carry[:n], err
	}
}

func (c *cut) add(part []byte) {
	c.size += int64(len(part))
	c.blank = c.blank && isBlank(part)
	c.kept = append(c.kept, part[:min(len(part), cutKept-len(c.kept))]...)
}

// endLong ends a line that is too long; end is how many bytes its line end has.
func (l *lines) endLong(end int64) *Batch {
	c := l.long
	l.long, l.carry = nil, nil // rest may lie in carry
	l.line++
	base := l.offset
	l.offset += c.size + end
	if c.blank {
		return nil
	}
	if n := len(c.kept); c.size == int64(n) && c.kept[n-1] == '\r' {
		c.kept = c.kept[:n-1]
	}
	return &Batch{
		Kind: journal.Cut, Stream: l.origin.Name, Position: event.FilePosition, Origin: l.origin, Base: base,
		Buf: c.kept, Lines: []Line{{Start: 0, End: len(c.kept), Offset: l.line}},
		Next: journal.Mark{Offset: l.offset, Line: l.line},
	}
}

// last returns what stood behind the last line end when the reader had no more, as a line; nil if that is nothing.
func (l *lines) last() *Batch {
	if l.long != nil {
		return l.endLong(0)
	}
	if len(l.carry) == 0 {
		return nil
	}
	if len(l.carry) > l.maxLine && !l.fits(l.carry) {
		l.long = &cut{blank: true}
		l.long.add(l.carry)
		return l.endLong(0)
	}
	b := l.batch()
	n := copy(b.memory, l.carry)
	l.carry = l.carry[:0]
	l.line++
	l.offset += int64(n)
	end, ok := trim(b.memory, 0, n)
	if !ok {
		l.unused = b
		return nil
	}
	b.Buf = b.memory[:n]
	b.Lines = append(b.Lines, Line{Start: 0, End: end, Offset: l.line})
	b.Next = journal.Mark{Offset: l.offset, Line: l.line}
	return b
}

// isEnd reports whether the reader has no more, for now or for ever.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
