package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	Input    string             `json:"input"`
	Assigned []source.Partition `json:"assigned"` // in order
}

// runRecord is the payload of a journal.RecordsRead record.
type runRecord struct {
	Input string `json:"input"`
	source.Run
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

// assign registers partitions, in the order in which ties between them are broken, and has the watermark wait for them.
func (l *loop) assign(x *stretch) error {
	for i := range x.lines {
		var r partitionsRecord
		if err := json.Unmarshal(x.payload(i), &r); err != nil {
			return fmt.Errorf("engine: log@%d: %w", x.lines[i].Offset, err)
		}
		for _, p := range r.Assigned {
			l.engine.Wake(l.streamNumber(p))
		}
	}
	return nil
}

// streamNumber returns the engine's number of a stream's partition.
func (l *loop) streamNumber(p source.Partition) int {
	i := l.engine.Partition(streamPosition(p, 0))
	l.known[streamPart(p)] = i
	return i
}

// stepRun folds the records of a run.
func (l *loop) stepRun(x *stretch) (*Effects, error) {
	e, fresh := l.engine, x.logged >= l.engine.readUpTo()
	part := l.streamNumber(x.run.Partition)
	switch {
	case !fresh:
		part = e.partitionAt(streamPosition(x.run.Partition, 0), x.logged)
	case x.run.Anew:
		part = e.renew(part, x.logged)
		l.known[streamPart(x.run.Partition)] = part
	}
	fx := &Effects{}
	if len(x.lines) > 0 {
		if x.beside != nil && e.plan.namesBeside() {
			x.buf, x.lines = x.beside()
		}
		var err error
		if fx, err = e.Step(&Batch{Partition: part, Buf: x.buf, Lines: l.linesOf(x)}); err != nil {
			return fx, err
		}
	}
	e.passRun(part, x.run, x.logged)
	if fresh {
		l.refuseLost(fx, x.run, x.run.Gap)
		l.s.marks.set(x.run.Partition, x.run.Mark)
		l.moved[x.run.Partition] = x.run.Mark
	}
	return fx, nil
}

// linesOf returns where the records of a run stand, each with its own times.
func (l *loop) linesOf(x *stretch) []Line {
	l.lines = l.lines[:0]
	for i, r := range x.lines {
		n := Line{Start: r.Start, End: r.End, Offset: r.Offset, Appended: x.appended}
		if x.stamps != nil {
			n.Created = x.stamps[i].Created
			if at := x.stamps[i].Appended; at != 0 {
				n.Appended = at
			}
		}
		l.lines = append(l.lines, n)
	}
	return l.lines
}

// refuseLost puts records that are not to be had any more into the list of what was refused.
func (l *loop) refuseLost(fx *Effects, r *source.Run, why string) {
	if why == "" {
		return
	}
	l.s.o.Logger.Error("kelpie: records are lost", "partition", r.Partition.String(), "from", r.From, "to", r.To, "why", why)
	fx.Rejected = append(fx.Rejected, Rejection{Position: streamPosition(r.Partition, r.From), Reason: event.Lost, Detail: why})
}

// foldAgain folds the runs that records of our log note: it reads them again from their streams.
func (l *loop) foldAgain(x *stretch) error {
	for i := range x.lines {
		y := stretch{kind: x.kind, input: replayed, appended: x.appended, logged: x.lines[i].Offset}
		var r runRecord
		if err := json.Unmarshal(x.payload(i), &r); err != nil {
			return fmt.Errorf("engine: log@%d: %w", y.logged, err)
		}
		y.run = &r.Run
		lost, err := l.readAgain(&y, r.Input)
		if err != nil {
			return err
		}
		if err := l.fold(&y); err != nil {
			return err
		}
		if lost != "" {
			fx := &Effects{}
			l.refuseLost(fx, y.run, lost)
			if err := l.take(fx); err != nil {
				return err
			}
			l.tally.count(&stretch{kind: x.kind, input: r.Input}, fx)
		}
	}
	return nil
}

// readAgain reads the records of a run, if the state does not have them.
func (l *loop) readAgain(x *stretch, input string) (lost string, err error) {
	at := l.engine.partitionAt(streamPosition(x.run.Partition, 0), x.logged)
	known := x.logged < l.engine.readUpTo() && at >= 0 && l.engine.partitions[at].next >= x.run.To
	if x.run.Records == 0 || known {
		return "", nil
	}
	records, err := l.recordsOf(input)
	if err != nil {
		return "", fmt.Errorf("engine: log@%d: records of %s are needed again: %w", x.logged, x.run.Partition, err)
	}
	b, lost, err := records.Read(l.reading, x.run)
	if err != nil {
		return "", fmt.Errorf("engine: log@%d: read %s again: %w", x.logged, x.run.Partition, err)
	}
	x.buf, x.lines, x.stamps, x.beside = b.Buf, b.Lines, b.Stamps, b.Beside
	return lost, nil
}

// recordsOf returns what reads the records of an input again.
func (l *loop) recordsOf(input string) (source.Records, error) {
	if r := l.records[input]; r != nil {
		return r, nil
	}
	i := slices.IndexFunc(l.s.o.Inputs, func(in Input) bool { return in.Name == input && in.Stream != nil })
	if i < 0 {
		return nil, fmt.Errorf("the source %q, which had read them, is not configured any more: configure it until they are folded, or delete the state and the log", input)
	}
	r, err := l.s.o.Inputs[i].Records()
	if err != nil {
		return nil, err
	}
	l.records[input] = r
	l.s.again.set(input, r)
	return r, nil
}

// closeRecords ends what reads records again; a later recovery opens it anew.
func (l *loop) closeRecords() (err error) {
	for name, r := range l.records {
		l.s.again.set(name, nil)
		err = errors.Join(err, r.Close())
		delete(l.records, name)
	}
	return err
}

// again is what reads records of streams once more at the moment, by input. Any goroutine may ask what holds it up.
type again struct {
	mu  sync.Mutex
	all map[string]source.Records
}

func (a *again) set(input string, r source.Records) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string]source.Records{}
	}
	if a.all[input] = r; r == nil {
		delete(a.all, input)
	}
}

func (a *again) problems() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(a.all)) {
		for _, what := range a.all[name].Problems() {
			all = append(all, fmt.Sprintf("input %s, read again: %s", name, what))
		}
	}
	return all
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
