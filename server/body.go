package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kelpie/source"
)

// How slowly a body may come: bodyGrace, and at bodyRate beyond it.
const (
	bodyGrace = 10 * time.Second
	bodyRate  = 16 << 10 // bytes a second
)

// body is what a request brought, unpacked, and what was found in it. It is charged to the server's budget until all that
// hold it have released it; then its memory is used again.
type body struct {
	b       []byte
	items   []item
	results []result
	lines   []source.Line // of the post
	charged int64
	server  *Server
	holders atomic.Int32
	in      paced
	first   []byte // the memory that small ones are read to: it stays with the body
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// firstBuffer is the least that a body takes, bytes.
const firstBuffer = 4 << 10

// buffers are those of bodies that take more.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// readBody reads the body of a request.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) (*body, *Problem) {
	most := s.o.Spec.MaxBody
	if r.ContentLength > most {
		return nil, s.tooLarge()
	}
	b := bodies.Get().(*body)
	b.server = s
	b.holders.Store(1)
	b.in = paced{r: r.Body, rc: controller(w), now: s.o.Now, began: s.o.Now(), most: most}
	plain, done, p := unpack(&b.in, r.Header["Content-Encoding"])
	if p == nil {
		defer done()
		p = b.read(plain, max(r.ContentLength, 0)+1)
	}
	if p != nil {
		b.release()
		return nil, p
	}
	b.in.end()
	return b, nil
}

// controller returns what sets the deadlines of a request.
func controller(w http.ResponseWriter) *http.ResponseController {
	if a, ok := w.(*answer); ok {
		return a.rc
	}
	return http.NewResponseController(w)
}

// read reads to the end. most likely there are so many bytes.
func (b *body) read(in io.Reader, likely int64) *Problem {
	most := b.server.o.Spec.MaxBody
	if p := b.grow(min(likely, 64<<10)); p != nil {
		return p
	}
	for {
		n, err := in.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		switch {
		case int64(len(b.b)) > most:
			return b.server.tooLarge()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return b.server.unreadable(err)
		}
		if len(b.b) == cap(b.b) {
			size := int64(cap(b.b)) // what is announced is believed in part: it has to come first
			if p := b.grow(min(max(2*size, min(8*size, likely)), most+1)); p != nil {
				return p
			}
		}
	}
}

// grow makes room for n bytes, if the budget has it.
func (b *body) grow(n int64) *Problem {
	next := b.buffer(n)
	more := int64(cap(next)) - b.charged
	if !b.server.memory.take(more) {
		return problem(http.StatusServiceUnavailable, "memory", "Too much at once",
			"the bodies that are being worked on take all of http.memory").after(time.Second)
	}
	b.charged += more
	old := b.b
	b.b = append(next[:0], old...)
	recycle(old)
	return nil
}

// buffer returns memory for n bytes.
func (b *body) buffer(n int64) []byte {
	if n <= firstBuffer {
		if b.first == nil {
			b.first = make([]byte, 0, firstBuffer)
		}
		return b.first
	}
	next := *buffers.Get().(*[]byte)
	if int64(cap(next)) < n {
		next = make([]byte, 0, n)
	}
	return next
}

// hold asks for one more release.
func (b *body) hold() { b.holders.Add(1) }

// release gives the memory back, if nobody else holds it.
func (b *body) release() {
	if b.holders.Add(-1) > 0 {
		return
	}
	b.server.memory.give(b.charged)
	recycle(b.b)
	clear(b.results) // they refer to claims
	*b = body{items: b.items[:0], results: b.results[:0], lines: b.lines[:0], first: b.first}
	bodies.Put(b)
}

// recycle keeps a buffer for the next body that takes as much.
func recycle(b []byte) {
	if cap(b) > firstBuffer {
		b = b[:0]
		buffers.Put(&b)
	}
}

func (s *Server) tooLarge() *Problem {
	return problem(http.StatusRequestEntityTooLarge, "too-large", "Too large",
		"a body has at most %d bytes, also when it is unpacked (http.max_body): send fewer events at once", s.o.Spec.MaxBody).hangUp()
}

// unreadable says why a body could not be read to its end.
func (s *Server) unreadable(err error) *Problem {
	var packing *packingError
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLarge):
		return s.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return problem(http.StatusRequestTimeout, "too-slow", "Too slow",
			"a body must come within %v, or at %d bytes a second", bodyGrace, bodyRate).hangUp()
	case errors.As(err, &packing):
		return problem(http.StatusBadRequest, "encoding", "The body cannot be unpacked", "%v", packing).hangUp()
	}
	return problem(http.StatusBadRequest, "body", "The body cannot be read", "%v", err).hangUp()
}

// errTooLarge says that a body is longer than it may be.
var errTooLarge = errors.New("the body is too large")

// paced reads a body of at most so many bytes, whose deadline moves with what comes. The first one is the server's.
type paced struct {
	r     io.Reader
	rc    *http.ResponseController
	now   func() time.Time
	began time.Time
	most  int64
	n     int64
	set   time.Time // when the deadline was moved last
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if p.n += int64(n); p.n > p.most {
		return n, errTooLarge
	}
	if now := p.now(); err == nil && now.Sub(p.set) > time.Second && now.Sub(p.began) > time.Second {
		p.set = now
		_ = p.rc.SetReadDeadline(p.began.Add(bodyGrace + time.Duration(p.n)*time.Second/bodyRate)) // where there are no deadlines there is no network
	}
	return n, err
}

// end notes that nothing more is to come: the caller waits now, and must not be taken for gone when the deadline comes.
// After a body that came at once the server's deadline is far away.
func (p *paced) end() {
	if p.now().Sub(p.began) > time.Second {
		_ = p.rc.SetReadDeadline(time.Time{})
	}
	*p = paced{}
}

// encodings is what Content-Encoding may be.
const encodings = "gzip, zstd"

// unpack returns a reader of what is in a body, to be ended with done.
func unpack(in io.Reader, encoding []string) (plain io.Reader, done func(), p *Problem) {
	switch name := strings.ToLower(strings.Join(encoding, ",")); name {
	case "", "identity":
		return in, func() {}, nil
	case "gzip", "x-gzip":
		z := gzips.Get().(*gzip.Reader)
		return &unpacked{name: "gzip", begin: func() error { return z.Reset(in) }, r: z}, func() { gzips.Put(z) }, nil
	case "zstd":
		z := zstds.Get().(*zstd.Decoder)
		done := func() {
			_ = z.Reset(nil) // forgets the body, and cannot fail
			zstds.Put(z)
		}
		return &unpacked{name: "zstd", begin: func() error { return z.Reset(in) }, r: z}, done, nil
	default:
		return nil, nil, problem(http.StatusUnsupportedMediaType, "encoding", "Unknown Content-Encoding",
			"%q is not known: there are %s", name, encodings).with("Accept-Encoding", encodings).hangUp()
	}
}

// zstdWindow is the most that a zstd body may ask to look back, bytes.
const zstdWindow = 8 << 20

var (
	gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstds = sync.Pool{New: func() any {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			panic("BUG: " + err.Error())
		}
		return z
	}}
)

// packingError says that what was packed cannot be unpacked.
type packingError struct {
	name string
	err  error
}

// Error implements error.
func (e *packingError) Error() string { return "this is not " + e.name + ": " + e.err.Error() }

// Unwrap returns what was wrong.
func (e *packingError) Unwrap() error { return e.err }

// unpacked tells errors of unpacking from those of reading.
type unpacked struct {
	name  string
	begin func() error
	r     io.Reader
}

// Read implements io.Reader.
func (u *unpacked) Read(b []byte) (n int, err error) {
	if u.begin != nil {
		begin := u.begin
		u.begin = nil
		err = begin()
	}
	if err == nil {
		n, err = u.r.Read(b)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &packingError{u.name, err}
	}
	return n, err
}
