package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"kelpie/journal"
	"kelpie/state"
)

// The answers to an event, from the mildest to the strictest.
const (
	Allow  = "allow"
	Review = "review"
	Block  = "block"
)

// answers in the order of strictness.
var answers = []string{Allow, Review, Block}

// DecisionMade is the type of the event that follows an answer other than allow, so that tables can take back what the
// event has done to them. It has the members of the event that was asked about, and one of its own, `decision`.
const DecisionMade = "DecisionMade"

const (
	decisionOrigin = "decisions" // the log's name for events that decisions are asked about
	decidedOrigin  = "decided"   // and for DecisionMade
)

// Decision is the answer to an event: the strictest `decide` among the rules whose `when` holds for it.
type Decision struct {
	Answer   string   `json:"decision"`
	Rules    []string `json:"rules"`            // that hold and decide, in fold order
	Alerts   []string `json:"alerts"`           // ids of their open alerts
	Shadow   []Would  `json:"shadow,omitempty"` // rules that hold and would decide, if their mode were enforce
	Offset   int64    `json:"offset"`           // of the event, in the log
	Exceeded bool     `json:"-"`                // the time budget ended before the rules had been judged
	Made     bool     `json:"made"`             // that it was decided is in the log
	Appended int64    `json:"appended"`         // append time of the event, ms

	Evaluated time.Duration `json:"-"` // how long it took until the rules had been judged
}

// Would is what a rule that does not decide would have said.
type Would struct {
	Rule     string `json:"rule"`
	Decision string `json:"decision"`
	Mode     string `json:"mode"`
}

// DecideOptions say how long an answer may take.
type DecideOptions struct {
	Within  time.Duration // from the call until the rules have been judged; 0: no limit
	Default string        // the answer when it takes longer; "" is allow
	Most    time.Duration // from the call until the answer is durable: beyond it the error is context.DeadlineExceeded; 0: no limit

	Time  int64 // of the event, ms, …
	Timed bool  // … if the caller knows it

	// Kept, if set, is called once, by any goroutine: with where the event stands in the log, when it has been folded, or
	// with an error that says that it is not kept. It may come after the answer, when that was the default.
	Kept func(at journal.Appended, err error)
}

// ErrNotAsked says that no decision was asked for about an event.
var ErrNotAsked = errors.New("no decision was asked for about this event")

// Decide appends an event, which has been checked to be one, and answers it from the fold of it. The event is durable
// before the rules are judged; an answer other than allow is durable, and folded, before it is given. If the time budget
// ends first the answer is the default: the event counts all the same, and a default other than allow is put into the log
// as soon as that can be done.
func (s *Service) Decide(ctx context.Context, line []byte, o DecideOptions) (Decision, error) {
	began := s.o.Clock.Now()
	r := newRequest(journal.Event, slices.Clone(line))
	r.origin = journal.Source{Name: decisionOrigin, Ident: liveMark}
	r.time, r.timed = o.Time, o.Timed
	if o.Kept == nil {
		o.Kept = func(journal.Appended, error) {}
	}
	budget := o.Within > 0 && (o.Most <= 0 || o.Within <= o.Most)
	limit := o.Most
	if budget {
		limit = o.Within
	}
	switch err := s.askWithin(ctx, limit, r, r.folded); {
	case errors.Is(err, errTooLong) && budget:
		return s.exceeded(r, &o), nil
	case err != nil && r.sent: // nobody waits any more
		s.exceeded(r, &DecideOptions{Kept: o.Kept})
		return Decision{}, err
	case err != nil:
		o.Kept(journal.Appended{}, err)
		return Decision{}, err
	}
	o.Kept(r.kept())
	if r.err != nil {
		return Decision{}, r.err
	}
	d := decisionOf(r.offset, r.appended, r.verdicts)
	d.Evaluated = s.o.Clock.Now().Sub(began)
	if d.Answer == Allow {
		return d, nil
	}
	if o.Most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Most-d.Evaluated)
		defer cancel()
	}
	return s.settleDecision(ctx, r.payload, d)
}

// exceeded answers by default. The event goes its way, and an answer other than allow is noted when that can be done.
func (s *Service) exceeded(r *request, o *DecideOptions) Decision {
	answer := o.Default
	if answer == "" {
		answer = Allow
	}
	d := Decision{Answer: answer, Rules: []string{}, Alerts: []string{}, Offset: -1, Exceeded: true}
	kept := o.Kept
	begun := s.background(func(ctx context.Context) {
		err := s.ask(ctx, r, r.folded)
		if err != nil {
			kept(journal.Appended{}, err)
			return
		}
		kept(r.kept())
		if r.err != nil {
			return // it is none
		}
		late := d
		late.Offset, late.Appended = r.offset, r.appended
		if _, err := s.settleDecision(ctx, r.payload, late); err != nil {
			s.o.Logger.Error("kelpie: a decision by default is not in the log", "offset", r.offset, "answer", answer, "error", err)
		}
	})
	if !begun {
		kept(journal.Appended{}, ErrNotRunning)
	}
	return d
}

// Decided answers an event that has been asked about before and stands at an offset of the log. The error is ErrNotAsked
// if it came in another way.
func (s *Service) Decided(ctx context.Context, offset int64) (Decision, error) {
	for {
		if p := s.pulse.Load(); p != nil && p.next > offset {
			break
		}
		select {
		case <-s.o.Clock.After(time.Millisecond):
		case <-s.ended:
			return Decision{}, ErrNotRunning
		case <-ctx.Done():
			return Decision{}, ctx.Err()
		}
	}
	if s.life.Err() != nil {
		return Decision{}, ErrNotRunning
	}
	d, ok, err := s.decisions.get(s.o.Store, offset)
	if err != nil {
		return Decision{}, err
	}
	if d.Made {
		return d, nil
	}
	var b journal.Block
	rec, err := s.o.Log.Get(ctx, offset, &b)
	switch {
	case err != nil:
		return Decision{}, fmt.Errorf("engine: decide: %w", err)
	case rec.Source.Name != decisionOrigin:
		return Decision{}, ErrNotAsked
	case !ok:
		return Decision{Answer: Allow, Rules: []string{}, Alerts: []string{}, Offset: offset, Appended: rec.Appended}, nil
	}
	return s.settleDecision(ctx, rec.Payload, d)
}

// settleDecision sees to it that a decision other than allow is in the log, once.
func (s *Service) settleDecision(ctx context.Context, line []byte, d Decision) (Decision, error) {
	if d.Answer == Allow {
		return d, nil
	}
	unlock, err := s.decisions.lock(ctx, d.Offset)
	if err != nil {
		return d, err
	}
	defer unlock()
	if known, ok, err := s.decisions.get(s.o.Store, d.Offset); err != nil || ok && known.Made {
		known.Evaluated = d.Evaluated
		return known, err
	}
	r := newRequest(journal.Event, decisionEvent(s.typ, line, &d))
	r.origin, r.decision = journal.Source{Name: decidedOrigin}, &d
	if err := s.ask(ctx, r, r.folded); err != nil {
		return d, err
	}
	d.Made = true
	return d, r.err
}

// decisionOf puts together what the rules say of an event.
func decisionOf(offset, appended int64, vs []Verdict) Decision {
	d := Decision{Answer: Allow, Rules: []string{}, Alerts: []string{}, Offset: offset, Appended: appended}
	for _, v := range vs {
		if v.Rule.Mode != "enforce" {
			d.Shadow = append(d.Shadow, Would{v.Rule.Name, v.Rule.Decide, v.Rule.Mode})
			continue
		}
		d.Rules = append(d.Rules, v.Rule.Name)
		if v.Alert != "" {
			d.Alerts = append(d.Alerts, v.Alert)
		}
		if slices.Index(answers, v.Rule.Decide) > slices.Index(answers, d.Answer) {
			d.Answer = v.Rule.Decide
		}
	}
	return d
}

// decisions are those other than allow: the newest ones in memory until they have been committed.
type decisions struct {
	mu     sync.Mutex
	recent map[int64]*recentDecision // by offset
	locks  map[int64]chan struct{}   // closed when the offset is free again
}

type recentDecision struct {
	Decision
	epoch uint64 // of the book's Flush that writes it; 0: the next one
}

func newDecisions() *decisions {
	return &decisions{recent: map[int64]*recentDecision{}, locks: map[int64]chan struct{}{}}
}

// lock waits until nobody else is about the decision at an offset.
func (t *decisions) lock(ctx context.Context, offset int64) (unlock func(), err error) {
	for {
		t.mu.Lock()
		busy := t.locks[offset]
		if busy == nil {
			free := make(chan struct{})
			t.locks[offset] = free
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.locks, offset)
				close(free)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// get returns the decision about the event at an offset, if it is not allow.
func (t *decisions) get(s *state.Store, offset int64) (d Decision, ok bool, err error) {
	t.mu.Lock()
	if r := t.recent[offset]; r != nil {
		defer t.mu.Unlock()
		return r.Decision, true, nil
	}
	t.mu.Unlock()
	v, err := s.Decision(offset)
	if err != nil || v == nil {
		return d, false, err
	}
	if err := json.Unmarshal(v, &d); err != nil {
		return d, false, fmt.Errorf("engine: the decision about log@%d: %w", offset, err)
	}
	return d, true, nil
}

func (t *decisions) put(d Decision) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recent[d.Offset] = &recentDecision{Decision: d}
}

// flush puts what has changed into a batch of an epoch.
func (t *decisions) flush(b *state.Batch, epoch uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for offset, r := range t.recent {
		if r.epoch != 0 {
			continue
		}
		v, err := json.Marshal(r.Decision)
		if err != nil {
			return fmt.Errorf("engine: decision: %w", err)
		}
		b.SetDecision(offset, v)
		r.epoch = epoch
	}
	return nil
}

// committed forgets what the store has.
func (t *decisions) committed(epoch uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for offset, r := range t.recent {
		if r.epoch != 0 && r.epoch <= epoch {
			delete(t.recent, offset)
		}
	}
}

// decide notes what was decided about the events of a stretch, live and when it is read again.
func (l *loop) decide(x *stretch, fx *Effects) error {
	switch {
	case fx == nil:
		return nil
	case x.origin.Name == decidedOrigin:
		return l.decided(x)
	}
	for i := 0; i < len(fx.Verdicts); {
		offset := fx.Verdicts[i].Offset
		n := i
		for n < len(fx.Verdicts) && fx.Verdicts[n].Offset == offset {
			n++
		}
		if d := decisionOf(offset, x.appended, fx.Verdicts[i:n]); d.Answer != Allow {
			l.s.decisions.put(d)
		}
		i = n
	}
	return nil
}

// keptDecisions is how long an answer is kept for those who ask again.
const keptDecisions = 24 * time.Hour

// forgetDecisions takes old decisions out of the state.
func (l *loop) forgetDecisions(b *state.Batch) error {
	before := int64(-1)
	oldest := l.now().Add(-keptDecisions).UnixMilli()
	err := l.s.o.Store.Decisions(func(offset int64, v []byte) (bool, error) {
		var d Decision
		if err := json.Unmarshal(v, &d); err != nil {
			return false, fmt.Errorf("engine: the decision about log@%d: %w", offset, err)
		}
		if d.Appended >= oldest {
			return false, nil
		}
		before = offset + 1
		return true, nil
	})
	if before >= 0 {
		b.DeleteDecisions(before)
	}
	return err
}
