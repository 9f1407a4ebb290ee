package backtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// Files is a History of JSON lines, one file after the other. What is compressed with gzip or zstd is recognised by its
// content.
type Files struct {
	names []string
	shown map[string]string // the name of a file in positions
	max   int               // bytes of a line
	src   *source.Files
	last  *source.Batch // to be released

	current string // the file that is being read
	begun   bool
	part    Part
	total   int64
}

// OpenFiles opens files as a History, to be read in the order given; source.Stdin is standard input. In positions a file
// has its base name, or, where several have the same one, the name as given.
func OpenFiles(names []string, stdin io.Reader, spec event.Spec) (*Files, error) {
	f := &Files{names: names, shown: map[string]string{}, max: spec.WithDefaults().MaxSize, total: sizes(names)}
	bases := map[string]int{}
	for _, n := range names {
		bases[filepath.Base(n)]++
	}
	for _, n := range names {
		if f.shown[n] = n; bases[filepath.Base(n)] == 1 {
			f.shown[n] = filepath.Base(n)
		}
	}
	var err error
	f.src, err = source.OpenFiles(source.FilesOptions{Names: names, Stdin: stdin, MaxLine: f.max})
	return f, err
}

// sizes returns how many bytes files have together, 0 if that is not known.
func sizes(names []string) (n int64) {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		n += info.Size()
	}
	return n
}

// Names implements History.
func (f *Files) Names() []string { return f.names }

// Total implements History.
func (f *Files) Total() int64 { return f.total }

// Close implements History.
func (f *Files) Close() error { return f.src.Close() }

// Next implements History.
func (f *Files) Next(ctx context.Context) (*Part, error) {
	if f.last != nil {
		f.src.Release(f.last)
		f.last = nil
	}
	b, err := f.src.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	f.last = b
	p := &f.part
	*p = Part{Buf: b.Buf, Bytes: b.Next.Offset - b.Base, Lines: p.Lines[:0]}
	if f.begun && f.current != b.Stream { // of one that has been read no more is waited for
		p.Idle = append(p.Idle, f.position(f.current))
	}
	f.current, f.begun = b.Stream, true
	p.Partition = f.position(b.Stream)
	if b.Kind == journal.Cut {
		p.Rejected = append(p.Rejected, f.tooLong(b))
		return p, nil
	}
	for _, l := range b.Lines {
		p.Lines = append(p.Lines, engine.Line{Start: l.Start, End: l.End, Offset: l.Offset})
	}
	return p, nil
}

func (f *Files) position(stream string) event.Position {
	if name, ok := f.shown[stream]; ok {
		stream = name
	}
	return event.Position{Stream: stream, Kind: event.FilePosition}
}

// tooLong refuses the line of which a batch is the beginning.
func (f *Files) tooLong(b *source.Batch) engine.Rejection {
	p := f.position(b.Stream)
	p.Offset = b.Lines[0].Offset
	return engine.Rejection{
		Position: p, Reason: event.TooLong, Offset: f.max, Raw: append([]byte(nil), b.Record(0)...),
		Detail: fmt.Sprintf("more than the %d bytes that are taken; only the beginning is kept", f.max),
	}
}
