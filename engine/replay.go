package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// ReplayOptions say what is folded once more, and into what.
type ReplayOptions struct {
	Log    *journal.Log
	Inputs []Input // of the configuration: through them records of streams are read again
	To     int64   // offset in the log before which the replay ends

	// Store is an empty store, mostly one in memory: all that the service would have in its own after record To - 1 is
	// in it in the end. Nobody is told of anything.
	Store *state.Store

	// Seen, if there is one, is the store of the service: of a log whose beginning has been removed it knows which rules
	// ran, and how the log was divided.
	Seen *state.Store

	// Rules, Event and Time are taken where neither the log nor Seen knows which rules ran: in logs of older versions.
	Rules *rules.Set
	Event event.Spec
	Time  TimeSpec

	Only []string // rules: those alone are judged, of whatever version, with the tables that they read; nil: all

	Shards int
	Memory int64                           // bytes of rows that may be in memory; default 448 MiB
	Lost   func(r *source.Run, why string) // is told of records that were there and are not to be had any more; may be nil
	At     func(offset int64)              // is told how far the log has been folded, now and then; may be nil
	Logger *slog.Logger                    // nil discards
}

// Replay folds a log as the service did that wrote it: in the kept order, with the ticks, the rules of the time, and what
// people said. What a rule finds depends on no other rule, so that Only changes nothing of what the others find.
func Replay(ctx context.Context, o ReplayOptions) (err error) {
	if o.Rules == nil {
		if o.Rules, err = rules.LoadTexts("rules", nil, rules.Options{}); err != nil {
			return err
		}
	}
	s := NewService(ServiceOptions{
		Log: o.Log, Store: o.Store, Inputs: o.Inputs, Event: o.Event, Time: o.Time, Rules: o.Rules,
		Shards: max(1, o.Shards), Memory: o.Memory, Clock: still{}, Logger: o.Logger,
	})
	if o.Only != nil {
		s.narrow = func(v *version) (*version, error) { return v.only(o.Only) }
	}
	s.seen = o.Seen
	l, err := newLoop(s)
	if err != nil {
		return err
	}
	committed := make(chan error, 1)
	go func() { committed <- l.commits.run() }()
	defer func() {
		l.commits.close()
		err = errors.Join(err, <-committed)
	}()
	if err := l.welcome(); err != nil {
		return err
	}
	if err := l.replay(ctx, &o); err != nil {
		return err
	}
	l.touch()
	return l.quiesce()
}

// replay folds the log. It commits only where memory asks for it.
func (l *loop) replay(ctx context.Context, o *ReplayOptions) (err error) {
	l.reading = ctx
	p := newPast(l.s.o.Log, max(l.engine.readFrom(), l.s.o.Log.FirstOffset()), o.To, l.s.again)
	defer func() { err = errors.Join(err, p.close()) }()
	for {
		x, err := p.next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("engine: replay: %w", err)
		}
		if err := l.foldAgain(x, p.lost); err != nil {
			return err
		}
		if p.lost != "" && o.Lost != nil {
			o.Lost(x.run, p.lost)
		}
		if o.At != nil {
			o.At(l.engine.readUpTo())
		}
	}
}

// still is a clock that stands: nothing in a replay waits for it.
type still struct{}

func (still) Now() time.Time                       { return time.Time{} }
func (still) After(time.Duration) <-chan time.Time { return nil }

// only returns the version of some of the rules, with the tables that they read.
func (v *version) only(names []string) (*version, error) {
	tables := map[int]bool{}
	var texts []string
	for _, r := range v.set.Rules {
		if !slices.Contains(names, r.Name) {
			continue
		}
		texts = append(texts, r.Text)
		for _, t := range r.TableRefs {
			tables[t.Table] = true
		}
	}
	for i, t := range v.set.Tables {
		if tables[i] {
			texts = append(texts, t.Text)
		}
	}
	set, err := rules.LoadTexts("rules", texts, v.set.Options)
	if err != nil {
		return nil, err
	}
	return &version{set: set, event: v.event, time: v.time, name: v.name}, nil
}
