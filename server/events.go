package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

func (s *Server) eventRoutes() []*Route {
	return []*Route{{Method: http.MethodPost, Path: "/v1/events", Scope: Ingest, Handler: s.postEvents}}
}

// appendTimeout is how long a caller waits for room, and for its events to become durable.
const appendTimeout = 20 * time.Second

// postEvents takes events, and answers when they are durable.
func (s *Server) postEvents(w http.ResponseWriter, r *http.Request) {
	b, results, p := s.receive(w, r)
	if p == nil {
		defer b.release()
		p = s.keep(r.Context(), b, results)
	}
	if p != nil {
		p.write(w)
		return
	}
	writeResults(w, r, results)
}

// receive reads the events that a request brings. Without a problem the body is the caller's to release.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (*body, []result, *Problem) {
	if p := s.accepting(); p != nil {
		return nil, nil, p
	}
	f, p := formOf(r)
	if p != nil {
		return nil, nil, p
	}
	b, p := s.readBody(w, r)
	if p != nil {
		return nil, nil, p
	}
	if f == payloadForm {
		f, p = objectForm, b.wrap(r.Header)
	}
	var results []result
	if p == nil {
		results, p = s.decode(b.b, f)
	}
	if p != nil {
		b.release()
	}
	return b, results, p
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
func (s *Server) decode(b []byte, f form) ([]result, *Problem) {
	items, p := split(f, b, nil)
	if p != nil {
		return nil, p
	}
	d, limit, at := s.decoders.get(), s.latest(), places{b: b}
	defer s.decoders.put(d)
	results := make([]result, len(items))
	for i, it := range items {
		r := d.check(b, it, f, limit)
		if r.status == refused {
			at.find(it.start, r.no)
		}
		results[i] = r
	}
	return results, nil
}

// keep brings the events of a body to the log, and those that are refused to their list.
func (s *Server) keep(ctx context.Context, b *body, results []result) *Problem {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	if p := s.refuse(ctx, b.b, results); p != nil {
		return p
	}
	began := s.o.Now()
	for {
		if p := s.post(ctx, b, results); p != nil {
			return p
		}
		again, err := await(ctx, results)
		if err != nil {
			return notKept(err, true)
		}
		if !again {
			break
		}
	}
	s.stats.appended.observe(s.o.Now().Sub(began))
	s.count(results)
	return nil
}

// refuse puts the refused events into their list, each with a position of its own.
func (s *Server) refuse(ctx context.Context, b []byte, results []result) *Problem {
	var list []engine.Rejection
	for i := range results {
		r := &results[i]
		if r.status != refused {
			continue
		}
		r.at = s.stats.refused.Add(1)
		list = append(list, engine.Rejection{
			Position: event.Position{Stream: Input, Kind: event.LogPosition, Offset: r.at}, Reason: r.no.Reason,
			Offset: r.no.Offset, Detail: r.no.Detail, Raw: append([]byte(nil), b[r.start:r.end]...),
		})
	}
	if list == nil {
		return nil
	}
	if err := s.o.Service.Refuse(ctx, Input, list); err != nil {
		return notKept(err, false)
	}
	return nil
}

// post appends what is to be appended, and waits until it is durable.
func (s *Server) post(ctx context.Context, b *body, results []result) *Problem {
	c := &claim{done: make(chan struct{})}
	n := s.known.reserve(c, results, s.o.Now().UnixMilli())
	if n == 0 {
		return nil
	}
	p := &source.Post{Buf: b.b, Lines: make([]source.Line, 0, n), MinTime: 1<<63 - 1, MaxTime: -1 << 63}
	for i := range results {
		if r := &results[i]; r.status == reserved {
			p.Lines = append(p.Lines, source.Line{Start: r.start, End: r.end})
			p.MinTime, p.MaxTime = min(p.MinTime, r.time), max(p.MaxTime, r.time)
		}
	}
	p.Done = func(at journal.Appended, err error) { s.known.settle(c, at, err) }
	p.Free = b.release
	b.hold()
	if err := s.o.Posts.Add(ctx, p); err != nil {
		b.release()
		s.known.settle(c, journal.Appended{}, err)
		return notKept(err, false)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return notKept(ctx.Err(), true)
	}
	if c.err != nil {
		return notKept(c.err, false)
	}
	for i := range results {
		if r := &results[i]; r.status == reserved {
			r.status, r.at = accepted, c.at.First+int64(r.line)
		}
	}
	return nil
}

// await waits for what becomes of the events with the same ids that came before. again says that some of those did not
// become durable: then it is the turn of ours.
func await(ctx context.Context, results []result) (again bool, err error) {
	for i := range results {
		r := &results[i]
		if r.status != underway {
			continue
		}
		select {
		case <-r.by.done:
		case <-ctx.Done():
			return false, ctx.Err()
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
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
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
