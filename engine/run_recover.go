package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"kelpie/alert"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
)

// newLoop makes the loop with an engine that stands where the store was committed last.
func newLoop(s *Service) (*loop, error) {
	l := &loop{
		s: s, book: alert.NewBook(s.o.Store), commits: newCommitter(s),
		recovered: make(chan struct{}), gone: make(chan struct{}), in: make(chan delivery), took: make(chan struct{}, 1),
		loaded: make(chan loadedRules, 1), tally: newTally(s.o.Inputs), pace: Pace{Gather: s.o.Commit},
		records: map[string]source.Records{}, moved: map[source.Partition][]byte{},
	}
	if err := l.noted.load(s.o.Store); err != nil {
		return nil, err
	}
	maps.Copy(l.tally.Quiet, l.noted.Quiet)
	return l, l.install(s.o.Rules)
}

// install plans a set of rules and makes an engine for it that stands where the store was committed last.
func (l *loop) install(set *rules.Set) error {
	units, err := LoadUnits(l.s.o.Store)
	if err != nil {
		return err
	}
	p, err := NewPlan(set, l.s.o.Event, l.s.o.Time, units)
	if err != nil {
		return err
	}
	began, rewritten := l.now(), int64(0)
	e, err := Recover(p, units, l.s.o.Store, Options{
		Shards: l.s.o.Shards, KeepUpdates: true, Migrated: func(rows int64) { rewritten = rows },
	})
	if err != nil {
		return err
	}
	if rewritten > 0 {
		l.s.o.Logger.Info("kelpie: rows rewritten for other rules", "rows", rewritten, "took", l.now().Sub(began))
	}
	l.engine, l.rules = e, p.Fingerprint()
	l.divide()
	return l.check()
}

// divide registers the partitions of the log: those that inputs are, those that inputs were, and the common one, if some
// input belongs to it.
func (l *loop) divide() {
	l.parts, l.known = map[string]int{}, map[string]int{}
	for i, name := range l.noted.Parts {
		l.known[name] = l.engine.logPart(int32(i + 1))
	}
	for i, p := range l.engine.partitions {
		if !p.inLog() {
			l.known[streamPart(partitionOf(p.stream))] = i
		}
	}
	for _, in := range l.s.o.Inputs {
		switch {
		case in.Stream != nil:
			continue
		case in.Partition == "":
			l.known[commonPart] = l.engine.logPart(0)
			continue
		}
		i, ok := l.known[in.Partition]
		if !ok {
			l.noted.Parts = append(l.noted.Parts, in.Partition)
			i = l.engine.logPart(int32(len(l.noted.Parts)))
			l.known[in.Partition] = i
		}
		l.parts[in.Partition] = i
	}
	if _, ok := l.engine.findLogPart(0); !ok && len(l.parts) == 0 { // it says how far our log was read, and is not waited for
		l.engine.partitions[l.engine.logPart(0)].idle = true
	}
	for _, p := range l.engine.partitions {
		if !p.inLog() {
			l.s.marks.set(partitionOf(p.stream), p.mark)
		}
	}
}

// part returns the engine's partition for what comes from a source of that name: its own, if it is one, or the common
// one.
func (l *loop) part(name string) int {
	if i, ok := l.parts[name]; ok {
		return i
	}
	return l.engine.logPart(0)
}

// partNamed returns the engine's partition that a TimeAdvanced record names.
func (l *loop) partNamed(name string) int {
	if i, ok := l.known[name]; ok {
		return i
	}
	return l.engine.logPart(0)
}

// orphans returns the partitions that the watermark waits for though no input belongs to them any more.
func (l *loop) orphans() (names []string) {
	common := false
	for _, in := range l.s.o.Inputs {
		common = common || in.Partition == ""
	}
	for _, name := range l.noted.Parts {
		if _, ok := l.parts[name]; !ok && !l.engine.partitions[l.known[name]].idle {
			names = append(names, name)
		}
	}
	if i, ok := l.engine.findLogPart(0); ok && !common && !l.engine.partitions[i].idle {
		names = append(names, commonPart)
	}
	return names
}

// check makes sure that the log holds what the state needs.
func (l *loop) check() error {
	log := l.s.o.Log
	from, read, first, next := l.engine.readFrom(), l.engine.readUpTo(), log.FirstOffset(), log.NextOffset()
	switch {
	case read > next:
		return fmt.Errorf("engine: the state has read the log up to record %d, and the log ends before record %d: it is not the log of this state, "+
			"or a part of it is lost: restore the log, or delete the state, which is then made anew from what is there", read, next)
	case from >= first:
	case read == 0:
		l.s.o.Logger.Warn("kelpie: the state is new, and the beginning of the log has been removed by retention", "first", first)
		l.engine.Pass(first)
	default:
		return fmt.Errorf("engine: the state needs the log from record %d on, and it begins with record %d: restore the segments before it, "+
			"or delete the state, which is then made anew from what is there", from, first)
	}
	return nil
}

// recover folds what is in the log beyond the checkpoint.
func (l *loop) recover(stop context.Context) error {
	l.s.enter(Recovering)
	began, from := l.now(), l.engine.readFrom()
	l.synced, l.minute = began, l.s.o.Clock.After(retainEvery)
	l.tally.sentUpTo(l.s.o.Store.LastMessage(), began) // when they were committed is not known any more
	if err := l.welcome(); err != nil {
		return err
	}
	next := l.s.o.Log.NextOffset()
	l.publish()
	if err := l.catchUp(stop, next); err != nil {
		return err
	}
	if stop.Err() != nil {
		return nil // nothing may be folded before all that waited has been read again
	}
	if err := l.announce(stop); err != nil && stop.Err() == nil {
		return err
	}
	l.s.intake.forsaken = l.orphans()
	l.beat()
	l.s.o.Logger.Info("kelpie: recovered", "rules", len(l.engine.plan.rules), "from", from, "next", next, "took", l.now().Sub(began))
	l.s.enter(Running)
	return nil
}

// catchUp folds the log from where the engine needs it up to an offset.
func (l *loop) catchUp(stop context.Context, to int64) (err error) {
	l.reading = stop
	defer func() { err = errors.Join(err, l.closeRecords()) }()
	from := max(l.engine.readFrom(), l.s.o.Log.FirstOffset())
	r := l.s.o.Log.NewReader(from)
	defer func() { err = errors.Join(err, r.Close()) }()
	var b journal.Block
	for r.Offset() < to && stop.Err() == nil {
		err := r.Next(stop, &b)
		if errors.Is(err, io.EOF) || err != nil && stop.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("engine: recover: %w", err)
		}
		if err := l.foldBlock(&b); errors.Is(err, context.Canceled) && stop.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		if err := l.settle(); err != nil {
			return err
		}
	}
	return nil
}

// foldBlock folds the records of a block.
func (l *loop) foldBlock(b *journal.Block) error {
	lines := b.Lines
	for _, run := range b.Runs {
		x := stretch{kind: run.Kind, origin: run.Source, input: replayed, appended: b.Appended, buf: b.Buf, lines: lines[:run.Count]}
		lines = lines[run.Count:]
		fold := l.fold
		if run.Kind == journal.RecordsRead {
			fold = l.foldAgain
		}
		if err := fold(&x); err != nil {
			return err
		}
	}
	return nil
}
