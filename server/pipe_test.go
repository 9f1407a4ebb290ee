package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kelpie/engine"
	"kelpie/journal"
	"kelpie/source"
)

// pipes is a listener whose connections are in memory, so that a test may have its own time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9470} }

// ready is a service that works, and takes events.
type ready struct {
	Service
	refused int
}

func (*ready) Problems() ([]string, error)   { return nil, nil }
func (*ready) Remarks() []string             { return nil }
func (*ready) Phase() engine.Phase           { return engine.Running }
func (*ready) Figures() *engine.Figures      { return &engine.Figures{} }
func (*ready) Streams() []engine.InputStream { return nil }
func (r *ready) Refuse(_ context.Context, _ string, list []engine.Rejection) error {
	r.refused += len(list)
	return nil
}

// shelf takes posts: they are durable at once, or, when it holds them, whenever the test says.
type shelf struct {
	mu   sync.Mutex
	next int64
	held []*source.Post
	hold bool
	err  error // of Add
}

func (s *shelf) Add(_ context.Context, p *source.Post) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.hold {
		s.held = append(s.held, p)
		return nil
	}
	s.finish(p, nil)
	return nil
}

func (s *shelf) finish(p *source.Post, err error) {
	p.Done(journal.Appended{First: s.next, Time: time.Now().UnixMilli()}, err)
	if err == nil {
		s.next += int64(len(p.Lines))
	}
	p.Free()
}

// release ends the posts that are held.
func (s *shelf) release(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.held {
		s.finish(p, err)
	}
	s.held, s.hold = nil, false
}

// desk is a server on connections in memory.
type desk struct {
	t       *testing.T
	service ready
	shelf   shelf
	server  *Server
	pipes   *pipes
	end     func()
}

// newDesk serves until end is called.
func newDesk(t *testing.T, change func(*Spec)) *desk {
	return newDeskOf(t, func(o *Options) {
		if change != nil {
			change(&o.Spec)
		}
	})
}

// newDeskOf is newDesk with other options.
func newDeskOf(t *testing.T, change func(*Options)) *desk {
	d := &desk{t: t, pipes: newPipes()}
	o := Options{Spec: DefaultSpec(), Service: &d.service, Posts: &d.shelf}
	o.Spec.Dedupe = 0
	change(&o)
	var err error
	if d.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	d.server.listener = newLimited(d.pipes, o.Spec.Connections, &d.server.stats)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- d.server.Serve(ctx) }()
	d.end = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	synctest.Wait() // until it takes events
	return d
}

// dial connects.
func (d *desk) dial() net.Conn {
	client, server := net.Pipe()
	d.pipes.conns <- server
	return client
}

// say writes to a connection in the background, and returns what comes back until the connection ends, and after how long
// it did. What cannot be written is no matter: the server may have gone.
func (d *desk) say(c net.Conn, write func(io.Writer)) (answer string, took time.Duration) {
	began := time.Now()
	var writing sync.WaitGroup
	writing.Go(func() { write(c) })
	b, err := io.ReadAll(c)
	if err != nil {
		d.t.Error(err)
	}
	took = time.Since(began)
	if err := c.Close(); err != nil {
		d.t.Error(err)
	}
	writing.Wait()
	return string(b), took
}

// text writes a text at once.
func text(s string) func(io.Writer) {
	return func(w io.Writer) { _, _ = io.WriteString(w, s) }
}

// request is the text of a request with a body.
func request(body string, header ...string) string {
	return "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + strings.Join(header, "\r\n") +
		fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// status returns the status of the first answer in a text, 0 if there is none.
func status(answer string) int {
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	return r.StatusCode
}
