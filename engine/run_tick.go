package engine

import (
	"time"

	"kelpie/source"
	"kelpie/state"
)

// How often the service ticks while all inputs are silent: at once when a tick makes something happen, but not oftener
// than ticksApart; otherwise only now and then, since each tick is a record in the log.
const (
	ticksApart  = 250 * time.Millisecond
	ticksAtMost = time.Minute
)

// lookAgain is how often a stream is asked whether it has become quiet.
const lookAgain = 250 * time.Millisecond

// pulse is what the loop tells the intake of event time.
type pulse struct {
	next      int64 // all records below it have been folded
	newest    int64 // the newest event time, ms; none before the first event
	read      int64 // when that event was read: its append time, ms
	watermark int64
	due       int64 // the watermark at which something happens
	waiting   int   // events that wait for the watermark
}

// at returns the watermark of a tick at a time: the newest event time plus the time since it was read, less the disorder.
func (p *pulse) at(now time.Time, disorder int64) int64 {
	return p.newest + now.UnixMilli() - p.read - disorder
}

// when returns the time at which the watermark of a tick would be w.
func (p *pulse) when(w, disorder int64) time.Time {
	return time.UnixMilli(w - p.newest + p.read + disorder)
}

// nextTick returns when the next tick is due, if nothing arrives before; ok is false if none is.
func (n *intake) nextTick() (at time.Time, ok bool) {
	p := n.s.pulse.Load()
	if p == nil || p.newest == none || n.holding() || !n.quiet() {
		return at, false
	}
	disorder := n.s.o.Time.Disorder
	at = n.ticked.Add(ticksAtMost)
	if p.due != state.Never {
		at = earlier(at, p.when(p.due, disorder))
	}
	at = later(at, p.when(p.watermark+1, disorder))
	return later(later(at, n.silentFrom()), n.ticked.Add(ticksApart)), true
}

// tick returns a tick, if one is due.
func (n *intake) tick(now time.Time) *source.Batch {
	at, ok := n.nextTick()
	if !ok || now.Before(at) {
		return nil
	}
	n.ticked = now
	p := n.s.pulse.Load()
	if p.next != n.s.o.Log.NextOffset() {
		return nil // something is on its way
	}
	w := p.at(now, n.s.o.Time.Disorder)
	return n.own(timeRecord{Watermark: &w})
}

// quiet reports whether the streams are known to have nothing to read: while a broker does not answer nobody knows how event
// time goes on.
func (n *intake) quiet() bool {
	for _, r := range n.readers {
		if r.stream == nil {
			continue
		}
		if _, known := r.silence(); !known {
			return false
		}
	}
	return true
}

// holding reports whether something has arrived that is held back.
func (n *intake) holding() bool {
	for _, r := range n.readers {
		if r.held != nil {
			return true
		}
	}
	return false
}

// alarm returns a channel that receives when there may be something to do though nothing has arrived.
func (n *intake) alarm() <-chan time.Time {
	at, ok := n.nextTick()
	if n.s.o.UntilEnd && len(n.streams) > 0 {
		at, ok = n.s.o.Clock.Now().Add(lookAgain), true
	}
	if t, waits := n.nextTurn(); waits && (!ok || t.Before(at)) {
		at, ok = t, true
	}
	for _, r := range n.readers {
		if r.held != nil || r.idle || r.ended || r.in.Partition == "" && !n.waited {
			continue
		}
		since, known := r.silence()
		if !known {
			since = n.s.o.Clock.Now().Add(lookAgain - r.idleAfter())
		}
		if t := since.Add(r.idleAfter()); !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	if !ok {
		return nil
	}
	return n.s.o.Clock.After(max(0, at.Sub(n.s.o.Clock.Now())))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
