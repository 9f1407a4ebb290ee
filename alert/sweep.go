package alert

import (
	"context"
	"time"

	"kelpie/state"
)

// sweepSize is how many messages are deleted in one commit.
const sweepSize = 4096

// sweep deletes the oldest messages of the outbox when all receivers have been done with them for the retention.
func (d *Dispatcher) sweep(ctx context.Context) error {
	for {
		changed := d.changed()
		old, due, err := d.oldMessages(d.now())
		if err != nil {
			return err
		}
		if len(old) > 0 {
			if err := d.deleteMessages(old); err != nil {
				return err
			}
			continue
		}
		if err := d.waitFor(ctx, changed, due); err != nil {
			return nil
		}
	}
}

// waitFor waits until due, or, where that is zero, until something has changed. The error is that ctx is done.
func (d *Dispatcher) waitFor(ctx context.Context, changed <-chan struct{}, due time.Time) error {
	if due.IsZero() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			return nil
		}
	}
	timer := time.NewTimer(due.Sub(d.now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// oldMessages returns the messages that may be deleted and, if there are none, when the oldest one may be: zero if
// some receiver is not done with it yet.
func (d *Dispatcher) oldMessages(now time.Time) (old []state.Message, due time.Time, err error) {
	upTo := d.doneUpTo()
	err = d.store.Outbox(0, func(m state.Message) (bool, error) {
		if m.Sequence > upTo {
			return false, nil
		}
		ds, err := d.store.Deliveries(m.Sequence)
		if err != nil {
			return false, err
		}
		var done int64
		for _, x := range ds {
			done = max(done, x.Done)
		}
		if at := time.UnixMilli(done).Add(d.options.Retention); done > 0 && now.Before(at) {
			due = at
			return false, nil
		}
		old = append(old, m)
		return len(old) < sweepSize, nil
	})
	if len(old) > 0 {
		due = time.Time{}
	}
	return old, due, err
}

func (d *Dispatcher) deleteMessages(old []state.Message) error {
	b := d.store.NewBatch()
	defer b.Close()
	b.DeleteMessages(old)
	return d.store.Commit(b, false)
}
