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
	fill    *fill    // with RulesLoaded: their windows, filled nearly up to it
	filler  *filler  // that has brought them, if one has
	urgent  bool     // the commit is waited for
	sent    bool     // the intake has it

	decision *Decision // with a DecisionMade: the decision itself

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
// more: this is done for every decision. A request that is given up before the intake has taken it is not sent any more.
func (s *Service) askWithin(ctx context.Context, most time.Duration, r *request, until <-chan struct{}) error {
	var over <-chan time.Time
	if most > 0 {
		over = s.o.Clock.After(most)
	}
	if !r.sent {
		s.requests.add(r)
	}
	var err error
	select {
	case <-until:
		return nil
	case <-s.ended:
		err = ErrNotRunning
	case <-over:
		err = errTooLong
	case <-ctx.Done():
		err = fmt.Errorf("engine: it is on its way, but may not be carried out yet: %w", ctx.Err())
	}
	if r.sent || !s.requests.withdraw(r) {
		r.sent = true
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
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
		n.posted = p.began
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
