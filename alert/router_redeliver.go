package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kelpie/state"
)

// ErrNothingSent says that a receiver has been sent nothing about an alert that could be sent again.
var ErrNothingSent = errors.New("nothing about this alert is kept that was sent there")

// ErrNoReceivers says that there are no receivers of groups.
var ErrNoReceivers = errors.New("no receivers are configured")

// Redeliver sends the newest notification about an alert once more, under its key, to the receiver of this name (team, or
// team/slack for one of its notifiers), or with "" to all that were told: what was given up, what waits to be tried again,
// and what has been delivered. It returns how many are on their way now.
func (d *Dispatcher) Redeliver(ctx context.Context, alert, receiver string) (n int, err error) {
	if d.router == nil {
		return 0, fmt.Errorf("alert: redeliver: %w", ErrNoReceivers)
	}
	done := make(chan struct{})
	call := func() {
		defer close(done)
		n, err = d.router.redeliver(alert, receiver, d.now())
	}
	select {
	case d.router.calls <- call:
	case <-ctx.Done():
		return 0, fmt.Errorf("alert: redeliver: %w", context.Cause(ctx))
	}
	<-done
	if err == nil && n == 0 {
		err = fmt.Errorf("alert: redeliver: %w", ErrNothingSent)
	}
	return n, err
}

func (r *router) redeliver(alert, receiver string, now time.Time) (n int, err error) {
	seqs, err := r.store.NotificationsOf(alert)
	if err != nil {
		return 0, err
	}
	b := r.store.NewBatch()
	defer b.Close()
	seen := map[string]bool{}
	var again []*parcel
	for _, seq := range slices.Backward(seqs) {
		v, err := r.store.Outcome(seq)
		if err != nil || v == nil {
			return 0, err
		}
		p := &parcel{seq: seq}
		if err := decodeRow("outcome", fmt.Sprint(seq), v, &p.Outcome); err != nil {
			return 0, err
		}
		p.lane = r.lanes[p.Receiver]
		if p.lane == nil || seen[p.Receiver] || receiver != "" && receiver != p.lane.receiver && receiver != p.lane.name {
			continue
		}
		seen[p.Receiver] = true
		if p, err = r.again(b, p, now); err != nil {
			return 0, err
		}
		again = append(again, p)
	}
	if err := r.store.Commit(b, true); err != nil {
		return 0, err
	}
	for _, p := range again {
		if !slices.Contains(p.lane.queue, p) {
			p.lane.queue = append(p.lane.queue, p)
		}
	}
	return len(again), nil
}

// again makes a notification due: the one that is on its way, or p.
func (r *router) again(b *state.Batch, p *parcel, now time.Time) (*parcel, error) {
	p.lane.rest, p.lane.failed = time.Time{}, 0
	for _, other := range p.lane.queue {
		if other.seq == p.seq {
			p = other
		}
	}
	p.Made, p.Next, p.Done, p.GivenUp = now.UnixMilli(), 0, 0, false
	return p, p.write(b)
}
