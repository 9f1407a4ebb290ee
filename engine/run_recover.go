package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"kelpie/alert"
	"kelpie/source"
)

// newLoop makes the loop with an engine that stands where the store was committed last.
func newLoop(s *Service) (*loop, error) {
	l := &loop{
		s: s, book: alert.NewBook(s.o.Store), commits: newCommitter(s),
		recovered: make(chan struct{}), gone: make(chan struct{}), in: make(chan delivery), took: make(chan struct{}, 1),
		loaded: make(chan loadedRules, 1), tally: newTally(s.o.Inputs), pace: Pace{Gather: s.o.Commit},
		moved: map[source.Partition][]byte{},
	}
	l.deduped = deduped(s.o.Inputs)
	l.passed = func(p source.Partition, mark []byte) {
		l.s.marks.set(p, mark)
		l.moved[p] = mark
	}
	l.lacks = func(r *source.Run, why string) {
		l.s.o.Logger.Error("kelpie: records are lost", "partition", r.Partition.String(), "from", r.From, "to", r.To, "why", why)
	}
	if err := l.noted.load(s.o.Store); err != nil {
		return nil, err
	}
	l.layout = l.noted.layout
	maps.Copy(l.tally.Quiet, l.noted.Quiet)
	if err := l.loadTrail(); err != nil {
		return nil, err
	}
	v, err := l.firstVersion()
	if err != nil {
		return nil, err
	}
	f, err := l.resumeFill(v)
	if err != nil {
		return nil, err
	}
	return l, l.install(v, f)
}

// dedupes returns how events that come again are known, each once.
func dedupes(inputs []Input) (all []Dedupe) {
	for _, in := range inputs {
		if in.Dedupe.Name != "" && !slices.ContainsFunc(all, func(d Dedupe) bool { return d.Name == in.Dedupe.Name }) {
			all = append(all, in.Dedupe)
		}
	}
	return all
}

// deduped returns the names of the inputs' Dedupe by the origins of their records.
func deduped(inputs []Input) map[string]string {
	names := map[string]string{}
	for _, in := range inputs {
		switch d := in.Dedupe.Name; {
		case d == "":
		case in.Stream != nil:
			names[streamOrigin(in.Name)] = d
		case in.Partition != "":
			names[in.Partition] = d
		default:
			for _, place := range in.Places {
				names[place] = d
			}
		}
	}
	return names
}

// install plans a set of rules and makes an engine for it that stands where the store was committed last. f are windows
// that were filled for it, and is closed.
func (l *loop) install(v *version, f *fill) (err error) {
	if f != nil {
		defer func() { err = errors.Join(err, f.close()) }()
	}
	units, err := LoadUnits(l.s.o.Store)
	if err != nil {
		return err
	}
	p, err := v.plan(units)
	if err != nil {
		return err
	}
	filled, err := l.sideOf(f)
	if err != nil {
		return err
	}
	began, rewritten := l.now(), int64(0)
	e, err := Recover(p, units, l.s.o.Store, Options{
		Shards: l.s.o.Shards, KeepUpdates: true, Filled: filled, Migrated: func(rows int64) { rewritten = rows }, Dedupe: dedupes(l.s.o.Inputs),
	})
	if err != nil {
		return err
	}
	if rewritten > 0 {
		l.s.o.Logger.Info("kelpie: rows rewritten for other rules", "rows", rewritten, "took", l.now().Sub(began))
	}
	if l.engine != nil {
		e.goOnCounting(l.engine)
	}
	l.engine, l.rules = e, cmp.Or(v.name, p.Fingerprint())
	l.divide()
	for _, p := range e.partitions {
		if !p.inLog() {
			l.s.marks.set(partitionOf(p.stream), p.mark)
		}
	}
	return l.check()
}

// orphans returns the partitions that the watermark waits for though no input belongs to them any more.
func (l *loop) orphans() (names []string) {
	common := false
	for _, in := range l.s.o.Inputs {
		common = common || in.Partition == ""
	}
	for _, name := range l.layout.Parts {
		if _, ok := l.own[name]; !ok && !l.engine.partitions[l.known[name]].idle {
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
	outer := l.reading
	l.reading = stop
	p := newPast(l.s.o.Log, max(l.engine.readFrom(), l.s.o.Log.FirstOffset()), to, l.s.again)
	p.has = l.has
	defer func() {
		l.reading = outer
		err = errors.Join(err, p.close())
	}()
	for stop.Err() == nil {
		x, err := p.next(stop)
		switch {
		case errors.Is(err, io.EOF) || err != nil && stop.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("engine: recover: %w", err)
		}
		if err := l.foldAgain(x, p.lost); err != nil {
			return err
		}
		if err := l.settle(); err != nil {
			return err
		}
	}
	return nil
}

// foldAgain folds a stretch that is in the log already, and notes which of its records are not to be had any more.
func (l *loop) foldAgain(x *stretch, lost string) error {
	if err := l.fold(x); err != nil || lost == "" {
		return err
	}
	fx := &Effects{}
	l.refuseLost(fx, x.run, lost)
	l.tally.count(&stretch{kind: x.kind, input: x.of}, fx)
	return l.take(fx)
}
