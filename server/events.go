package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

func (s *Server) eventRoutes() []*Route {
	return []*Route{{Method: http.MethodPost, Path: "/v1/events", Scope: Ingest, Handler: s.postEvents}}
}

// appendTimeout is how long a caller waits for its events to become durable. It is less than bodyGrace, after which net/http
// would take the caller for gone.
const appendTimeout = 8 * time.Second

// postEvents takes events, and answers when they are durable.
func (s *Server) postEvents(w http.ResponseWriter, r *http.Request) {
	b, p := s.receive(w, r)
	if p == nil {
		defer b.release()
		p = s.keep(r.Context(), b)
	}
	if p != nil {
		p.write(w)
		return
	}
	writeResults(w, r, b.results)
}

// receive reads the events that a request brings. Without a problem the body is the caller's to release.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (*body, *Problem) {
	if p := s.accepting(); p != nil {
		return nil, p
	}
	f, p := formOf(r)
	if p != nil {
		return nil, p
	}
	b, p := s.readBody(w, r)
	if p != nil {
		return nil, p
	}
	if f == payloadForm {
		f, p = objectForm, b.wrap(r.Header)
	}
	if p == nil {
		p = s.decode(b, f)
	}
	if p != nil {
		b.release()
		return nil, p
	}
	return b, nil
}

// accepting says why nothing can be taken now.
func (s *Server) accepting() *Problem {
	why := ""
	switch p := s.o.Service.Phase(); {
	case p != engine.Running:
		why = "the service is " + p.String()
	case !s.loaded.Load():
		why = "the ids of earlier events are being read"
	default:
		return nil
	}
	return problem(http.StatusServiceUnavailable, "not-running", "Not now", "%s", why).after(time.Second)
}

// decode finds the events of a body and decodes them.
func (s *Server) decode(b *body, f form) (p *Problem) {
	if b.items, p = split(f, b.b, b.items[:0]); p != nil {
		return p
	}
	d, limit, at := s.decoders.get(), s.latest(), places{b: b.b}
	defer s.decoders.put(d)
	b.results = slices.Grow(b.results[:0], len(b.items))
	for _, it := range b.items {
		r := d.check(b.b, it, f, limit)
		if r.status == refused {
			at.find(it.start, r.no)
		}
		b.results = append(b.results, r)
	}
	return nil
}

// keep brings the events of a body to the log, and those that are refused to their list.
func (s *Server) keep(ctx context.Context, b *body) *Problem {
	began := s.o.Now()
	timer := time.NewTimer(appendTimeout)
	defer timer.Stop()
	waits := patience{ctx, timer.C}
	for again := true; again; {
		if p := s.post(waits, b); p != nil {
			return p
		}
		var err error
		if again, err = await(waits, b.results); err != nil {
			return notKept(err, true)
		}
	}
	s.stats.appended.observe(s.o.Now().Sub(began))
	if p := s.refuse(ctx, b, appendTimeout-s.o.Now().Sub(began)); p != nil {
		return p
	}
	s.count(b.results)
	return nil
}

// refuse puts the refused events into their list, each with a position of its own, and waits for a while until that is
// durable.
func (s *Server) refuse(ctx context.Context, b *body, within time.Duration) *Problem {
	var list []engine.Rejection
	for i := range b.results {
		r := &b.results[i]
		if r.status != refused {
			continue
		}
		r.at = s.stats.refused.Add(1)
		list = append(list, engine.Rejection{
			Position: event.Position{Stream: Input, Kind: event.LogPosition, Offset: r.at}, Reason: r.no.Reason,
			Offset: r.no.Offset, Detail: r.no.Detail, Raw: append([]byte(nil), b.b[r.start:r.end]...),
		})
		_, r.no.Detail = s.o.Mask.Refused(nil, r.no.Detail) // as it is answered
	}
	if list == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := s.o.Service.Refuse(ctx, Input, list); err != nil {
		return notKept(source.ErrUnknown, true) // the others of the body are in the log
	}
	return nil
}

// patience is how long something is waited for.
type patience struct {
	ctx  context.Context
	over <-chan time.Time // beside it; nil: nothing
}

// wait waits until done is closed.
func (p patience) wait(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	case <-p.over:
		return context.DeadlineExceeded
	}
}

// post appends what is to be appended, and waits until it is durable.
func (s *Server) post(waits patience, b *body) *Problem {
	c := &claim{done: make(chan struct{})}
	n := s.known.reserve(c, b.results, s.o.Now().UnixMilli())
	if n == 0 {
		return nil
	}
	p := b.post(n)
	p.Done = func(at journal.Appended, err error) { s.known.settle(c, at, err) }
	if err := s.o.Posts.Add(waits.ctx, p); err != nil {
		p.Free()
		s.known.settle(c, journal.Appended{}, err)
		return notKept(err, false)
	}
	if err := waits.wait(c.done); err != nil {
		return notKept(err, true)
	}
	if c.err != nil {
		return notKept(c.err, false)
	}
	for i := range b.results {
		if r := &b.results[i]; r.status == reserved {
			r.status, r.at = accepted, c.at.First+int64(r.line)
		}
	}
	return nil
}

// post makes a post of the n events that are reserved. It holds the body.
func (b *body) post(n int) *source.Post {
	if b.holders.Load() > 1 { // an earlier post has the lines
		b.lines = nil
	}
	b.hold()
	b.lines = slices.Grow(b.lines[:0], n)
	p := &source.Post{Buf: b.b, MinTime: math.MaxInt64, MaxTime: math.MinInt64, Free: b.release}
	for i := range b.results {
		if r := &b.results[i]; r.status == reserved {
			b.lines = append(b.lines, source.Line{Start: r.start, End: r.end})
			p.MinTime, p.MaxTime = min(p.MinTime, r.time), max(p.MaxTime, r.time)
		}
	}
	p.Lines = b.lines
	return p
}

// await waits for what becomes of the events with the same ids that came before. again says that some of those did not
// become durable: then it is the turn of ours.
func await(waits patience, results []result) (again bool, err error) {
	for i := range results {
		r := &results[i]
		if r.status != underway {
			continue
		}
		if err := waits.wait(r.by.done); err != nil {
			return false, err
		}
		if r.by.err != nil {
			r.status, again = todo, true
			continue
		}
		r.status, r.at = duplicate, r.by.at.First+int64(r.line)
	}
	return again, nil
}

// notKept says why events have not been appended; unknown: it may still be that they are.
func notKept(err error, unknown bool) *Problem {
	const status = http.StatusServiceUnavailable
	switch {
	case errors.Is(err, journal.ErrDiskFull):
		return problem(status, "disk-full", "The disk is full", "nothing of this was kept").after(5 * time.Second)
	case errors.Is(err, source.ErrClosed), errors.Is(err, engine.ErrNotRunning):
		return problem(status, "stopping", "Not now", "the service is stopping; nothing of this was kept").after(5 * time.Second)
	case errors.Is(err, source.ErrUnknown), unknown:
		return problem(status, "unknown", "Not known", "it is not known whether the events were kept: send them again, what has an id is kept once").
			after(5 * time.Second)
	case errors.Is(err, source.ErrBusy), errors.Is(err, context.Canceled):
		return problem(status, "busy", "Too much at once", "the log takes no more now; nothing of this was kept").after(time.Second)
	}
	return problem(status, "failed", "The log failed", "nothing of this was kept").after(5 * time.Second)
}

// count counts what became of the events of a body; what was refused has been counted.
func (s *Server) count(results []result) {
	var kept, again int64
	for i := range results {
		switch results[i].status {
		case accepted:
			kept++
		case duplicate:
			again++
		}
	}
	s.stats.accepted.Add(kept)
	s.stats.duplicate.Add(again)
}
