package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// limited is a listener that has so many connections at once; what comes beyond is closed at once, so that its sender
// knows, in place of waiting for nothing.
type limited struct {
	net.Listener
	most  int64
	stats *stats
}

func newLimited(l net.Listener, most int, s *stats) *limited { return &limited{l, int64(most), s} }

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.stats.connections.Add(1) <= l.most {
			return &limitedConn{Conn: c, stats: l.stats}, nil
		}
		l.stats.connections.Add(-1)
		l.stats.turnedAway.Add(1)
		_ = c.Close() // nobody has said anything yet
	}
}

// limitedConn gives its place back when it is closed. Its deadline of writing is moved in steps: each answer asks for it, and
// to set it costs more than the second that may be missing.
type limitedConn struct {
	net.Conn
	stats    *stats
	once     sync.Once
	deadline atomic.Int64 // of writing, as it was set last: ns since the epoch
}

// SetWriteDeadline implements net.Conn.
func (c *limitedConn) SetWriteDeadline(t time.Time) error {
	ns := t.UnixNano()
	if last := c.deadline.Load(); ns >= last && ns-last < int64(time.Second) {
		return nil
	}
	c.deadline.Store(ns)
	return c.Conn.SetWriteDeadline(t)
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.once.Do(func() { c.stats.connections.Add(-1) })
	return c.Conn.Close()
}

// placeTimeout is how long a request waits for its turn.
const placeTimeout = 5 * time.Second

// enter takes a place among the requests that are worked on at once.
func (s *Server) enter(ctx context.Context) *Problem {
	select {
	case s.requests <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(placeTimeout)
	defer timer.Stop()
	select {
	case s.requests <- struct{}{}:
		return nil
	case <-ctx.Done():
	case <-timer.C:
	}
	return problem(http.StatusTooManyRequests, "too-many-requests", "Too many requests",
		"%d are being worked on, and no place became free in %v", cap(s.requests), placeTimeout).after(time.Second)
}

func (s *Server) leave() { <-s.requests }

// budget is how much memory the bodies of requests have.
type budget struct {
	most  int64
	taken atomic.Int64
}

// take takes n bytes, if there are so many.
func (b *budget) take(n int64) bool {
	if b.taken.Add(n) <= b.most {
		return true
	}
	b.taken.Add(-n)
	return false
}

func (b *budget) give(n int64) { b.taken.Add(-n) }
