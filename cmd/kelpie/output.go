package main

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// output is a buffered file that is written, compressed if its name says so.
type output struct {
	*bufio.Writer
	compressor io.WriteCloser // nil: none
	file       *os.File
}

const outputBuffer = 256 << 10

// createOutput creates a file: zstd for .zst, gzip for .gz, else plain.
func createOutput(name string) (*output, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	o := &output{file: f}
	var w io.Writer = f
	switch {
	case strings.HasSuffix(name, ".zst"), strings.HasSuffix(name, ".zstd"):
		o.compressor, err = zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
	case strings.HasSuffix(name, ".gz"):
		o.compressor = gzip.NewWriter(f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if o.compressor != nil {
		w = o.compressor
	}
	o.Writer = bufio.NewWriterSize(w, outputBuffer)
	return o, nil
}

// Close writes what is left. The first error counts.
func (o *output) Close() error {
	err := o.Flush()
	if o.compressor != nil {
		if e := o.compressor.Close(); err == nil {
			err = e
		}
	}
	if e := o.file.Close(); err == nil {
		err = e
	}
	return err
}
