package alert

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kelpie/state"
)

// Options says how a dispatcher goes about it. The zero value has the defaults.
type Options struct {
	MinBackoff time.Duration  // after the first failure; default 1s
	MaxBackoff time.Duration  // default 5m
	Timeout    time.Duration  // of one attempt; default 30s
	Retention  time.Duration  // how long what was delivered is kept, with its attempts; default 7 days
	Chance     func() float64 // of the backoff, in [0, 1); nil is random
	Log        *slog.Logger   // nil discards
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
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Dispatcher empties the outbox: it sends every message to every receiver, at least once, the messages of one alert
// in order, and keeps what became of them. Each receiver has a goroutine of its own, so none waits for another.
type Dispatcher struct {
	store   *state.Store
	options Options
	workers []*worker

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
	if b.Empty() {
		return d, nil
	}
	return d, s.Commit(b, true)
}

// Run delivers until ctx is done, which is no error, or the state fails.
func (d *Dispatcher) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range d.workers {
		group.Go(func() error { return w.run(ctx) })
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
			if len(d.workers) == 0 {
				d.progressed() // there is nobody to wait for
			}
		}
	}
}

// Drain waits until every receiver is done with all that has been committed so far, or ctx is done.
func (d *Dispatcher) Drain(ctx context.Context) error {
	last := d.store.LastMessage()
	for {
		changed := d.changed()
		if d.doneUpTo() >= last {
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
