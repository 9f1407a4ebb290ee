package backtest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kelpie/engine"
	"kelpie/rules"
	"kelpie/state"
)

// run is one backtest at work.
type run struct {
	*joined
	spec    *Spec
	engine  *engine.Engine
	history History

	events   []eventSink
	firings  []firingSink
	carried  []int        // slots of the fields that firings carry
	watchers [][]Observer // by rule
	heard    error        // of a sink that was told of an event

	open    map[openKey]*present
	tally   *tally
	meeting *meeting
	read    Progress
}

// openKey finds an alert that is open. An id alone is not enough: variants of a rule open alerts of the same id.
type openKey struct {
	rule int
	id   string
}

type eventSink struct {
	EventSink
	event Event
}

type firingSink struct {
	FiringSink
	from, to int // its fields among those that firings carry
}

// Run folds the history once and says what came of it. When ctx ends the result is that of what has been read, marked as
// partial. Where reading the history fails there is a partial result beside the error.
func Run(ctx context.Context, spec *Spec, h History) (*Result, error) {
	r, err := newRun(spec, h)
	if err != nil {
		return nil, err
	}
	why, err := r.readAll(ctx)
	if err != nil && why == "" {
		return nil, err
	}
	if e := r.end(why == ""); e != nil {
		return nil, e
	}
	res := r.result()
	res.Partial = why
	return res, err
}

// end folds what is due at the end of the history, if all of it has been read.
func (r *run) end(whole bool) error {
	drain := r.spec.Drain && whole
	if _, ok := r.history.(Logged); ok && !drain {
		return nil
	}
	return r.take(r.engine.End(drain))
}

// newRun plans the variants and makes their engine.
func newRun(spec *Spec, h History) (*run, error) {
	j, err := join(spec.Variants)
	if err != nil {
		return nil, err
	}
	r := &run{joined: j, spec: spec, history: h, open: map[openKey]*present{}}
	r.read.Time = state.NoTime
	r.hearers()
	p, err := engine.NewPlan(j.set, spec.Event, spec.Time, engine.NewUnits())
	if err != nil {
		return nil, err
	}
	r.tally, r.meeting = newTally(r), newMeeting(r)
	r.engine = engine.New(p, r.options())
	return r, nil
}

// hearers sorts the sinks by what they want to be told.
func (r *run) hearers() {
	r.watchers = make([][]Observer, len(r.rules))
	for _, s := range r.spec.Sinks {
		var slots []int
		if e, ok := s.(EventSink); ok {
			for _, p := range e.Fields() {
				slots = append(slots, r.slot(p))
			}
			r.events = append(r.events, eventSink{EventSink: e, event: Event{slots: slots, types: r.set.Types}})
		}
		if f, ok := s.(FiringSink); ok {
			n := len(r.carried)
			r.carried = append(r.carried, slots...)
			r.firings = append(r.firings, firingSink{f, n, len(r.carried)})
		}
		if o, ok := s.(Observer); ok {
			for i, rule := range r.rules {
				if o.Watches(rule) {
					r.watchers[i] = append(r.watchers[i], o)
				}
			}
		}
	}
}

// options are those of an engine that tells what the sinks want to know.
func (r *run) options() engine.Options {
	o := engine.Options{Shards: max(1, r.spec.Shards), Firings: len(r.firings) > 0, FiringFields: r.carried, Survey: true,
		Since: r.since(), CountFrom: r.spec.From, Until: r.spec.To}
	if d, ok := r.history.(Logged); ok {
		o.Dedupe = d.Dedupe()
	}
	watched := false
	for _, w := range r.watchers {
		watched = watched || len(w) > 0
	}
	if watched {
		o.Observed = func(x *rules.Rule) bool { return len(r.watchers[r.of[x].Index]) > 0 }
		o.Observe = func(x *engine.Observation) {
			rule := r.of[x.Rule]
			for _, w := range r.watchers[rule.Index] {
				w.Observe(rule, x)
			}
		}
	}
	if len(r.events) > 0 {
		o.Tap = r.tap
	}
	return o
}

// tap tells the sinks of an event.
func (r *run) tap(f *engine.Folded) {
	for i := range r.events {
		s := &r.events[i]
		s.event.Folded, s.event.Warmup = f, r.warmup(f.Time)
		if err := s.Event(&s.event); err != nil && r.heard == nil {
			r.heard = err
		}
	}
}

// warmup reports whether an event time is before those that count.
func (r *run) warmup(t int64) bool { return r.spec.From != 0 && t < r.spec.From }

// readAll folds the history. why says why not all of it was read, "" if it was.
func (r *run) readAll(ctx context.Context) (why string, err error) {
	r.read.Total = r.history.Total()
	for {
		p, err := r.history.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return "", nil
		case ctx.Err() != nil:
			return "interrupted", nil
		case err != nil:
			return err.Error(), fmt.Errorf("backtest: %w", err)
		}
		if err := r.fold(p); err != nil {
			return "", err
		}
		if r.spec.Progress != nil {
			r.spec.Progress(r.read)
		}
	}
}

// fold folds one part of the history.
func (r *run) fold(p *Part) error {
	r.read.Done += p.Bytes
	r.read.Events += int64(len(p.Lines) + len(p.Rejected))
	for _, x := range p.Wait {
		r.engine.Wake(r.engine.Partition(x))
	}
	for _, x := range p.Idle {
		r.engine.Idle(r.engine.Partition(x))
	}
	if p.Tick != 0 {
		if err := r.take(r.engine.Tick(p.Tick)); err != nil {
			return err
		}
	}
	if p.End {
		if err := r.take(r.engine.End(false)); err != nil {
			return err
		}
	}
	r.tally.refused(p.Rejected)
	if len(p.Lines) == 0 {
		return nil
	}
	return r.take(r.engine.Step(&engine.Batch{Partition: r.engine.Partition(p.Partition), Source: p.Source, Buf: p.Buf, Lines: p.Lines}))
}

// take counts what came of a stretch, and tells the sinks.
func (r *run) take(fx *engine.Effects, err error) error {
	if err == nil {
		err = r.heard
	}
	if err != nil {
		return err
	}
	r.tally.refused(fx.Rejected)
	for i := range fx.Firings {
		if err := r.fired(&fx.Firings[i]); err != nil {
			return err
		}
	}
	for i := range fx.Changes {
		if err := r.change(&fx.Changes[i]); err != nil {
			return err
		}
	}
	_, r.read.Time = r.engine.Times()
	return nil
}

func (r *run) fired(f *engine.Firing) error {
	x := &Firing{Rule: r.of[f.Rule], Key: f.Key, AsOf: f.AsOf, EventID: f.EventID, Position: f.Position, Window: f.Window, Warmup: r.warmup(f.AsOf)}
	for _, s := range r.firings {
		if x.OnEvent() {
			x.values = f.Values[s.from:s.to]
		}
		if err := s.Fired(x); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) change(c *engine.Change) error {
	rule := r.of[c.Rule]
	key := openKey{rule.Index, c.ID}
	switch c.Kind {
	case engine.Opened:
		a := newAlert(rule, c)
		a.Warmup = r.warmup(c.Opened)
		r.open[key] = r.meeting.opened(a, c.Watermark)
		r.read.Alerts++
		r.tally.opened(a)
		return r.tell(Sink.Opened, a)
	case engine.Resolved:
		p := r.open[key]
		if p == nil {
			return nil
		}
		delete(r.open, key)
		a := p.Alert
		a.Done, a.Resolved, a.Reason = true, c.At, string(c.Reason)
		r.tally.resolved(a)
		r.meeting.resolved(p)
		return r.tell(Sink.Resolved, a)
	}
	return nil
}

func (r *run) tell(how func(Sink, *Alert) error, a *Alert) error {
	for _, s := range r.spec.Sinks {
		if err := how(s, a); err != nil {
			return err
		}
	}
	return nil
}

func newAlert(rule *Rule, c *engine.Change) *Alert {
	return &Alert{Rule: rule, ID: c.ID, Key: c.Key, Opened: c.Opened, EventID: c.EventID, Position: c.Position, Window: c.Window,
		Message: c.Message, Values: c.Values, Warming: c.Warming}
}
