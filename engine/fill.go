package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kelpie/journal"
	"kelpie/state"
)

// fill folds the log for the facts of a version that another one has not, into a store of its own. It begins at a mark of the
// trail, with the watermark and the partitions that the state had there, so that at the end it has what a state would have
// that had kept the facts all along: no less than what a rule can still know of.
type fill struct {
	course
	lacks   missing
	spec    fillSpec
	version *version
	old     string // version that has not the facts
	store   *state.Store
	forget  func() error // what the store leaves on the disk; nil: nothing
	again   *rereader
	next    int64 // offset below which everything has been folded
	memory  int64
	lost    bool // some records were not to be had
}

// fillMemory is how many bytes of rows a fill has in memory at most.
const fillMemory = 64 << 20

// newFill returns the fill of what a version has and an old plan has not; nil if that is nothing. store is an empty one with
// the seed of the state; first is how the log is divided at its beginning.
func newFill(v *version, old *Plan, units Units, spec fillSpec, first layout, open func() (*state.Store, func() error, error), inputs []Input) (*fill, error) {
	numbers, ok := units.(*registry)
	if !ok {
		return nil, errors.New("engine: fill: the units are not those of a store")
	}
	all := numbers.parts.clone()
	whole, err := v.plan(all)
	if err != nil {
		return nil, err
	}
	f := &fill{lacks: whole.missingIn(old), spec: spec, version: v, old: old.Fingerprint(), again: newRereader(inputs), memory: fillMemory}
	f.layout, f.deduped = first, deduped(inputs)
	if f.lacks.empty() {
		return nil, nil
	}
	if f.store, f.forget, err = open(); err != nil {
		return nil, err
	}
	if err := f.begin(whole, all); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// begin makes the engine, as it stood at the mark.
func (f *fill) begin(whole *Plan, all parts) error {
	r, err := loadRegistry(f.store)
	if err != nil {
		return err
	}
	r.add(all)
	p, err := f.lacks.sidePlan(f.version, whole, r)
	if err != nil {
		return err
	}
	// An event that came before the mark and comes again is not known to be one: it counts for nothing, as it did (side.since).
	if f.engine, err = Recover(p, r, f.store, Options{Dedupe: dedupes(f.again.inputs)}); err != nil {
		return err
	}
	if k := f.spec.From; k != nil {
		if err := f.engine.restore(k.Check); err != nil {
			return err
		}
		f.layout, f.next = k.Layout, k.At
	}
	f.divide()
	return nil
}

// foldTo folds the log up to an offset. rest is called now and then, and may wait; nil: it does not.
func (f *fill) foldTo(ctx context.Context, log *journal.Log, to int64, rest func() error) (err error) {
	from := log.FirstOffset()
	if f.spec.From != nil || f.next > 0 {
		from = f.engine.readFrom()
	}
	p := newPast(log, from, to, f.again)
	p.has = f.has
	defer func() { err = errors.Join(err, p.close()) }()
	for {
		x, err := p.next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			f.next = max(f.next, to)
			return nil
		case err != nil:
			return fmt.Errorf("engine: fill windows: %w", err)
		}
		f.lost = f.lost || p.lost != ""
		if _, err := f.fold(x); err != nil {
			return fmt.Errorf("engine: fill windows from log@%d: %w", x.first(), err)
		}
		f.engine.Pass(x.next())
		f.next = max(f.next, x.next())
		if err := f.makeRoom(); err != nil {
			return err
		}
		if rest != nil {
			if err := rest(); err != nil {
				return err
			}
		}
	}
}

// makeRoom takes rows out of memory, if they take too much.
func (f *fill) makeRoom() error {
	if f.engine.Memory() <= f.memory {
		return nil
	}
	if err := f.commit(); err != nil {
		return err
	}
	f.engine.Trim(f.memory * 3 / 4)
	return nil
}

func (f *fill) commit() error {
	p := f.engine.Flush()
	if err := f.store.Commit(p.Batch, false); err != nil {
		return fmt.Errorf("engine: fill windows: %w", err)
	}
	f.engine.Committed(p)
	return nil
}

// side returns what has been filled, to be merged into the rows of a state that has read as much.
func (f *fill) side(check *state.Checkpoint) (*side, error) {
	if err := f.commit(); err != nil {
		return nil, err
	}
	c := f.engine.checkpoint()
	if err := sameReading(check, &c); err != nil {
		return nil, err
	}
	units, err := LoadUnits(f.store)
	if err != nil {
		return nil, err
	}
	part := &version{set: f.engine.plan.Set, event: f.version.event, time: f.version.time}
	p, err := part.plan(units)
	if err != nil {
		return nil, err
	}
	x := &side{spec: f.spec, store: f.store, plan: p, ids: f.lacks.ids, since: none}
	x.spec.To = f.next
	if k := f.spec.From; k != nil && k.newest() != none {
		x.since = k.newest() + 1
	}
	return x, nil
}

// sameReading makes sure that positions mean the same in two checkpoints.
func sameReading(a, b *state.Checkpoint) error {
	if len(a.Partitions) != len(b.Partitions) {
		return fmt.Errorf("engine: fill windows: %d partitions were read, the state has %d", len(b.Partitions), len(a.Partitions))
	}
	for i, p := range a.Partitions {
		q := b.Partitions[i]
		if p.Stream != q.Stream || p.Partition != q.Partition || p.Since != q.Since || p.Newest != q.Newest {
			return fmt.Errorf("engine: fill windows: partition %d is %s/%d, in the state it is %s/%d, or they do not stand at the same event",
				i, q.Stream, q.Partition, p.Stream, p.Partition)
		}
	}
	return nil
}

// close ends the fill and forgets its rows.
func (f *fill) close() error {
	err := f.again.close()
	if f.store != nil {
		err = errors.Join(err, f.store.Close())
	}
	if f.forget != nil {
		err = errors.Join(err, f.forget())
	}
	return err
}

// fillFrom chooses where a fill begins: at the newest mark from which on everything is folded that the rules can still know
// of; at the beginning of a log that is whole, where there is no such mark or a table is new; else as far back as there is a
// mark. short is how much of the windows is missing, ms. ok is false if there is nothing to begin with.
func fillFrom(x *missing, marks []trailMark, log *journal.Log, w int64) (spec fillSpec, short int64, ok bool) {
	need := w - x.span
	first := log.FirstOffset()
	best, oldest := -1, -1
	for i := range marks {
		if marks[i].from() < first {
			continue
		}
		if oldest < 0 {
			oldest = i
		}
		if !x.tables && marks[i].newest() < need {
			best = i
		}
	}
	switch {
	case best >= 0:
		return fillSpec{From: &marks[best]}, 0, true
	case first == 0:
		return fillSpec{}, 0, true
	case oldest >= 0:
		return fillSpec{From: &marks[oldest]}, max(0, marks[oldest].newest()-need), true
	}
	return fillSpec{}, x.span, false
}
