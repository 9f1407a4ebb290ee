package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kelpie/alert"
	"kelpie/journal"
	"kelpie/source"
)

// errGone says that the loop has ended and takes nothing more.
var errGone = errors.New("engine: the loop has ended")

// loop is the goroutine that folds: what has become durable in the log goes in, commits go out.
type loop struct {
	s         *Service
	recovered chan struct{} // closed when the log has been folded up to its end
	gone      chan struct{} // closed when the loop has ended
	in        chan delivery // from the intake, which closes it
	took      chan struct{} // says that a delivery has been folded
	commits   *committer
	loaded    chan loadedRules

	// Owned by the loop.
	course
	book     *alert.Book
	rules    string // fingerprint
	noted    notes
	armed    []Armed // rules that were loaded since the last flush
	trail    trail
	filler   *filler        // windows are being filled
	rejected []Rejection    // since the last flush
	refusals int            // bytes of them
	made     []madeDecision // since the last flush, to be kept
	changes  int            // of alerts, since the last flush

	reading context.Context             // of what is read again
	moved   map[source.Partition][]byte // marks of streams since the last flush

	asked    []*request // folded, or refused, since the last flush: they wait for its commit
	changed  bool       // something is to be committed
	since    time.Time  // when that began
	synced   time.Time  // when the last synced commit was begun
	busy     bool       // a commit is under way
	loose    bool       // the last commit was not synced
	retain   bool       // the next commit looks whether the log may be shortened
	pace     Pace
	alarm    <-chan time.Time // when a commit is due; nil: not set
	alarmAt  time.Time
	minute   <-chan time.Time // when to look at the log's retention
	tally    *tally
	finished bool

	loads              sync.WaitGroup
	loading, loadAgain bool // the rules are being read; they have changed since
	reloadWaits        []chan reloadAnswer
}

// delivery is a stretch that has become durable, and how long that took.
type delivery struct {
	stretch
	took time.Duration
}

// hand gives a delivery to the loop and waits until it has been folded.
func (l *loop) hand(d delivery) error {
	select {
	case l.in <- d:
	case <-l.gone:
		return errGone
	}
	select {
	case <-l.took:
		return nil
	case <-l.gone:
		return errGone
	}
}

// run folds what is in the log already, then what comes, until the intake has ended; then it commits.
func (l *loop) run(stop context.Context) (err error) {
	defer l.commits.close()
	defer func() { err = errors.Join(err, l.s.again.close()) }()
	defer l.loads.Wait()
	defer close(l.gone)
	stop, cancel := context.WithCancel(stop)
	defer cancel()
	if err := l.recover(stop); err != nil {
		return err
	}
	close(l.recovered)
	for !l.finished {
		if err := l.settle(); err != nil {
			return err
		}
		if err := l.step(stop); err != nil {
			return err
		}
	}
	return nil
}

// step waits for one thing to happen, and does what is to be done.
func (l *loop) step(stop context.Context) error {
	select {
	case d, ok := <-l.in:
		if !ok {
			l.finished = true
			return l.finish(stop)
		}
		l.tally.Appended.observe(d.took)
		if err := l.fold(&d.stretch); err != nil {
			return err
		}
		l.took <- struct{}{}
	case r := <-l.s.refused:
		return l.noteRefused(r)
	case c := <-l.commits.done:
		return l.committed(c)
	case <-l.alarm:
		l.alarm = nil
	case <-l.minute:
		l.minute, l.retain = l.s.o.Clock.After(retainEvery), true
	case <-l.s.reloads:
		l.load(stop)
	case wait := <-l.s.reloadWaits:
		l.reloadWaits = append(l.reloadWaits, wait)
		if l.s.o.Load == nil {
			l.reloaded(loadedRules{same: true})
		}
		l.load(stop)
	case r := <-l.loaded:
		return l.loadingEnded(stop, r)
	case <-l.s.o.Store.Failed():
		return l.s.o.Store.Err()
	}
	return nil
}

func (l *loop) now() time.Time { return l.s.o.Clock.Now() }

// finish notes the end of the input, where it is one, and commits what is left.
func (l *loop) finish(stop context.Context) error {
	if l.s.intake.complete && !l.engine.settled() {
		if err := l.endInput(stop); err != nil && stop.Err() == nil {
			return err
		}
	}
	l.s.enter(Stopping)
	if err := l.await(); err != nil {
		return err
	}
	if l.changed || l.loose {
		if err := l.commit(true); err != nil {
			return err
		}
	}
	err := l.await()
	l.s.o.Logger.Info("kelpie: folded and committed", "next", l.engine.readUpTo(), "events", l.engine.events)
	return err
}

// endInput writes to the log that the input has ended, so that a replay sees it at the same place, and folds it.
func (l *loop) endInput(ctx context.Context) error {
	return l.append(ctx, journal.TimeAdvanced, timeRecord{End: true}.batch().Buf)
}

// fold folds a stretch. What is below the engine's read mark is in the state already, but for events that waited.
func (l *loop) fold(x *stretch) error {
	fx, err := l.effects(x)
	if b := (*Broken)(nil); errors.As(err, &b) {
		l.s.o.Logger.Error("kelpie: the fold is broken", "error", b, "stack", string(b.Stack))
	}
	if err != nil {
		return fmt.Errorf("engine: fold from log@%d: %w", x.first(), err)
	}
	l.engine.Pass(x.next())
	if fx != nil {
		if err := l.take(fx); err != nil {
			return err
		}
		l.tally.count(x, fx)
	}
	l.touch()
	if x.kind == journal.PartitionsAssigned {
		l.noted.layout = l.layout
	}
	if err := l.decide(x, fx); err != nil {
		return err
	}
	l.answer(x, fx)
	if l.engine.newest != l.noted.Newest {
		l.noted.Newest, l.noted.Read = l.engine.newest, x.appended
	}
	l.beat()
	return l.makeRoom()
}

// effects folds a stretch by its kind.
func (l *loop) effects(x *stretch) (*Effects, error) {
	switch x.kind {
	case journal.AlertAcknowledged, journal.AlertLabelled, journal.AlertResolved, journal.SilenceAdded, journal.SilenceExpired:
		fresh := x.from(l.engine.readUpTo())
		return nil, l.obey(&fresh)
	case journal.RulesLoaded:
		fresh := x.from(l.engine.readUpTo())
		return nil, l.changeRules(&fresh)
	}
	return l.course.fold(x)
}

// take notes what came of a stretch, to be committed.
func (l *loop) take(fx *Effects) error {
	for i := range fx.Rejected {
		l.refusals += len(fx.Rejected[i].Raw)
	}
	l.rejected = append(l.rejected, fx.Rejected...)
	l.changes += len(fx.Changes)
	for i := range fx.Changes {
		if err := l.tell(&fx.Changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// What may wait for a commit, beside rows.
const (
	refusalsMost = 16 << 20 // bytes of refused events
	changesMost  = 100_000  // changes of alerts
)

// makeRoom takes rows out of memory that were not used lately. If the rest is too much it waits for commits: what has
// changed may leave memory only then.
func (l *loop) makeRoom() error {
	limit := l.s.o.Memory
	l.tally.Evicted += int64(l.engine.Trim(limit))
	for l.engine.Memory() > limit || l.refusals > refusalsMost || l.changes > changesMost {
		if !l.busy && !l.changed {
			return nil // all of it is in use
		}
		if !l.busy {
			if err := l.commit(l.book.Urgent()); err != nil {
				return err
			}
		}
		if err := l.await(); err != nil {
			return err
		}
		l.tally.Evicted += int64(l.engine.Trim(limit))
	}
	return nil
}

// beat tells the intake how event time stands.
func (l *loop) beat() {
	l.s.pulse.Store(&pulse{
		next: l.engine.readUpTo(), newest: l.noted.Newest, read: l.noted.Read, watermark: l.engine.w, due: l.engine.Due(), waiting: len(l.engine.waiting),
	})
}
