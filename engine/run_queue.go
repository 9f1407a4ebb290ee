package engine

import (
	"math"
	"slices"
	"sync"
	"time"

	"kelpie/source"
)

// How requests share batches, and so syncs of the log and strides of the fold. What comes while some are on their way to the
// log waits for the next turn. Where many come, turns are some time apart: what that costs one of them is less than what
// all would wait for each other if each batch were small.
const (
	turnsApart       = time.Millisecond
	turnsMany        = 4    // requests of a turn after which the next one is not to come at once
	requestsMost     = 1024 // that one batch holds
	requestBytesMost = 1 << 20
)

// requestQueue holds the requests that the intake has not taken. Those who ask put in and wait for an answer; so as many
// are in it as there are callers.
type requestQueue struct {
	mu   sync.Mutex
	list []*request
	work chan struct{} // holds a token when there may be something to take
}

// requestGroup is requests that become one batch.
type requestGroup struct {
	list  []*request
	bytes int // of their payloads
}

func newRequestQueue() *requestQueue { return &requestQueue{work: make(chan struct{}, 1)} }

// wake lets the intake look at the queue.
func (q *requestQueue) wake() {
	select {
	case q.work <- struct{}{}:
	default:
	}
}

// add puts a request in. Of the first one the intake is told; then it knows when it is to look.
func (q *requestQueue) add(r *request) {
	q.mu.Lock()
	q.list = append(q.list, r)
	first := len(q.list) == 1
	q.mu.Unlock()
	if first {
		q.wake()
	}
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

func (q *requestQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// take takes all requests, those of one kind and origin together; n is how many. Requests wait for what becomes of
// themselves only, so that one may overtake another.
func (q *requestQueue) take() (groups []requestGroup, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.list {
		i := slices.IndexFunc(groups, func(g requestGroup) bool { return g.takes(r) })
		if i < 0 {
			i, groups = len(groups), append(groups, requestGroup{})
		}
		groups[i].list, groups[i].bytes = append(groups[i].list, r), groups[i].bytes+len(r.payload)
	}
	n = len(q.list)
	clear(q.list)
	q.list = q.list[:0]
	return groups, n
}

func (g *requestGroup) takes(r *request) bool {
	first := g.list[0]
	return first.kind == r.kind && first.origin == r.origin && len(g.list) < requestsMost && g.bytes+len(r.payload) <= requestBytesMost
}

// request returns what others ask to be appended, if anything, and if it is time for it.
func (n *intake) request() *source.Batch {
	if len(n.turn) == 0 && !n.takeTurn() {
		return nil
	}
	g := &n.turn[0]
	n.turn = n.turn[1:]
	first := g.list[0]
	b := n.spareBatch()
	*b = source.Batch{Kind: first.kind, Origin: first.origin, Timed: true, MinTime: math.MaxInt64, MaxTime: math.MinInt64,
		Buf: slices.Grow(b.Buf[:0], g.bytes), Lines: slices.Grow(b.Lines[:0], len(g.list)), Kept: n.requestsKept}
	for _, r := range g.list {
		b.Timed = b.Timed && r.timed
		b.MinTime, b.MaxTime = min(b.MinTime, r.time), max(b.MaxTime, r.time)
		b.Buf = append(b.Buf, r.payload...)
		b.Lines = append(b.Lines, source.Line{Start: len(b.Buf) - len(r.payload), End: len(b.Buf)})
	}
	n.number(b)
	return n.ownBatch(b, g.list)
}

// takeTurn takes the requests that wait. It reports false if there are none, or it is not time yet.
func (n *intake) takeTurn() bool {
	at, ok := n.nextTurn()
	if !ok {
		return false
	}
	now := n.s.o.Clock.Now()
	if now.Before(at) {
		return false
	}
	var many int
	n.turn, many = n.s.requests.take()
	n.underway.Store(int32(len(n.turn)))
	n.turnFrom = time.Time{}
	if many >= turnsMany {
		n.turnFrom = now.Add(turnsApart)
	}
	return many > 0
}

// nextTurn returns when the next turn of requests is; ok is false if none waits, or some are on their way.
func (n *intake) nextTurn() (at time.Time, ok bool) {
	return n.turnFrom, n.underway.Load() == 0 && n.s.requests.len() > 0
}

// requestsKept notes that a batch of requests is in the log.
func (n *intake) requestsKept() {
	if n.underway.Add(-1) == 0 {
		n.s.requests.wake()
	}
}

// spareBatch returns a batch whose memory may be used.
func (n *intake) spareBatch() *source.Batch {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := len(n.spare); k > 0 {
		b := n.spare[k-1]
		n.spare = n.spare[:k-1]
		return b
	}
	return &source.Batch{}
}
