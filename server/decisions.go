package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
)

func (s *Server) decisionRoutes() []*Route {
	return []*Route{{Method: http.MethodPost, Path: "/v1/decisions", Scope: Decide, Handler: s.postDecision}}
}

// Decider answers events from the fold of them: engine.Service.
type Decider interface {
	// Decide appends an event and answers it.
	Decide(ctx context.Context, line []byte, o engine.DecideOptions) (engine.Decision, error)
	// Decided answers an event that was asked about before.
	Decided(ctx context.Context, offset int64) (engine.Decision, error)
}

// decisionStats count answers.
type decisionStats struct {
	allow, review, block, exceeded, again atomic.Int64
	evaluated, answered                   histogram
}

// postDecision takes one event and answers whether it is to go on.
func (s *Server) postDecision(w http.ResponseWriter, r *http.Request) {
	began := s.o.Now()
	b, p := s.receive(w, r)
	if p != nil {
		p.write(w)
		return
	}
	defer b.release()
	if len(b.results) != 1 {
		problem(http.StatusBadRequest, "one-event", "One event, please", "a decision is about one event, and here are %d", len(b.results)).write(w)
		return
	}
	d, again, p := s.decide(r.Context(), b)
	if p != nil {
		p.write(w)
		return
	}
	s.countDecision(&d, again, s.o.Now().Sub(began))
	w.Header()["Content-Type"] = plainJSON
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(appendDecision(make([]byte, 0, 256), &d, again))
}

// decide answers one event; again says that it was asked about before.
func (s *Server) decide(ctx context.Context, b *body) (d engine.Decision, again bool, p *Problem) {
	r := &b.results[0]
	if r.status == todo {
		if d, asked, err := s.askFirst(ctx, b); asked {
			return d, false, s.notDecided(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	if r.status == refused {
		if p := s.refuse(ctx, b, appendTimeout); p != nil {
			return d, false, p
		}
		return d, false, problem(http.StatusUnprocessableEntity, "refused", "The event was refused", "line %d, column %d: %s: %s", r.no.line, r.no.column, r.no.Reason, r.no.Detail)
	}
	for r.status == underway {
		if _, err := await(patience{ctx, nil}, b.results); err != nil {
			return d, false, notKept(err, true)
		}
		if r.status != todo {
			break
		}
		if d, asked, err := s.askFirst(ctx, b); asked {
			return d, false, s.notDecided(err)
		}
	}
	d, err := s.o.Service.Decided(ctx, r.at)
	return d, true, s.notDecided(err)
}

// askFirst asks about an event whose id nobody has; asked is false if somebody has it.
func (s *Server) askFirst(ctx context.Context, b *body) (d engine.Decision, asked bool, err error) {
	r := &b.results[0]
	c := &claim{done: make(chan struct{})}
	if s.known.reserve(c, b.results, s.o.Now().UnixMilli()); r.status != reserved {
		return d, false, nil
	}
	d, err = s.o.Service.Decide(ctx, b.b[r.start:r.end], engine.DecideOptions{
		Within: s.o.Spec.DecideWithin, Default: s.o.Spec.DecideDefault, Most: appendTimeout, Time: r.time, Timed: true,
		Kept: func(at journal.Appended, err error) { s.known.settle(c, at, err) },
	})
	return d, true, err
}

func (s *Server) notDecided(err error) *Problem {
	if err == nil {
		return nil
	}
	var no *engine.Refused
	switch {
	case errors.As(err, &no):
		_, detail := s.o.Mask.Refused(nil, no.Detail)
		return problem(http.StatusUnprocessableEntity, "refused", "The event was refused", "%s: %s", no.Reason, detail)
	case errors.Is(err, engine.ErrNotAsked):
		return problem(http.StatusConflict, "not-asked", "The event was posted before", "an event with this id came without asking for a decision, and has been folded")
	}
	return notKept(err, true)
}

func (s *Server) countDecision(d *engine.Decision, again bool, took time.Duration) {
	t := &s.stats.decisions
	switch {
	case again:
		t.again.Add(1)
		return
	case d.Exceeded:
		t.exceeded.Add(1)
	default:
		t.evaluated.observe(d.Evaluated)
	}
	t.answered.observe(took)
	switch d.Answer {
	case engine.Block:
		t.block.Add(1)
	case engine.Review:
		t.review.Add(1)
	default:
		t.allow.Add(1)
	}
}

// appendDecision appends what is answered, as JSON. Members may be added.
func appendDecision(b []byte, d *engine.Decision, again bool) []byte {
	text := func(name, s string) { b = event.AppendJSON(append(b, name...), event.StringValue(s)) }
	list := func(name string, all []string) {
		b = append(append(b, name...), '[')
		for i, s := range all {
			if i > 0 {
				b = append(b, ',')
			}
			text("", s)
		}
		b = append(b, ']')
	}
	text(`{"decision":`, d.Answer)
	list(`,"rules":`, d.Rules)
	list(`,"alerts":`, d.Alerts)
	if d.Offset >= 0 { // of an answer by default it is not known yet
		b = append(strconv.AppendInt(append(b, `,"position":"log@`...), d.Offset, 10), '"')
	}
	if len(d.Shadow) > 0 { // what rules that do not decide would have said
		b = append(b, `,"shadow":[`...)
		for i, x := range d.Shadow {
			if i > 0 {
				b = append(b, ',')
			}
			text(`{"rule":`, x.Rule)
			text(`,"decision":`, x.Decision)
			text(`,"mode":`, x.Mode)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	if d.Exceeded { // the time budget ended before the rules had been judged
		b = append(b, `,"default":true`...)
	}
	if again { // it was asked before, and this is the answer of then
		b = append(b, `,"duplicate":true`...)
	}
	return append(b, "}\n"...)
}

// validateDecide says what is wrong with the settings of decisions.
func (s Spec) validateDecide() error {
	var errs []error
	if s.DecideWithin < time.Millisecond || s.DecideWithin > time.Minute {
		errs = append(errs, errors.New("decide_within: must be from 1ms to 1m"))
	}
	switch s.DecideDefault {
	case engine.Allow, engine.Review, engine.Block:
	default:
		errs = append(errs, fmt.Errorf("decide_default: %q is no decision: there are allow, review, block", s.DecideDefault))
	}
	return errors.Join(errs...)
}

// DecisionStats count decisions.
type DecisionStats struct {
	Allow, Review, Block int64            // answers, without those that were given again
	Default              int64            // of them, because the time budget had ended
	Again                int64            // questions that had been asked before
	Evaluated            engine.Histogram // seconds until the rules had been judged
	Answered             engine.Histogram // seconds until the answer was given, which then is durable
}

func (t *decisionStats) read() DecisionStats {
	return DecisionStats{
		Allow: t.allow.Load(), Review: t.review.Load(), Block: t.block.Load(), Default: t.exceeded.Load(), Again: t.again.Load(),
		Evaluated: t.evaluated.read(), Answered: t.answered.read(),
	}
}
