package alert

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kelpie/state"
)

const (
	windowSize = 1024 // messages of one receiver that are in memory
	roundSize  = 128  // messages between two notes of what became of them
	failRow    = 3    // failures in a row after which the receiver is taken to be down

	maxErrorText = 500 // bytes
)

// worker sends the outbox to one receiver.
type worker struct {
	d        *Dispatcher
	receiver Receiver
	backoff  backoff
	woken    chan struct{}

	// Owned by run.
	queue []*pending // not done, by sequence number
	next  uint64     // the first sequence number that is not in queue yet
	down  int        // rounds in a row that ended because the receiver is down
	rest  time.Time  // until then nothing is sent

	upTo      atomic.Uint64 // done with all messages up to this one
	handled   atomic.Uint64 // done with this many messages
	delivered atomic.Int64
	failures  atomic.Int64
	givenUp   atomic.Int64
}

// pending is a message in the queue of a receiver.
type pending struct {
	state.Message
	delivery state.Delivery
}

func newWorker(d *Dispatcher, r Receiver, upTo uint64) *worker {
	w := &worker{d: d, receiver: r, next: upTo + 1, woken: make(chan struct{}, 1)}
	w.backoff = backoff{d.options.MinBackoff, d.options.MaxBackoff, d.options.Chance}
	w.upTo.Store(upTo)
	w.handled.Store(upTo)
	return w
}

// wake says that there may be something new.
func (w *worker) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it has been said already
	}
}

// run sends until ctx is done; an error is one of the state.
func (w *worker) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.load(); err != nil {
			return err
		}
		round, due := w.choose(w.d.now())
		if len(round) == 0 {
			w.sleep(ctx, due)
			continue
		}
		w.send(ctx, round)
		if err := w.note(round); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits until something is new or, if due is not zero, until then.
func (w *worker) sleep(ctx context.Context, due time.Time) {
	var alarm <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(due.Sub(w.d.now()))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
	case <-w.woken:
	case <-alarm:
	}
}

// load fills the queue from the outbox.
func (w *worker) load() error {
	if len(w.queue) >= windowSize {
		return nil
	}
	return w.d.store.Outbox(w.next, func(row state.Message) (bool, error) {
		w.next = row.Sequence + 1
		d, err := w.d.store.Delivery(row.Sequence, w.receiver.Name)
		if err != nil {
			return false, err
		}
		if d.Done == 0 {
			w.queue = append(w.queue, &pending{row, d})
		}
		return len(w.queue) < windowSize, nil
	})
}

// choose returns the messages to be sent now, in order; if there are none, the time when there will be, zero if that
// is not known. A message waits for earlier ones of its alert.
func (w *worker) choose(now time.Time) (round []*pending, due time.Time) {
	if w.ahead(w.rest, now) {
		return nil, w.rest
	}
	waiting := map[string]bool{}
	for _, p := range w.queue {
		if waiting[p.Alert] {
			continue
		}
		if at := time.UnixMilli(p.delivery.Next); w.ahead(at, now) {
			waiting[p.Alert] = true
			if due.IsZero() || at.Before(due) {
				due = at
			}
			continue
		}
		if round = append(round, p); len(round) == roundSize {
			break
		}
	}
	return round, due
}

// ahead reports whether a time is still to come. One that is further away than a backoff can be is of before the clock went
// back.
func (w *worker) ahead(at, now time.Time) bool {
	return now.Before(at) && !at.After(now.Add(w.backoff.max))
}

// send tries the messages of a round. After one has failed, later ones of the same alert are left for another round,
// and after a few in a row all of them.
func (w *worker) send(ctx context.Context, round []*pending) {
	failed := map[string]bool{}
	var sent []*pending
	inRow := 0
	for _, p := range round {
		if failed[p.Alert] {
			continue
		}
		retry, err := w.try(ctx, p)
		switch {
		case ctx.Err() != nil && err != nil:
			w.flush(ctx, sent)
			return // not an attempt that counts
		case err == nil:
			inRow = 0
			sent = append(sent, p)
		case retry:
			failed[p.Alert] = true
			w.failed(p, err)
			inRow++
		default:
			inRow = 0
			w.giveUp(p, err)
		}
		if inRow == failRow {
			break
		}
	}
	if !w.flush(ctx, sent) || inRow == failRow {
		w.down++
		w.rest = w.d.now().Add(w.backoff.after(w.down))
	} else {
		w.down = 0
	}
}

// try makes one attempt.
func (w *worker) try(ctx context.Context, p *pending) (retry bool, err error) {
	m, err := messageOf(p.Message)
	if err != nil {
		return false, err
	}
	m.Alert = m.Alert.Masked(w.d.options.Mask)
	m.Attempt = p.delivery.Attempts + 1
	ctx, cancel := context.WithTimeout(ctx, w.d.options.Timeout)
	defer cancel()
	return w.receiver.Notifier.Notify(ctx, m)
}

// flush makes the deliveries of a round final where the notifier asks for it, and notes them.
func (w *worker) flush(ctx context.Context, sent []*pending) bool {
	if f, ok := w.receiver.Notifier.(Flusher); ok && len(sent) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.d.options.Timeout)
		defer cancel()
		if err := f.Flush(ctx); err != nil {
			for _, p := range sent {
				w.failed(p, err)
			}
			return false
		}
	}
	for _, p := range sent {
		p.delivery.Attempts++
		p.delivery.Error, p.delivery.Next, p.delivery.Done = "", 0, w.d.now().UnixMilli()
		w.delivered.Add(1)
	}
	return true
}

func (w *worker) failed(p *pending, err error) {
	p.delivery.Attempts++
	p.delivery.Error = words(err)
	p.delivery.Next = w.d.now().Add(w.backoff.after(p.delivery.Attempts)).UnixMilli()
	w.failures.Add(1)
	w.d.options.Log.Warn("alert: delivery failed, will be tried again",
		"receiver", w.receiver.Name, "alert", p.Alert, "attempt", p.delivery.Attempts, "error", err)
}

func (w *worker) giveUp(p *pending, err error) {
	p.delivery.Attempts++
	p.delivery.Error, p.delivery.Next = words(err), 0
	p.delivery.Done, p.delivery.GivenUp = w.d.now().UnixMilli(), true
	w.givenUp.Add(1)
	w.d.options.Log.Error("alert: delivery given up",
		"receiver", w.receiver.Name, "alert", p.Alert, "attempts", p.delivery.Attempts, "error", err)
}

// note commits what became of a round. It need not be synced: what a crash takes away is sent once more.
func (w *worker) note(round []*pending) error {
	b := w.d.store.NewBatch()
	defer b.Close()
	for _, p := range round {
		b.SetDelivery(p.Sequence, p.delivery)
	}
	upTo := w.trim()
	b.SetReceiver(w.receiver.Name, upTo)
	if err := w.d.store.Commit(b, false); err != nil {
		return err
	}
	w.upTo.Store(upTo)
	w.d.progressed()
	return nil
}

// trim takes what is done out of the queue and returns up to where the receiver is done.
func (w *worker) trim() (upTo uint64) {
	w.queue = slices.DeleteFunc(w.queue, func(p *pending) bool { return p.delivery.Done != 0 })
	w.handled.Store(w.next - 1 - uint64(len(w.queue)))
	if len(w.queue) > 0 {
		return w.queue[0].Sequence - 1
	}
	return w.next - 1
}

// words returns an error's text, cut to what is worth keeping.
func words(err error) string {
	s := err.Error()
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}
