package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// reading folds files of events in an order that depends on nothing but the files: one after the other, or side by side.
type reading struct {
	names []string // as given
	stdin io.Reader
	spec  event.Spec

	engine *engine.Engine
	take   func(*engine.Effects) error // is given what each step has brought about
	pause  func() error                // is called when no more may come for a while
	size   int                         // lines of a step; 0: as many as come at once

	shown         map[string]string // the name of a source's stream in positions
	lines         []engine.Line
	bytes, events int64 // read so far
}

// newReading checks the names of the files.
func newReading(names []string, stdin io.Reader, spec event.Spec) (*reading, error) {
	if len(names) == 0 {
		return nil, errors.New("--events FILE: name the events, - for standard input")
	}
	r := &reading{names: names, stdin: stdin, spec: spec.WithDefaults(), shown: map[string]string{}}
	bases := map[string]int{}
	for _, n := range names {
		bases[filepath.Base(n)]++
	}
	seen := map[string]bool{}
	for _, n := range names {
		if clean := filepath.Clean(n); seen[clean] {
			return nil, fmt.Errorf("--events: %s is named twice", n)
		} else {
			seen[clean] = true
		}
		if r.shown[n] = n; bases[filepath.Base(n)] == 1 {
			r.shown[n] = filepath.Base(n)
		}
	}
	return r, nil
}

// total returns how many bytes there are to read, 0 if that is not known.
func (r *reading) total() (n int64) {
	for _, name := range r.names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst") {
			return 0
		}
		n += info.Size()
	}
	return n
}

func (r *reading) open(names ...string) (*source.Files, error) {
	return source.OpenFiles(source.FilesOptions{Names: names, Stdin: r.stdin, MaxLine: r.spec.MaxSize})
}

// partition returns the number of a stream.
func (r *reading) partition(stream string) int {
	return r.engine.Partition(r.position(stream))
}

func (r *reading) position(stream string) event.Position {
	if name, ok := r.shown[stream]; ok {
		stream = name
	}
	return event.Position{Stream: stream, Kind: event.FilePosition}
}

// inTurn folds the files as one partition, one after the other. To the engine each is a partition, because positions
// name it; of one that has been read it does not wait for more.
func (r *reading) inTurn(ctx context.Context) error {
	src, err := r.open(r.names...)
	if err != nil {
		return err
	}
	defer src.Close()
	current, stream := -1, ""
	for {
		b, err := src.Fetch(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if current < 0 || b.Stream != stream {
			if current >= 0 {
				r.engine.Idle(current)
			}
			current, stream = r.partition(b.Stream), b.Stream
		}
		if err := r.fold(ctx, current, b, b.Lines); err != nil {
			return err
		}
		r.bytes += b.Next.Offset - b.Base
		few := len(b.Buf) < liveBatch
		src.Release(b)
		if few {
			if err := r.pause(); err != nil {
				return err
			}
		}
	}
}

// liveBatch is the size in bytes of batches below which the events may be such as come one by one.
const liveBatch = 64 << 10

// fold folds lines of a batch.
func (r *reading) fold(ctx context.Context, partition int, b *source.Batch, lines []source.Line) error {
	r.events += int64(len(lines))
	if b.Kind == journal.Cut {
		return r.take(&engine.Effects{Rejected: []engine.Rejection{r.tooLong(b)}})
	}
	for len(lines) > 0 {
		n := len(lines)
		if r.size > 0 {
			n = min(n, r.size)
		}
		from, to := lines[0].Start, lines[n-1].End // the engine may keep a copy
		r.lines = r.lines[:0]
		for _, l := range lines[:n] {
			r.lines = append(r.lines, engine.Line{Start: l.Start - from, End: l.End - from, Offset: l.Offset})
		}
		lines = lines[n:]
		fx, err := r.engine.Step(&engine.Batch{Partition: partition, Buf: b.Buf[from:to], Lines: r.lines})
		if err == nil {
			err = r.take(fx)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tooLong refuses the line of which a batch is the beginning.
func (r *reading) tooLong(b *source.Batch) engine.Rejection {
	p := r.position(b.Stream)
	p.Offset = b.Lines[0].Offset
	return engine.Rejection{
		Position: p, Reason: event.TooLong, Offset: r.spec.MaxSize, Raw: append([]byte(nil), b.Record(0)...),
		Detail: fmt.Sprintf("more than the %d bytes that are taken; only the beginning is kept", r.spec.MaxSize),
	}
}
