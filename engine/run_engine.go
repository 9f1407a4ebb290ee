package engine

import (
	"slices"

	"kelpie/event"
	"kelpie/source"
	"kelpie/state"
)

// logPosition is where the records of a part of the log stand. Part 0 is what has no part of its own; the others are
// those of sources that are partitions. All share the log's offsets.
func logPosition(part int32) event.Position {
	return event.Position{Stream: source.LogStream, Partition: part, Kind: event.LogPosition}
}

// logPart returns the number of a part of the log. A new one is registered as read up to where the others are.
func (e *Engine) logPart(part int32) int {
	at, known := e.readUpTo(), len(e.partitions)
	i := e.Partition(logPosition(part))
	if i == known {
		p := e.partitions[i]
		p.next, p.read = at, at
	}
	return i
}

// findLogPart returns the number of a part of the log, if it is registered.
func (e *Engine) findLogPart(part int32) (i int, ok bool) {
	i = slices.IndexFunc(e.partitions, func(p *partition) bool { return p.stream == logPosition(part) })
	return i, i >= 0
}

// inLog reports whether the partition's records stand in our log, and not in one elsewhere.
func (p *partition) inLog() bool { return p.stream.Kind == event.LogPosition }

// readFrom returns the offset in the log at which reading stands: after a recovery, from where on it is to be read again.
func (e *Engine) readFrom() int64 {
	from := int64(state.Never)
	for _, p := range e.partitions {
		if p.inLog() {
			from = min(from, p.next)
		}
	}
	if from == state.Never {
		return 0
	}
	return from
}

// neededFrom returns the offset in the log from which on a checkpoint that is made now needs it.
func (e *Engine) neededFrom() int64 {
	from := e.readFrom()
	least := e.leastWaiting()
	for i, p := range e.partitions {
		if p.inLog() {
			from = min(from, least[i])
		}
	}
	return min(from, e.heldFrom(least))
}

// leastWaiting returns, by partition, the least offset of an event that waits; state.Never where none does.
func (e *Engine) leastWaiting() []int64 {
	least := make([]int64, len(e.partitions))
	for i := range least {
		least[i] = state.Never
	}
	for i := range e.waiting {
		seq := e.waiting[i].seq
		k := seq >> offsetBits
		least[k] = min(least[k], int64(seq&(1<<offsetBits-1)))
	}
	return least
}

// readUpTo returns the offset in the log below which everything has been read.
func (e *Engine) readUpTo() (at int64) {
	for _, p := range e.partitions {
		if p.inLog() {
			at = max(at, p.read)
		}
	}
	return at
}

// Pass notes that reading the log has come to an offset, in all its parts: between the events of one stand those of
// others, and records that are no events.
func (e *Engine) Pass(offset int64) {
	for _, p := range e.partitions {
		if p.inLog() {
			p.next = offset
			p.read = max(p.read, offset)
		}
	}
}

// Due returns the watermark at which something happens without an event; state.Never if nothing is due.
func (e *Engine) Due() int64 {
	due := int64(state.Never)
	for _, sh := range e.shards {
		for _, ts := range sh.timers {
			due = min(due, ts.next())
		}
	}
	if len(e.waiting) > 0 {
		due = min(due, e.waiting[0].t+1)
	}
	return due
}

// settled reports whether the end of the input, as End takes it, would change nothing.
func (e *Engine) settled() bool { return e.newest == none || len(e.waiting) == 0 && e.w >= e.newest }
