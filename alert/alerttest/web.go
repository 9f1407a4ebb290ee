package alerttest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Web is a server on this machine that a test steers.
type Web struct {
	*httptest.Server
	Reached chan struct{} // gets a value when a request has reached a server that hangs

	mu     sync.Mutex
	answer Answer
	over   chan struct{}
	end    sync.Once
}

// NewWeb starts a server, over TLS if asked. What it accepts it hands to take, with its body; other requests it answers
// by fail.
func NewWeb(t *testing.T, secure bool, take func(w http.ResponseWriter, r *http.Request, body []byte), fail func(w http.ResponseWriter, r *http.Request, a Answer)) *Web {
	w := &Web{Reached: make(chan struct{}, 1000), over: make(chan struct{})}
	handler := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		switch a := w.now(); a {
		case Accept:
			take(out, r, body)
		case Hang:
			w.Reached <- struct{}{}
			select {
			case <-r.Context().Done():
			case <-w.over:
			}
		default:
			fail(out, r, a)
		}
	})
	w.Server = httptest.NewUnstartedServer(handler)
	if secure {
		w.StartTLS()
	} else {
		w.Start()
	}
	t.Cleanup(func() {
		w.Release()
		w.Close()
	})
	return w
}

// Release ends the requests that hang.
func (w *Web) Release() { w.end.Do(func() { close(w.over) }) }

// Answer says how the server answers from now on.
func (w *Web) Answer(a Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = a
}

func (w *Web) now() Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answer
}
