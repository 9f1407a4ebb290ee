package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"kelpie/engine"
	"kelpie/traffic"
)

// input is a stream of events, made before anything is timed.
type input struct {
	file  string
	data  []byte // JSON lines, mapped
	count int
}

// generate writes the events of c to a file of that name in the folder, unless it is there already.
func generate(dir, name string, c traffic.Config) (file string, err error) {
	file = filepath.Join(dir, name+".jsonl")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	g, err := traffic.New(c)
	if err != nil {
		return "", err
	}
	f, err := os.Create(file + ".part")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for ok := true; ok && err == nil; {
		if line, ok = g.Next(line[:0]); ok {
			_, err = w.Write(line)
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(file+".part", file)
	}
	if err != nil {
		return "", fmt.Errorf("write %q: %w", file, err)
	}
	return file, nil
}

// load makes the events of c and maps them.
func load(dir, name string, c traffic.Config) (*input, error) {
	file, err := generate(dir, name, c)
	if err != nil {
		return nil, err
	}
	data, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	return &input{file: file, data: data, count: bytes.Count(data, []byte{'\n'})}, nil
}

// lines gives an input out as batches, the way source.Files does: cut behind the last line end within batchSize.
type lines struct {
	data []byte
	at   int
	line int64 // of the last line given out
}

// batchSize is the size of the batches of source.Files.
const batchSize = 4 << 20

// next fills b with the next batch; false at the end.
func (l *lines) next(b *engine.Batch) bool {
	if l.at == len(l.data) {
		return false
	}
	end := min(l.at+batchSize, len(l.data))
	if end < len(l.data) {
		end = l.at + bytes.LastIndexByte(l.data[l.at:end], '\n') + 1
	}
	b.Buf, b.Lines = l.data[l.at:end], b.Lines[:0]
	for from := 0; from < len(b.Buf); {
		n := bytes.IndexByte(b.Buf[from:], '\n')
		l.line++
		b.Lines = append(b.Lines, engine.Line{Start: from, End: from + n, Offset: l.line})
		from += n + 1
	}
	l.at = end
	return true
}
