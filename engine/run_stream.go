package engine

import (
	"cmp"
	"slices"
	"sync"

	"kelpie/event"
	"kelpie/source"
	"kelpie/state"
)

// A stream (source.Stream: Kafka) is a log elsewhere. Its records are not copied to our log, which keeps in their place that
// a run of them was read: RecordsRead. So our log is the one order in which everything was folded, ticks and rules between
// the runs, and a replay reads the records again where they are and folds them at the same place. The place in a stream is
// part of the checkpoint, like everything else that a commit makes true.

// partitionsRecord is the payload of a journal.PartitionsAssigned record.
type partitionsRecord struct {
	Input    string             `json:"input,omitempty"`
	Assigned []source.Partition `json:"assigned,omitempty"` // in order
	Log      *layout            `json:"log,omitempty"`      // in place of these: how the log itself is divided
}

// Marks are how far the partitions of streams were read, as their streams write it. Any goroutine may ask.
type marks struct {
	mu sync.Mutex
	at map[source.Partition][]byte
}

func (m *marks) set(p source.Partition, mark []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == nil {
		m.at = map[source.Partition][]byte{}
	}
	m.at[p] = mark
}

// all returns the marks that there are; they are not changed any more.
func (m *marks) all() map[source.Partition][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[source.Partition][]byte, len(m.at))
	for p, mark := range m.at {
		all[p] = mark
	}
	return all
}

// streamPart is the name of a stream's partition where partitions are named.
func streamPart(p source.Partition) string { return "stream " + p.String() }

func partitionOf(p event.Position) source.Partition {
	return source.Partition{Stream: p.Stream, ID: p.Partition}
}

func streamPosition(p source.Partition, offset int64) event.Position {
	return event.Position{Stream: p.Stream, Partition: p.ID, Offset: offset, Kind: event.KafkaPosition}
}

// streamNumber returns the engine's number of a stream's partition.
func (c *course) streamNumber(p source.Partition) int {
	i := c.engine.Partition(streamPosition(p, 0))
	c.known[streamPart(p)] = i
	return i
}

// stepRun folds the records of a run.
func (c *course) stepRun(x *stretch) (*Effects, error) {
	e, fresh := c.engine, x.logged >= c.engine.readUpTo()
	part := c.streamNumber(x.run.Partition)
	switch {
	case !fresh:
		part = e.partitionAt(streamPosition(x.run.Partition, 0), x.logged)
	case x.run.Anew:
		part = e.renew(part, x.logged)
		c.known[streamPart(x.run.Partition)] = part
	}
	fx := &Effects{}
	if len(x.lines) > 0 {
		if x.beside != nil && e.plan.namesBeside() {
			x.buf, x.lines = x.beside()
		}
		c.lines = x.runLines(c.lines[:0])
		var err error
		if fx, err = e.Step(&Batch{Partition: part, Buf: x.buf, Lines: c.lines, Source: c.deduped[streamOrigin(cmp.Or(x.of, x.input))]}); err != nil {
			return fx, err
		}
	}
	e.passRun(part, x.run, x.logged)
	if fresh {
		c.refuseLost(fx, x.run, x.run.Gap)
		if c.passed != nil {
			c.passed(x.run.Partition, x.run.Mark)
		}
	}
	return fx, nil
}

// refuseLost puts records that are not to be had any more into the list of what was refused.
func (c *course) refuseLost(fx *Effects, r *source.Run, why string) {
	if why == "" {
		return
	}
	if c.lacks != nil {
		c.lacks(r, why)
	}
	fx.Rejected = append(fx.Rejected, Rejection{Position: streamPosition(r.Partition, r.From), Reason: event.Lost, Detail: why})
}

// has reports whether the state has the records of a run, which our log notes at an offset.
func (c *course) has(r *source.Run, logged int64) bool {
	at := c.engine.partitionAt(streamPosition(r.Partition, 0), logged)
	return logged < c.engine.readUpTo() && at >= 0 && c.engine.partitions[at].next >= r.To
}

// tellStreams tells the streams how far what they gave is durable.
func (l *loop) tellStreams(moved map[source.Partition][]byte) {
	for _, t := range l.s.intake.streams {
		for p, mark := range moved {
			t.committed(p, mark)
		}
	}
}

// heldRun is a run of which an event may wait (order: time).
type heldRun struct {
	at   int64 // offset in our log of the record that notes it
	part int
	to   int64 // offset behind it in its partition
}

// streamOrigin is the name of a stream where names of origins in our log are.
func streamOrigin(input string) string { return "stream " + input }

// passRun notes that a run has been read.
func (e *Engine) passRun(part int, r *source.Run, at int64) {
	p := e.partitions[part]
	p.next = max(p.next, r.To)
	if r.To >= p.read {
		p.read, p.mark = r.To, r.Mark
	}
	if e.plan.Time.ByTime && r.Records > 0 {
		e.runs = append(e.runs, heldRun{at, part, r.To})
	}
}

// heldFrom returns the offset in our log of the first run of which an event waits, state.Never if none does. least is
// leastWaiting. It forgets the runs before.
func (e *Engine) heldFrom(least []int64) int64 {
	e.runs = slices.DeleteFunc(e.runs, func(r heldRun) bool { return least[r.part] >= r.to })
	if len(e.runs) == 0 {
		return state.Never
	}
	return e.runs[0].at
}

// renew puts another partition in the place of one of the same name, as of an offset of our log, if that one has been read:
// their offsets have nothing to do with each other.
func (e *Engine) renew(part int, at int64) int {
	old := e.partitions[part]
	if old.read == 0 {
		return part
	}
	old.idle = true
	e.partitions = append(e.partitions, &partition{stream: old.stream, newest: none, since: at})
	return len(e.partitions) - 1
}

// namesBeside reports whether a rule or a table reads what streams know beside events.
func (p *Plan) namesBeside() bool {
	return slices.ContainsFunc(p.Schema.Paths, func(path event.Path) bool { return path[0] == source.BesideName })
}
