package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"kelpie/journal"
)

// FollowOptions say what Follow reads.
type FollowOptions struct {
	Name      string
	MaxLine   int           // bytes that a line may have; default 1 MiB
	BatchSize int           // bytes of a batch; default 4 MiB
	Poll      time.Duration // how often to look without being notified; default 1 s
	NoNotify  bool          // only look every Poll: for file systems that do not notify
	Log       *slog.Logger  // nil discards

	// Resume is how far the file has been read, by what is in the log; nil: all is read. If that file has been renamed
	// since, the rest of it is read first, and so are those renamed after it.
	Resume *journal.Progress
}

// Follow reads a file that grows, and never ends. A line is returned when its line end has been written.
//
// When the file is renamed and a new one made in its place, the old one is read to its end as soon as the new one has
// something in it, then the new one from its beginning; its lines count from 1 again. When the file is cut short
// (copied away and truncated) it is read from its beginning; what nobody had read by then is in the copy only.
type Follow struct {
	feed
	o       FollowOptions
	watcher watcher
	cur     followed
}

// followed is the file that is being read.
type followed struct {
	file  *os.File
	info  os.FileInfo // when it was opened
	head  []byte      // its first bytes, as many as there were when it was looked at last, at most identLength
	lines *lines
	read  int64 // bytes taken from file
}

// Read implements io.Reader.
func (c *followed) Read(p []byte) (int, error) {
	n, err := c.file.ReadAt(p, c.read)
	c.read += int64(n)
	return n, err
}

// OpenFollow opens a source of a growing file, which need not be there yet.
func OpenFollow(o FollowOptions) (*Follow, error) {
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	if o.BatchSize <= 0 {
		o.BatchSize = defaultBatch
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if info, err := os.Stat(o.Name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("source: follow %q: it is not a plain file", o.Name)
	}
	f := &Follow{o: o}
	f.watcher.open(filepath.Dir(o.Name), o)
	f.init(f.run)
	return f, nil
}

// Close implements Source.
func (f *Follow) Close() error {
	f.stop()
	err := f.watcher.close()
	if f.cur.file != nil {
		err = errors.Join(err, f.cur.file.Close())
		f.cur = followed{}
	}
	if err != nil {
		return fmt.Errorf("source: close %q: %w", f.o.Name, err)
	}
	return nil
}

// run is the reading goroutine.
func (f *Follow) run() error {
	if err := f.start(); err != nil {
		return fmt.Errorf("source: follow %q: %w", f.o.Name, err)
	}
	for {
		idle, err := f.step()
		if f.ctx.Err() != nil {
			return f.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("source: follow %q behind line %d: %w", f.o.Name, f.line(), err)
		}
		if idle {
			if err := f.watcher.wait(f.ctx); err != nil {
				return err
			}
		}
	}
}

func (f *Follow) line() int64 {
	if f.cur.lines == nil {
		return 0
	}
	return f.cur.lines.line
}

// step sends what has been written since, or goes on to another file. It reports whether there was nothing to do.
func (f *Follow) step() (idle bool, err error) {
	if f.cur.file == nil {
		return f.openNew()
	}
	b, err := f.cur.lines.next()
	if err != nil && !isEnd(err) {
		return false, err
	}
	again, err := f.rewritten()
	if err != nil {
		return false, err
	}
	if again { // what has just been read may be neither of the old nor of the new file
		f.o.Log.Info("source: the file was cut short, reading it from its beginning", "file", f.o.Name)
		return false, f.begin(f.cur.file, journal.Mark{})
	}
	if b != nil {
		return false, f.send(f.named(b))
	}
	return f.rotate()
}

// named gives a batch the name that the file has by what is known of its first bytes by now.
func (f *Follow) named(b *Batch) *Batch {
	b.Origin.Ident = f.cur.lines.origin.Ident
	return b
}

// openNew opens the file if it is there by now.
func (f *Follow) openNew() (idle bool, err error) {
	file, err := os.Open(f.o.Name)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, f.begin(file, journal.Mark{})
}

// begin reads file from a mark on.
func (f *Follow) begin(file *os.File, from journal.Mark) error {
	if old := f.cur.file; old != nil && old != file {
		f.cur = followed{}
		if err := old.Close(); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	info, err := file.Stat()
	if err != nil {
		f.cur = followed{}
		return errors.Join(err, file.Close())
	}
	f.cur = followed{file: file, info: info, read: from.Offset}
	f.cur.lines = &lines{
		r: &f.cur, origin: journal.Source{Name: f.o.Name}, maxLine: f.o.MaxLine, size: f.o.BatchSize,
		spare: f.spare, eager: f.hungry, offset: from.Offset, line: from.Line,
	}
	_, err = f.rewritten()
	if err == nil && (bytes.HasPrefix(f.cur.head, gzipMagic) || bytes.HasPrefix(f.cur.head, zstdMagic)) {
		err = errors.New("it is compressed; a growing file must not be")
	}
	return err
}

// rewritten reports whether the file no longer is what has been read: it is shorter, or begins in another way. Otherwise
// it learns more of how the file begins.
func (f *Follow) rewritten() (bool, error) {
	c := &f.cur
	info, err := c.file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < c.read {
		return true, nil
	}
	head, err := readHead(c.file, identLength)
	if err != nil {
		return false, err
	}
	if !bytes.HasPrefix(head, c.head) {
		return true, nil
	}
	if c.head == nil || len(head) > len(c.head) {
		id, err := identify(bytes.NewReader(head), c.info)
		if err != nil {
			return false, err
		}
		c.head, c.lines.origin.Ident = head, id.String()
	}
	return false, nil
}

// rotate goes on to the file that was made in the place of the one that is being read, which has been read to its end
// for now. It reports whether there is none.
func (f *Follow) rotate() (idle bool, err error) {
	next, err := f.successor()
	if err != nil || next == "" {
		return true, err
	}
	// The old file may have grown before the new one was made.
	if info, err := f.cur.file.Stat(); err != nil || info.Size() > f.cur.read {
		return false, err
	}
	if b := f.cur.lines.last(); b != nil {
		if err := f.send(f.named(b)); err != nil {
			return false, err
		}
	}
	file, err := os.Open(next)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil // it was renamed this very moment
	}
	if err != nil {
		return false, err
	}
	f.o.Log.Info("source: the file was rotated", "file", f.o.Name, "lines", f.line(), "next", next)
	return false, f.begin(file, journal.Mark{})
}

// start opens the file that was being read when the service stopped, if it can be found.
func (f *Follow) start() error {
	p := f.o.Resume
	if p == nil || p.Ident == "" {
		return nil
	}
	for _, name := range append([]string{f.o.Name}, f.siblings()...) {
		file, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		info, err := file.Stat()
		same := false
		if err == nil && info.Size() >= p.Mark.Offset {
			same, err = sameFile(file, info, p.Ident)
		}
		if err == nil && same {
			return f.begin(file, p.Mark)
		}
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	f.o.Log.Warn("source: the file that was read last is gone; reading from the beginning of the one that is there",
		"file", f.o.Name, "line", p.Mark.Line)
	return nil
}

var _ io.Reader = (*followed)(nil)
