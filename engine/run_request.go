package engine

import (
	"context"
	"fmt"
	"math"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// request is a record of somebody outside on its way through the log, the fold and the commit.
type request struct {
	kind    journal.Kind
	origin  journal.Source
	payload []byte
	time    int64    // of an event, ms
	timed   bool     // time is known
	rules   *version // with RulesLoaded: the rules themselves
	urgent  bool     // the commit is waited for
	sent    bool     // the intake has it

	// Set by the loop before folded is closed.
	offset   int64 // in the log
	appended int64 // ms
	err      error // why it changed nothing
	verdicts []Verdict

	folded    chan struct{} // closed then
	committed chan struct{} // of an urgent one; closed then
}

func newRequest(kind journal.Kind, payload []byte) *request {
	return &request{kind: kind, payload: payload, folded: make(chan struct{})}
}

// newUrgentRequest returns a request whose commit is waited for.
func newUrgentRequest(kind journal.Kind, payload []byte) *request {
	r := newRequest(kind, payload)
	r.urgent, r.committed = true, make(chan struct{})
	return r
}

// kept returns where the record stands, or that it is an event that was refused.
func (r *request) kept() (journal.Appended, error) {
	return journal.Appended{First: r.offset, Time: r.appended}, r.err
}

// ask brings a request into the log, unless it is on its way already, and waits until a channel of it is closed.
func (s *Service) ask(ctx context.Context, r *request, until <-chan struct{}) error {
	return s.askWithin(ctx, 0, r, until)
}

// errTooLong says that a request was not carried out in the time that it had. It may be yet.
var errTooLong = fmt.Errorf("engine: it is on its way, but may not be carried out yet: %w", context.DeadlineExceeded)

// askWithin is ask that gives up with errTooLong after a while; 0: never. A context with a deadline would do, and costs
// more: this is done for every decision.
func (s *Service) askWithin(ctx context.Context, most time.Duration, r *request, until <-chan struct{}) error {
	var over <-chan time.Time
	if most > 0 {
		over = s.o.Clock.After(most)
	}
	if !r.sent {
		select {
		case s.requests <- r:
			r.sent = true
		case <-s.ended:
			return ErrNotRunning
		case <-over:
			return errTooLong
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-until:
		return nil
	case <-s.ended:
		return ErrNotRunning
	case <-over:
		return errTooLong
	case <-ctx.Done():
		return fmt.Errorf("engine: it is on its way, but may not be carried out yet: %w", ctx.Err())
	}
}

// background runs f, whose context ends with the service; Run waits for it.
// It reports whether it does: not when the service has ended.
func (s *Service) background(f func(context.Context)) bool {
	s.behind.Lock()
	defer s.behind.Unlock()
	if s.life.Err() != nil {
		return false
	}
	s.behind.Go(func() { f(s.life) })
	return true
}

// end tells everybody that the service takes no requests any more, and waits for what goes on behind it.
func (s *Service) end() {
	s.behind.Lock()
	s.die()
	s.behind.Unlock()
	s.behind.Wait()
}

// What one batch of requests holds at most.
const (
	requestsMost     = 1024
	requestBytesMost = 1 << 20
)

// request returns what others ask to be appended, if anything.
func (n *intake) request() *source.Batch {
	if r := n.postponed; r != nil {
		n.postponed = nil
		return n.ownRequest(r)
	}
	select {
	case r := <-n.s.requests:
		return n.ownRequest(r)
	default:
		return nil
	}
}

// ownRequest returns a request as a batch, together with those like it that wait already.
func (n *intake) ownRequest(r *request) *source.Batch {
	rs := []*request{r}
	b := &source.Batch{Kind: r.kind, Origin: r.origin, Timed: r.timed, MinTime: r.time, MaxTime: r.time}
	add := func(r *request) {
		b.Timed = b.Timed && r.timed
		b.MinTime, b.MaxTime = min(b.MinTime, r.time), max(b.MaxTime, r.time)
		b.Buf = append(b.Buf, r.payload...)
		b.Lines = append(b.Lines, source.Line{Start: len(b.Buf) - len(r.payload), End: len(b.Buf)})
	}
	add(r)
	for len(rs) < requestsMost && len(b.Buf) < requestBytesMost {
		select {
		case more := <-n.s.requests:
			if more.kind == r.kind && more.origin == r.origin {
				rs = append(rs, more)
				add(more)
				continue
			}
			n.postponed = more
		default:
		}
		break
	}
	n.number(b)
	return n.ownBatch(b, rs)
}

// number gives the records of an origin numbers that go on from what is in the log.
func (n *intake) number(b *source.Batch) {
	if b.Origin == (journal.Source{}) {
		return
	}
	last, ok := n.numbers[b.Origin.Name]
	if !ok {
		p, _ := n.s.o.Log.Progress(b.Origin.Name)
		last = p.Mark.Line
	}
	for i := range b.Lines {
		last++
		b.Lines[i].Offset = last
	}
	n.numbers[b.Origin.Name] = last
	b.Next = journal.Mark{Line: last}
}

// ownBatch enters a batch that no reader has given.
func (n *intake) ownBatch(b *source.Batch, rs []*request) *source.Batch {
	p := &passage{requests: rs, began: n.s.o.Clock.Now(), oldest: math.MaxInt64, newest: math.MinInt64}
	if b.Kind == journal.Event {
		p.oldest, p.newest = n.span(b)
		n.arrived = p.began
		n.waited = n.waited || n.mixed
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.passages[b] = p
	return b
}

// answer tells those who wait for a stretch what came of it.
func (l *loop) answer(x *stretch, fx *Effects) {
	if x.requests == nil {
		return
	}
	first := x.lines[0].Offset
	for i, r := range x.requests {
		r.offset, r.appended = first+int64(i), x.appended
	}
	if fx != nil {
		for i := range fx.Rejected {
			no := &fx.Rejected[i]
			x.requests[no.Position.Offset-first].err = &Refused{Reason: no.Reason, Offset: no.Offset, Detail: no.Detail}
		}
		for _, v := range fx.Verdicts {
			r := x.requests[v.Offset-first]
			r.verdicts = append(r.verdicts, v)
		}
	}
	for _, r := range x.requests {
		close(r.folded)
		if r.urgent {
			l.asked = append(l.asked, r)
		}
	}
}

// Refused says why an event was refused when it was folded.
type Refused struct {
	Reason event.Reason
	Offset int // byte in the event
	Detail string
}

// Error implements error.
func (e *Refused) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Detail) }
