package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"kelpie/engine"
	"kelpie/traffic"
)

// input is a stream of events that was made before anything is timed.
type input struct {
	data  []byte // JSON lines
	count int
	size  int // bytes mapped
	unmap func() error
}

// load returns the events of c, from a file of that name in the folder, which is made if it is not there.
func load(dir, name string, c traffic.Config) (*input, error) {
	file := filepath.Join(dir, name+".jsonl")
	if _, err := os.Stat(file); err == nil {
		return loadFile(file)
	}
	g, err := traffic.New(c)
	if err != nil {
		return nil, err
	}
	return loadNext(dir, name, g, c.Events)
}

// loadNext returns the next n events of a generator, by way of a file of that name in the folder.
func loadNext(dir, name string, g *traffic.Generator, n int64) (*input, error) {
	file := filepath.Join(dir, name+".jsonl")
	if err := generate(file, g, n); err != nil {
		return nil, fmt.Errorf("generate %q: %w", file, err)
	}
	return loadFile(file)
}

func loadFile(file string) (*input, error) {
	data, unmap, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	// Counting brings every page in, so that no sample waits for the disk.
	return &input{data, bytes.Count(data, []byte{'\n'}), len(data), unmap}, nil
}

// generate writes a file, which is either there as a whole or not at all.
func generate(file string, g *traffic.Generator, n int64) error {
	part := file + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for range n {
		line, _ = g.Next(line[:0])
		if _, err = w.Write(line); err != nil {
			break
		}
	}
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, file)
}

// cutter gives lines out as batches, the way source.Files does: cut behind the last line end within batchSize.
type cutter struct {
	data []byte
	at   int
	line int64 // number of the last line given out; from 1
}

// batchSize is the size of the batches of source.Files.
const batchSize = 4 << 20

// next fills b with the next batch; false at the end.
func (c *cutter) next(b *engine.Batch) bool {
	if c.at == len(c.data) {
		return false
	}
	end := min(c.at+batchSize, len(c.data))
	if end < len(c.data) {
		end = c.at + bytes.LastIndexByte(c.data[c.at:end], '\n') + 1
	}
	b.Buf, b.Lines = c.data[c.at:end], b.Lines[:0]
	for from := 0; from < len(b.Buf); {
		n := bytes.IndexByte(b.Buf[from:], '\n')
		c.line++
		b.Lines = append(b.Lines, engine.Line{Start: from, End: from + n, Offset: c.line})
		from += n + 1
	}
	c.at = end
	return true
}

// feed cuts lines into batches in a goroutine of its own, a little ahead, as sources do.
type feed struct {
	full, free chan *engine.Batch
	quit       chan struct{}
}

const readAhead = 2

// newFeed begins to cut data, whose first line has the number behind after.
func newFeed(data []byte, after int64) *feed {
	f := &feed{make(chan *engine.Batch, readAhead), make(chan *engine.Batch, readAhead+2), make(chan struct{})}
	for range cap(f.free) {
		f.free <- &engine.Batch{}
	}
	go func() {
		defer close(f.full)
		c := cutter{data: data, line: after}
		for b := range f.free {
			if !c.next(b) {
				return
			}
			select {
			case f.full <- b:
			case <-f.quit:
				return
			}
		}
	}()
	return f
}

// each calls f with every batch and ends the feed.
func (f *feed) each(do func(b *engine.Batch) error) error {
	defer close(f.quit)
	for b := range f.full {
		if err := do(b); err != nil {
			return err
		}
		f.free <- b
	}
	return nil
}

// first returns the first n events of an input, which it shares.
func (in *input) first(n int64) *input {
	end := 0
	count := 0
	for ; int64(count) < n && end < len(in.data); count++ {
		end += bytes.IndexByte(in.data[end:], '\n') + 1
	}
	return &input{data: in.data[:end], count: count, size: in.size, unmap: func() error { return nil }}
}
