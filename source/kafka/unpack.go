package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// errTooLarge says that a compressed batch is larger than the settings allow.
var errTooLarge = errors.New("unpacked it is larger than fetch.batch allows")

const zstdCode = int8(compress.Zstd)

// unpacker unpacks the records of batches. It is for one goroutine.
type unpacker struct {
	most int // bytes that one batch may become
	zstd *zstd.Decoder
	in   bytes.Reader
}

// unpack adds the unpacked bytes to dst.
func (u *unpacker) unpack(dst []byte, code int8, packed []byte) ([]byte, error) {
	if code == zstdCode {
		return u.unpackZstd(dst, packed)
	}
	codec := compress.Compression(code).Codec()
	if codec == nil {
		return dst, fmt.Errorf("compression %d is none that there is", code)
	}
	u.in.Reset(packed)
	r := codec.NewReader(&u.in)
	dst, err := readInto(dst, r, u.most)
	return dst, errors.Join(err, r.Close())
}

// readInto adds what r reads to dst, most bytes of it at most.
func readInto(dst []byte, r io.Reader, most int) ([]byte, error) {
	start := len(dst)
	for {
		if len(dst)-start > most {
			return dst, errTooLarge
		}
		if cap(dst)-len(dst) < 512 {
			dst = append(dst, make([]byte, max(len(dst), 64<<10))...)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// largestWindow is what zstd may look back at most, bytes: encoders declare it whatever they pack.
const largestWindow = 64 << 20

func (u *unpacker) unpackZstd(dst, packed []byte) ([]byte, error) {
	if u.zstd == nil { // a window that is larger than the limit is refused, whatever is in it
		limit := uint64(max(u.most, largestWindow))
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(limit), zstd.WithDecoderLowmem(true))
		if err != nil {
			return dst, err
		}
		u.zstd = d
	}
	out, err := u.zstd.DecodeAll(packed, dst)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return dst, errTooLarge
	case err != nil:
		return dst, err
	case len(out)-len(dst) > u.most:
		return dst, errTooLarge
	}
	return out, nil
}

func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}
