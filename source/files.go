package source

import (
	"errors"
	"fmt"
	"io"
	"os"

	"kelpie/journal"
)

// Stdin is the name that stands for standard input among the names of files; its records' positions say "stdin".
const Stdin = "-"

const stdinStream = "stdin"

// FilesOptions say what Files reads.
type FilesOptions struct {
	Names     []string  // in the order in which they are read; Stdin is standard input
	Stdin     io.Reader // nil is os.Stdin. A reader that waits for ever keeps Close waiting, os.Stdin does not
	MaxLine   int       // bytes that a line may have; default 1 MiB
	BatchSize int       // bytes of a batch; default 4 MiB

	// Resume says how far a file of that name has been read, by what is in the log (journal.Log.Progress). If the file is
	// still the same one, reading goes on there. nil: all is read.
	Resume func(name string) (journal.Progress, bool)
}

// Files reads JSON lines from files, one after the other. What is compressed with gzip or zstd is recognised by its
// content.
type Files struct {
	feed
	o FilesOptions
}

// OpenFiles opens a source of files. That one of them is not there, or is a folder, is said at once; whether it can be
// read to its end, when it is its turn.
func OpenFiles(o FilesOptions) (*Files, error) {
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	if o.BatchSize <= 0 {
		o.BatchSize = defaultBatch
	}
	for _, name := range o.Names {
		if name == Stdin {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		if info.IsDir() {
			return nil, fmt.Errorf("source: %q is a folder, not a file", name)
		}
	}
	f := &Files{o: o}
	f.init(f.read)
	return f, nil
}

// Close implements Source.
func (f *Files) Close() error {
	f.stop()
	return nil
}

// read is the reading goroutine.
func (f *Files) read() error {
	for _, name := range f.o.Names {
		if err := f.readFile(name); err != nil {
			return err
		}
	}
	return io.EOF
}

// readFile sends all of one file.
func (f *Files) readFile(name string) (err error) {
	in, err := f.open(name)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer func() { err = errors.Join(err, in.close()) }()
	l := &lines{
		r: in.r, origin: journal.Source{Name: in.stream, Ident: in.ident}, maxLine: f.o.MaxLine, size: f.o.BatchSize,
		spare: f.spare, offset: in.from.Offset, line: in.from.Line,
	}
	if in.live {
		l.eager = f.hungry
	}
	for {
		b, err := l.next()
		if isEnd(err) {
			if b = l.last(); b == nil {
				return nil
			}
			return f.send(b)
		}
		if err != nil {
			if f.ctx.Err() != nil {
				return f.ctx.Err()
			}
			return fmt.Errorf("source: read %q behind line %d: %w", in.stream, l.line, in.explain(err))
		}
		if err := f.send(b); err != nil {
			return err
		}
	}
}

// open opens a file, or standard input, and goes to where reading is to begin.
func (f *Files) open(name string) (*input, error) {
	var saved *journal.Progress
	if f.o.Resume != nil {
		if p, ok := f.o.Resume(name); ok {
			saved = &p
		}
	}
	if name != Stdin {
		return openFile(f.ctx, name, saved)
	}
	r := f.o.Stdin
	if r == nil {
		r = os.Stdin
	}
	return openStream(f.ctx, r)
}
