package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kelpie/journal"
)

// maxWindow is how much memory a zstd file may ask for: what the zstd command takes without being told to take more.
const maxWindow = 128 << 20

// input is one opened file.
type input struct {
	r      io.Reader // decompressed
	stream string
	ident  string
	from   journal.Mark // where r begins
	live   bool         // r may wait: lines are wanted as soon as they are there
	packed string       // "gzip", "zstd", or ""
	closes []func() error
}

func (in *input) close() (err error) {
	for i := len(in.closes) - 1; i >= 0; i-- {
		err = errors.Join(err, in.closes[i]())
	}
	return err
}

// explain puts what decompression says into words.
func (in *input) explain(err error) error {
	switch {
	case in.packed == "":
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s data ends in the middle: %w", in.packed, err)
	}
	return fmt.Errorf("the %s data is damaged: %w", in.packed, err)
}

// openFile opens a file; if it is still the one that saved is about it goes on from there.
func openFile(ctx context.Context, name string, saved *journal.Progress) (*input, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in := &input{stream: name, closes: []func() error{file.Close}}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		in.live = true
		err = in.decompress(newWaiter(ctx, file, in))
	} else if err == nil {
		err = in.resume(ctx, file, info, saved)
	}
	if err != nil {
		return nil, errors.Join(err, in.close())
	}
	return in, nil
}

// resume finds out which file it is and goes to where reading is to begin.
func (in *input) resume(ctx context.Context, file *os.File, info os.FileInfo, saved *journal.Progress) error {
	id, err := identify(file, info)
	if err != nil {
		return err
	}
	in.ident = id.String()
	goOn := false
	if saved != nil {
		if goOn, err = sameFile(file, info, saved.Ident); err != nil {
			return err
		}
	}
	if err := in.decompress(contextReader{ctx, file}); err != nil || !goOn {
		return err
	}
	in.from = saved.Mark
	if in.packed == "" {
		if info.Size() < in.from.Offset { // it is shorter now: not what was read
			in.from = journal.Mark{}
			return nil
		}
		_, err := file.Seek(in.from.Offset, io.SeekStart)
		in.r = contextReader{ctx, file}
		return err
	}
	if _, err := io.CopyN(io.Discard, in.r, in.from.Offset); err != nil && !isEnd(err) {
		return in.explain(err)
	}
	return nil
}

// openStream opens what has no name.
func openStream(ctx context.Context, r io.Reader) (*input, error) {
	in := &input{stream: stdinStream, live: true}
	if file, ok := r.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			in.live = false
		} else {
			r = newWaiter(ctx, file, in)
		}
	}
	if err := in.decompress(contextReader{ctx, r}); err != nil {
		return nil, errors.Join(err, in.close())
	}
	return in, nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// decompress makes in.r of r, by what it begins with.
func (in *input) decompress(r io.Reader) error {
	head := make([]byte, len(zstdMagic))
	n, err := io.ReadFull(r, head)
	if err != nil && !isEnd(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	in.r = io.MultiReader(bytes.NewReader(head[:n]), r)
	switch head = head[:n]; {
	case bytes.HasPrefix(head, gzipMagic):
		in.packed = "gzip"
		z, err := gzip.NewReader(bufio.NewReaderSize(in.r, readSize))
		if err != nil {
			return in.explain(err)
		}
		in.r = z
	case bytes.Equal(head, zstdMagic):
		in.packed = "zstd"
		z, err := zstd.NewReader(in.r, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return in.explain(err)
		}
		in.closes = append(in.closes, func() error { z.Close(); return nil })
		in.r = z
	}
	return nil
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
