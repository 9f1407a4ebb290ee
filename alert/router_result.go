package alert

import (
	"context"
	"errors"
	"slices"
	"time"
)

// took takes in how an attempt has ended. It is committed by the next round, and need not be synced: what a crash takes away
// is sent once more, under the same key.
func (r *router) took(ctx context.Context, x result) {
	l, now := x.lane, r.d.now()
	l.busy, x.busy = false, false
	if x.err == nil {
		l.failed = 0
		r.delivered(x)
		return
	}
	if ctx.Err() != nil {
		return // not an attempt that counts
	}
	t := Try{At: now.UnixMilli(), Error: words(x.err)}
	var e *DeliveryError
	if errors.As(x.err, &e) {
		t.Code = e.Code
	}
	if Permanent(x.err) || !now.Before(time.UnixMilli(x.Made).Add(l.giveUp)) {
		l.failed = 0
		r.giveUp(x.parcel, t)
		return
	}
	r.failed(x, t, now)
}

// failed notes an attempt that is to be repeated.
func (r *router) failed(x result, t Try, now time.Time) {
	l, p := x.lane, x.parcel
	p.attempt(t)
	l.failures++
	wait := l.backoff.after(p.Attempts)
	if after := RetryAfter(x.err); after > 0 {
		wait = max(wait, after)
		l.rest = now.Add(after)
	}
	if l.failed++; l.failed >= failRow {
		l.rest = later(l.rest, now.Add(l.backoff.after(l.failed-failRow+1)))
	}
	p.Next = min(now.Add(wait).UnixMilli(), time.UnixMilli(p.Made).Add(l.giveUp).UnixMilli())
	r.d.options.Log.Warn("alert: delivery failed, will be tried again",
		"receiver", l.name, "notification", p.Key, "attempt", p.Attempts, "error", x.err)
	r.ended = append(r.ended, p)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// delivered notes that a receiver has got a notification.
func (r *router) delivered(x result) {
	now := r.d.now()
	x.lane.sent(now)
	x.lane.delivered++
	r.done(x.parcel, Try{At: now.UnixMilli()}, func(m *member) {
		m.Told, m.Missed = m.Telling, false
	}, x.memo)
}

// giveUp notes that a notification is not tried any more. Its alerts count as told, so that the group goes on, but will
// be new in the next one.
func (r *router) giveUp(p *parcel, t Try) {
	p.lane.givenUp++
	p.GivenUp = true
	r.d.options.Log.Error("alert: delivery given up",
		"receiver", p.lane.name, "notification", p.Key, "attempts", p.Attempts+1, "error", t.Error)
	r.done(p, t, func(m *member) {
		m.Missed = m.Told == unknown || m.Missed
		m.Told = m.Telling
	}, "")
}

// done ends the way of a notification: told says what that means for each alert that it was about.
func (r *router) done(p *parcel, t Try, told func(*member), memo string) {
	p.attempt(t)
	p.Done, p.Next = t.At, 0
	p.lane.queue = slices.DeleteFunc(p.lane.queue, func(other *parcel) bool { return other == p })
	for _, id := range p.Groups {
		if g := r.groups[id]; g != nil && g.row.Open == p.seq {
			r.closeGroup(g, p, told, memo)
		}
	}
	r.ended = append(r.ended, p)
}

func (r *router) closeGroup(g *group, p *parcel, told func(*member), memo string) {
	g.row.Open, g.changed = 0, true
	if p.Kind != KindDigest && memo != "" {
		g.row.Memo = memo
	}
	known, next := false, ""
	for id, m := range g.members {
		if m.Telling != unknown {
			told(m)
			m.Telling, m.changed = unknown, true
		}
		if !m.holdable() {
			m.Held = ""
		}
		if m.over() {
			continue
		}
		known = known || m.Told != unknown
		if next == "" || id < next {
			next = id
		}
	}
	if !known && next != "" { // what is left is another incident
		g.row.Name, g.row.Born = hash("life", g.row.Name, next), p.Done
		g.row.Number, g.row.Alone, g.row.Memo = 0, false, ""
	}
	r.touch(g)
}
