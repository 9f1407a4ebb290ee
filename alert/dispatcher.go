package alert

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kelpie/mask"
	"kelpie/state"
)

// Options says how a dispatcher goes about it. The zero value has the defaults.
type Options struct {
	MinBackoff time.Duration  // after the first failure; default 1s
	MaxBackoff time.Duration  // default 5m
	Timeout    time.Duration  // of one attempt; default 30s
	Retention  time.Duration  // how long what was delivered is kept, with its attempts; default 7 days
	Chance     func() float64 // of the backoff, in [0, 1); nil is random

	// Now is the clock, which may be set while the dispatcher runs; nil is the machine's.
	Now  func() time.Time
	Log  *slog.Logger // nil discards
	Mask *mask.Fields // what receivers are not to see; nil: nothing

	Groups  []GroupReceiver // who is told of groups of alerts
	Routing Spec            // how alerts are put into groups; without Groups nothing of it matters
}

func (o *Options) setDefaults() {
	if o.MinBackoff <= 0 {
		o.MinBackoff = time.Second
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = 5 * time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Retention <= 0 {
		o.Retention = 7 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	usual := DefaultSpec()
	if o.Routing.GroupInterval <= 0 {
		o.Routing.GroupInterval = usual.GroupInterval
	}
	if o.Routing.RepeatInterval <= 0 {
		o.Routing.RepeatInterval = usual.RepeatInterval
	}
}

// Dispatcher empties the outbox: it sends every message to every receiver, at least once, the messages of one alert
// in order, and keeps what became of them. Receivers of groups are told as the routes say. Each receiver has a goroutine
// of its own, so none waits for another.
type Dispatcher struct {
	store   *state.Store
	options Options
	workers []*worker
	router  *router // nil: there are no receivers of groups

	progress struct {
		sync.Mutex
		changed chan struct{} // closed, and made anew, when a receiver is done with more
	}
}

// NewDispatcher returns a dispatcher for the receivers. It notes new ones in the store at once, so that they are sent
// what is committed from now on, and forgets those that are not there any more; so call it before anything is
// folded.
func NewDispatcher(s *state.Store, receivers []Receiver, o Options) (*Dispatcher, error) {
	o.setDefaults()
	d := &Dispatcher{store: s, options: o}
	d.progress.changed = make(chan struct{})
	known, err := s.Receivers()
	if err != nil {
		return nil, err
	}
	b := s.NewBatch()
	defer b.Close()
	last := s.LastMessage()
	for _, r := range receivers {
		upTo, ok := known[r.Name]
		if !ok {
			upTo = last
			b.SetReceiver(r.Name, upTo)
		}
		delete(known, r.Name)
		d.workers = append(d.workers, newWorker(d, r, upTo))
	}
	for name, upTo := range known {
		o.Log.Warn("alert: receiver is not configured any more and forgotten", "receiver", name, "unsent", last-upTo)
		b.DeleteReceiver(name)
	}
	if !b.Empty() {
		if err := s.Commit(b, true); err != nil {
			return nil, err
		}
	}
	r, err := newRouter(d, o.Groups, o.Routing)
	if err != nil {
		return nil, err
	}
	if len(r.lanes) > 0 {
		d.router = r
	}
	return d, nil
}

// now returns the time by the clock on the wall: of what is in the state nothing else is known.
func (d *Dispatcher) now() time.Time { return d.options.Now().Round(0) }

// link returns the address of an alert; "" if none is known.
func (d *Dispatcher) link(id string) string {
	if d.options.Routing.Link == "" {
		return ""
	}
	return strings.TrimSuffix(d.options.Routing.Link, "/") + "/alerts/" + id
}

// Run delivers until ctx is done, which is no error, or the state fails.
func (d *Dispatcher) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range d.workers {
		group.Go(func() error { return w.run(ctx) })
	}
	if d.router != nil {
		group.Go(func() error { return d.router.run(ctx) })
	}
	group.Go(func() error { return d.sweep(ctx) })
	group.Go(func() error { d.wakeOnCommits(ctx); return nil })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("alert: dispatch: %w", err)
	}
	return nil
}

// wakeOnCommits wakes every receiver's worker when there is something new, until ctx is done.
func (d *Dispatcher) wakeOnCommits(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.store.OutboxReady():
			for _, w := range d.workers {
				w.wake()
			}
			if d.router != nil {
				d.router.wake()
			}
			if len(d.workers) == 0 {
				d.progressed() // there is nobody to wait for
			}
		}
	}
}

// Drain waits until every receiver is done with all that has been committed so far, or ctx is done. Groups that wait for
// their time, and what is to be tried again later, stay in the state.
func (d *Dispatcher) Drain(ctx context.Context) error { return d.drain(ctx, false) }

// Finish is Drain where nothing more will come: groups are told at once, and what failed is waited for.
func (d *Dispatcher) Finish(ctx context.Context) error {
	if d.router != nil {
		d.router.finish.Store(true)
		d.router.wake()
	}
	return d.drain(ctx, true)
}

func (d *Dispatcher) drain(ctx context.Context, finishing bool) error {
	last := d.store.LastMessage()
	for {
		changed := d.changed()
		if d.doneUpTo() >= last && (d.router == nil || d.router.figures.Load().done(last, finishing)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("alert: drain: %w", context.Cause(ctx))
		case <-changed:
		}
	}
}

// doneUpTo returns the sequence number up to which all receivers are done.
func (d *Dispatcher) doneUpTo() uint64 {
	upTo := d.store.LastMessage()
	for _, w := range d.workers {
		upTo = min(upTo, w.upTo.Load())
	}
	if d.router != nil {
		upTo = min(upTo, d.router.figures.Load().upTo)
	}
	return upTo
}

// changed returns a channel that is closed when a receiver is done with more than now.
func (d *Dispatcher) changed() <-chan struct{} {
	d.progress.Lock()
	defer d.progress.Unlock()
	return d.progress.changed
}

func (d *Dispatcher) progressed() {
	d.progress.Lock()
	defer d.progress.Unlock()
	close(d.progress.changed)
	d.progress.changed = make(chan struct{})
}

// ReceiverStats counts what became of messages at one receiver since the dispatcher was made.
type ReceiverStats struct {
	Receiver  string
	Delivered int64
	Failures  int64 // attempts that failed and are tried again
	GivenUp   int64
	Waiting   int64 // committed and not done
}

// Stats returns figures for every receiver.
func (d *Dispatcher) Stats() []ReceiverStats {
	last := d.store.LastMessage()
	all := make([]ReceiverStats, 0, len(d.workers))
	for _, w := range d.workers {
		all = append(all, ReceiverStats{
			Receiver:  w.receiver.Name,
			Delivered: w.delivered.Load(),
			Failures:  w.failures.Load(),
			GivenUp:   w.givenUp.Load(),
			Waiting:   int64(last - min(last, w.handled.Load())),
		})
	}
	return all
}

// RouterStats returns figures for the receivers of groups; none if there are none.
func (d *Dispatcher) RouterStats() RouterStats {
	if d.router == nil {
		return RouterStats{}
	}
	f := d.router.figures.Load()
	s := f.RouterStats
	s.Waiting = int64(d.store.LastMessage() - f.upTo)
	return s
}
