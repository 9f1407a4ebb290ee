package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"kelpie/journal"
	"kelpie/state"
)

// WarmOptions say how the windows of new rules are filled from the log before they judge. Until then the rules that there
// are go on.
type WarmOptions struct {
	Share float64 // of one core, that a fill may take; default 0.25

	near int64 // nearTheEnd, where tests say otherwise
}

// shareDefault is what a fill may take of a core.
const shareDefault = 0.25

// nearTheEnd is how many records of the log may be left for the loop to fold itself.
const nearTheEnd = 5000

// Filling is how far windows have been filled for rules that wait for them.
type Filling struct {
	Version string        // of the rules that are to run
	Rules   []string      // of them, those whose windows are filled
	From    int64         // offset in the log at which it began
	At      int64         // how far it is
	To      int64         // where the log ends
	Began   time.Time     // when it began
	Share   float64       // of one core
	Short   time.Duration // how much of the windows the log does not hold any more
}

// Left estimates how long it will take yet; ok is false while nobody can say.
func (f *Filling) Left(now time.Time) (left time.Duration, ok bool) {
	done, all := f.At-f.From, f.To-f.From
	if done <= 0 {
		return 0, false
	}
	return time.Duration(float64(now.Sub(f.Began)) * float64(max(0, all-done)) / float64(done)), true
}

// filler is a fill on its way.
type filler struct {
	Filling
	spec   fillSpec
	v      *version
	plan   *Plan
	old    *Plan
	cancel context.CancelFunc
	at     atomic.Int64
	share  atomic.Uint64 // per mille of a core
}

// Filling returns how far windows are filled for rules that wait for them; nil if none do.
func (s *Service) Filling() *Filling {
	l := s.filler.Load()
	if l == nil {
		return nil
	}
	f := l.Filling
	f.At, f.To, f.Share = max(l.at.Load(), f.From), s.o.Log.NextOffset(), float64(l.share.Load())/1000
	return &f
}

// fillable returns how windows are filled for a version; ok is false if they are not.
func (l *loop) fillable(v *version, p *Plan) (x *filler, ok bool, err error) {
	if l.s.o.Warm == nil || l.engine.newest == none {
		return nil, false, nil
	}
	lacks := p.missingIn(l.engine.plan)
	if lacks.empty() {
		return nil, false, nil
	}
	marks, err := readTrail(l.s.o.Store)
	if err != nil {
		return nil, false, err
	}
	spec, short, ok := fillFrom(&lacks, marks, l.s.o.Log, l.engine.w)
	if !ok {
		l.s.o.Logger.Warn("kelpie: the log holds nothing of the past of new windows, they start empty", "rules", lacks.rules)
		return nil, false, nil
	}
	x = &filler{spec: spec, v: v, plan: p, old: l.engine.plan}
	x.Filling = Filling{Version: p.Fingerprint(), Rules: lacks.rules, From: l.s.o.Log.FirstOffset(), Began: l.now(), Short: time.Duration(short) * time.Millisecond}
	if spec.From != nil {
		x.From = spec.From.from()
	}
	x.share.Store(uint64(1000 * l.s.o.Warm.share()))
	if short > 0 {
		l.s.o.Logger.Warn("kelpie: the log does not reach as far back as new windows; they will be warming up when they begin", "rules", lacks.rules, "missing", x.Short)
	}
	return x, true, nil
}

func (o *WarmOptions) share() float64 {
	if o.Share <= 0 {
		return shareDefault
	}
	return o.Share
}

// startFilling fills windows beside the loop; the rules that there are go on until that is done.
func (l *loop) startFilling(ctx context.Context, x *filler) {
	l.stopFilling()
	ctx, x.cancel = context.WithCancel(ctx)
	l.filler = x
	l.s.filler.Store(x)
	l.s.o.Logger.Info("kelpie: windows of new rules are filled from the log", "rules", x.Rules, "version", x.Version, "from", x.From, "records", l.s.o.Log.NextOffset()-x.From)
	l.loads.Go(func() {
		defer x.cancel()
		l.s.runFill(ctx, x)
	})
}

// stopFilling gives up a fill that is on its way.
func (l *loop) stopFilling() {
	if l.filler != nil {
		l.filler.cancel()
		l.filler = nil
		l.s.filler.Store(nil)
	}
}

// filled notes that rules have begun to run that a fill was for, or others. A fill for others is given up; where one for these
// had been given up already, the files are read once more.
func (l *loop) filled(name string, by *filler) {
	stale := by != nil && by != l.filler
	if l.filler != nil && l.filler.Version == name {
		l.filler = nil
		l.s.filler.Store(nil)
	}
	l.stopFilling()
	if stale {
		l.s.Reload()
	}
}

// runFill fills windows up to nearly the end of the log, and brings the rules to the loop, which fills the rest.
func (s *Service) runFill(ctx context.Context, x *filler) {
	units, err := LoadUnits(s.o.Store)
	var f *fill
	if err == nil {
		f, err = s.newFill(x.v, x.old, units, x.spec)
	}
	if err == nil && f != nil {
		err = s.fillUp(ctx, x, f)
	}
	if ctx.Err() != nil {
		if f != nil {
			_ = f.close() // nothing of it is needed
		}
		return
	}
	spec := &x.spec
	if err != nil {
		s.o.Logger.Error("kelpie: windows of new rules cannot be filled, they start empty", "rules", x.Rules, "error", err)
		if f != nil {
			_ = f.close()
		}
		f, spec = nil, nil
	}
	payload, err := rulesLoaded(x.plan, spec)
	if err != nil {
		s.o.Logger.Error("kelpie: new rules", "error", err)
		return
	}
	r := newRequest(journal.RulesLoaded, payload)
	r.rules, r.fill, r.filler = x.v, f, x
	if err := s.ask(ctx, r, r.folded); err != nil {
		s.o.Logger.Warn("kelpie: the new rules come too late, the service ends", "error", err)
		if f != nil && !r.sent {
			_ = f.close()
		}
	}
}

// fillUp folds until little is left. What does not come nearer to the end may take twice as much of a core.
func (s *Service) fillUp(ctx context.Context, x *filler, f *fill) error {
	left := int64(1) << 62
	for {
		to := s.o.Log.NextOffset()
		if to-f.next < cmp.Or(s.o.Warm.near, nearTheEnd) {
			return nil
		}
		if now := to - f.next; now > left/2 && left < 1<<62 {
			x.share.Store(min(1000, 2*x.share.Load()))
		}
		left = to - f.next
		if err := f.foldTo(ctx, s.o.Log, to, s.resting(ctx, x, f)); err != nil {
			return err
		}
	}
}

// resting returns what a fill calls between blocks: it waits so long that no more than the share is taken.
func (s *Service) resting(ctx context.Context, x *filler, f *fill) func() error {
	const least = 5 * time.Millisecond
	since := s.o.Clock.Now()
	return func() error {
		x.at.Store(f.next)
		worked := s.o.Clock.Now().Sub(since)
		if worked < least {
			return ctx.Err()
		}
		share := float64(x.share.Load()) / 1000
		if wait := time.Duration(float64(worked) * (1/share - 1)); wait > 0 {
			select {
			case <-s.o.Clock.After(wait):
			case <-ctx.Done():
			}
		}
		since = s.o.Clock.Now()
		return ctx.Err()
	}
}

// newFill returns a fill; nil if there is nothing to fill.
func (s *Service) newFill(v *version, old *Plan, units Units, spec fillSpec) (*fill, error) {
	head, err := readHead(s.o.Log)
	if err != nil {
		return nil, err
	}
	var first layout
	if head.layout != nil {
		first = *head.layout
	}
	return newFill(v, old, units, spec, first, s.scratch, s.o.Inputs)
}

// scratch opens an empty store for a fill.
func (s *Service) scratch() (*state.Store, func() error, error) {
	if s.o.Scratch == nil {
		x, err := state.InMemory(s.o.Store.Seed())
		return x, nil, err
	}
	return s.o.Scratch(s.o.Store.Seed())
}

// refill fills windows that a record of the log says were filled, up to an offset. f is how far that is already; nil: not
// begun. It is nil again if the log does not hold any more what is needed.
func (l *loop) refill(v *version, old *Plan, spec fillSpec, to int64, f *fill) (*fill, error) {
	ctx := l.reading
	if ctx == nil {
		ctx = context.Background()
	}
	if f == nil {
		units, err := LoadUnits(l.s.o.Store)
		if err != nil {
			return nil, err
		}
		if f, err = l.s.newFill(v, old, units, spec); f == nil || err != nil {
			return nil, err
		}
	}
	err := f.foldTo(ctx, l.s.o.Log, to, nil)
	if err == nil {
		return f, nil
	}
	err = errors.Join(err, f.close())
	if errors.Is(err, journal.ErrRemoved) && l.s.narrow == nil {
		l.s.o.Logger.Warn("kelpie: the log does not hold any more what windows of new rules were filled from, they start empty", "error", err)
		return nil, nil
	}
	return nil, err
}

// resumeFill fills windows once more, if a crash has interrupted the rewriting of rows for them.
func (l *loop) resumeFill(v *version) (*fill, error) {
	r, err := loadRegistry(l.s.o.Store)
	if err != nil || r.Filling == nil || r.Into == "" {
		return nil, err
	}
	c, _, err := l.s.o.Store.Checkpoint()
	if err != nil {
		return nil, err
	}
	old, err := loadPlan(l.s.o.Store, c.Rules, r)
	if err != nil {
		return nil, err
	}
	f, err := l.refill(v, old, *r.Filling, r.Filling.To, nil)
	if err == nil && f == nil {
		err = fmt.Errorf("engine: rows were being rewritten with windows that were filled from log@%d on, and the log does not hold that any more: "+
			"restore the segments, or delete the state, which is then made anew from what is there", l.s.o.Log.FirstOffset())
	}
	return f, err
}

// sideOf returns what has been filled as of the last commit; nil, which is said, if it does not fit.
func (l *loop) sideOf(f *fill) (*side, error) {
	if f == nil {
		return nil, nil
	}
	c, ok, err := l.s.o.Store.Checkpoint()
	if err != nil || !ok {
		return nil, err
	}
	x, err := f.side(&c)
	if err != nil && !errors.Is(err, state.ErrFatal) {
		l.s.o.Logger.Error("kelpie: windows of new rules cannot be filled, they start empty", "error", err)
		return nil, nil
	}
	return x, err
}
