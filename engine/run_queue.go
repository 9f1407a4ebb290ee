package engine

import (
	"slices"
	"sync"
)

const (
	requestsAhead    = 2    // batches of requests that are on their way to the log at once: one is being synced, one is there when that is done
	requestsMost     = 1024 // requests that one batch holds at most
	requestBytesMost = 1 << 20
)

// requestQueue holds the requests that the intake has not taken. Those who ask put in and wait for an answer; so as many
// are in it as there are callers.
type requestQueue struct {
	mu   sync.Mutex
	list []*request
	work chan struct{} // holds a token when there may be something to take
}

func newRequestQueue() *requestQueue { return &requestQueue{work: make(chan struct{}, 1)} }

// wake lets the intake look at the queue.
func (q *requestQueue) wake() {
	select {
	case q.work <- struct{}{}:
	default:
	}
}

func (q *requestQueue) add(r *request) {
	q.mu.Lock()
	q.list = append(q.list, r)
	q.mu.Unlock()
	q.wake()
}

// withdraw takes a request out again. It reports false if the intake has it.
func (q *requestQueue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.list, r)
	if i >= 0 {
		q.list = slices.Delete(q.list, i, i+1)
	}
	return i >= 0
}

// take takes the first request and those of its kind and origin behind it, as many as one batch holds; bytes is how long
// their payloads are. Requests wait for what becomes of themselves only, so that one may overtake another.
func (q *requestQueue) take() (like []*request, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := q.list[:0]
	for i, r := range q.list {
		if i > 0 && (len(like) == requestsMost || bytes >= requestBytesMost || r.kind != like[0].kind || r.origin != like[0].origin) {
			rest = append(rest, r)
			continue
		}
		like, bytes = append(like, r), bytes+len(r.payload)
	}
	clear(q.list[len(rest):])
	if q.list = rest; len(rest) > 0 {
		q.wake()
	}
	return like, bytes
}
