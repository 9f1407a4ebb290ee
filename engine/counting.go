package engine

import "math"

// nothing of a stride counts: the index of an event that does not come.
const nothing = math.MaxInt64

// counting is from when on what is done counts. Events of a history that are earlier only fill windows. What comes from the
// first event on that is not earlier counts, in fold order, but not what it makes due itself: so the counts do not depend on
// shards and strides.
type counting struct {
	from   int64  // Options.CountFrom, or none
	begun  bool   // such an event has been folded
	at     int64  // index of the first event that counts; -1: it has been in a stride before
	warmup uint64 // events that were folded and are earlier
}

// number gives the events of the stride their indexes, and finds the first one that counts.
func (e *Engine) number() {
	c := &e.counting
	c.at = -1
	if !c.begun {
		c.at = nothing
	}
	for i := range e.evs {
		ev := &e.evs[i]
		ev.index = uint32(i)
		if ev.t < c.from {
			c.warmup++
		} else if !c.begun {
			c.begun, c.at = true, int64(i)
		}
	}
}

// countAt begins to count what is done in a lane, if the event with an index counts. What is due before an event comes at the
// index before.
func (sh *shard) countAt(l *lane, index int64) {
	if sh.counts[l.id] || index < sh.engine.counting.at {
		return
	}
	sh.counts[l.id] = true
	for i, rp := range sh.engine.plan.rules {
		if rp.scope.dim.lane == l {
			sh.count.forget(i)
		}
	}
}

// behind is how far events were out of order.
type behind struct {
	oldest int64 // event time
	most   int64 // ms behind the newest event time, of partitions as the watermark takes them
	late   int64 // events that came behind the watermark
}

// see takes in an event that comes while the watermark is w.
func (b *behind) see(w, disorder, t int64) {
	b.oldest = min(b.oldest, t)
	if w == none || t >= w+disorder {
		return
	}
	b.most = max(b.most, w+disorder-t)
	if t < w {
		b.late++
	}
}
