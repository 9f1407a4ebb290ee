package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// Service runs an engine: it reads the inputs, appends what they have to the log, folds it once it is durable, commits,
// and lets the dispatcher tell the world. It has no files, receivers, signals or clock of its own: ServiceOptions has
// them.
//
//	inputs ──> intake ──> log ──> loop (fold) ──> committer ──> dispatcher
//
// What is true at every moment: a record is folded only when it is durable in the log; the checkpoint of a commit stands
// for all records below it, and is in one batch with everything that they caused; a source goes on where the log says
// that it stopped. So after a crash the same records are folded again from the checkpoint, with the same effects, and
// nothing is read twice.
type Service struct {
	o      ServiceOptions
	loop   *loop
	intake *intake

	reloads     chan struct{}          // holds a token when the rules are to be read again
	reloadWaits chan chan reloadAnswer // of those who wait for what comes of a reload
	requests    *requestQueue
	refused     chan refusals
	life        context.Context // ends with Run
	typ         event.Path      // of an event's type
	die         context.CancelFunc
	ended       <-chan struct{} // of life
	behind      struct {
		sync.Mutex
		sync.WaitGroup
	}
	decisions *decisions
	narrow    func(*version) (*version, error) // of a replay: what of a version it is about; nil: all of it
	seen      *state.Store                     // of a replay: a store that knows what the log does not say any more
	marks     marks                            // of streams
	filler    atomic.Pointer[filler]           // of windows for rules that wait for them
	again     *rereader                        // of streams
	phase     atomic.Int32
	pulse     atomic.Pointer[pulse]
	figures   atomic.Pointer[Figures]
}

// ServiceOptions say what a service works on and with. It closes none of it, but the sources that it opens.
type ServiceOptions struct {
	Log        *journal.Log
	Store      *state.Store
	Inputs     []Input
	Dispatcher Dispatcher

	Event event.Spec
	Time  TimeSpec
	Rules *rules.Set
	Load  func() (*rules.Set, error) // reads the rules again, for Reload; nil: they do not change

	Warm *WarmOptions // how windows of new rules are filled from the log; nil: they start empty
	// Scratch opens an empty store with a seed, for windows that are being filled, and says how it is forgotten when it has
	// been closed; nil: in memory.
	Scratch func(seed uint64) (s *state.Store, forget func() error, err error)

	Shards   int
	Memory   int64         // bytes of rows that may be in memory; default 448 MiB
	Commit   time.Duration // how long changes that tell nobody are gathered; default 50 ms
	History  time.Duration // how long an alert is kept after it has resolved, in event time; 0: for ever
	KeepMade bool          // each DecisionMade is kept in the state until somebody has copied it
	UntilEnd bool          // end when all inputs have, in place of waiting for more
	Grace    time.Duration // how long a stop may take, and how long deliveries are waited for then; default 10 s
	Clock    Clock
	Logger   *slog.Logger // nil discards
}

// Clock tells the service what time it is: package time, or what a test says. The fold has none.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives once, d later.
	After(d time.Duration) <-chan time.Time
}

// Dispatcher tells the world of what has been committed: alert.Dispatcher.
type Dispatcher interface {
	// Run delivers until ctx is done, which is no error.
	Run(ctx context.Context) error
	// Drain waits until all that has been committed so far has been delivered, or ctx is done.
	Drain(ctx context.Context) error
	// Finish is Drain where nothing more will come: nothing waits for more to be told with it.
	Finish(ctx context.Context) error
}

// Input is something that the service reads.
type Input struct {
	Name string // in messages and metrics
	Live bool   // events come as they happen, so that one from the future is refused (TimeSpec.Future)
	Once bool   // it cannot be opened a second time

	// Idle is after which silence it is not waited for; 0: that of TimeSpec. Time goes on by the clock when no input is waited
	// for.
	Idle time.Duration

	// Partition makes it a partition of its own, by this name, in place of a part of the common one: the watermark
	// waits for it. It then has one file.
	Partition string

	// Dedupe, if it has a Name, says how events that come again are known. Inputs with one Name know their ids together.
	Dedupe Dedupe

	// Key returns under what name the log remembers the place in a file of that name; nil: under the file's own.
	Key func(file string) string
	// Places are the names under which the log remembers places in its files, for Dedupe; that of a partition is its own.
	Places []string
	// Open opens the source. resume says how far a file has been read, as source.FilesOptions.Resume asks.
	Open func(resume func(file string) (journal.Progress, bool)) (source.Source, error)

	// Of a log elsewhere, in place of Open: Stream opens it to be read on from where its partitions were read, which marks
	// returns at any time. Records opens it to read once more what had been read. Each of its partitions is one by itself.
	Stream  func(marks func() map[source.Partition][]byte) (source.Stream, error)
	Records func() (source.Records, error)
}

// NewService returns a service.
func NewService(o ServiceOptions) *Service {
	if o.Memory <= 0 {
		o.Memory = 448 << 20
	}
	if o.Commit <= 0 {
		o.Commit = 50 * time.Millisecond
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o, reloads: make(chan struct{}, 1), reloadWaits: make(chan chan reloadAnswer), requests: newRequestQueue(), refused: make(chan refusals), decisions: newDecisions(), again: newRereader(o.Inputs)}
	s.life, s.die = context.WithCancel(context.Background())
	s.ended = s.life.Done()
	s.typ, _ = event.ParsePath(o.Event.WithDefaults().Type) // a mistake in it is one of the plan, which Run reports
	s.figures.Store(&Figures{})
	s.intake = newIntake(s)
	return s
}

// Reload reads the rules again and goes on with them, if nothing is wrong with them; otherwise with those that it has.
// It returns before that is done.
func (s *Service) Reload() {
	select {
	case s.reloads <- struct{}{}:
	default: // they will be read anyway
	}
}

// Run runs the service until ctx is done or, with UntilEnd, the inputs have ended: then what has been appended is folded
// and committed, and deliveries are waited for a while. An error says that it could not go on. Run may be called once.
func (s *Service) Run(ctx context.Context) error {
	defer s.end()
	var err error
	if s.loop, err = newLoop(s); err != nil {
		return err
	}
	if err := s.intake.open(); err != nil {
		return err
	}
	group, work := errgroup.WithContext(context.WithoutCancel(ctx))
	work, hurry := context.WithCancel(work) // ends with a failure, and when the grace is over
	defer hurry()
	stop, stopped := context.WithCancel(ctx) // ends also with work
	defer stopped()
	context.AfterFunc(work, stopped)
	over := make(chan struct{})

	delivering, silence := context.WithCancel(work)
	group.Go(func() error { return s.o.Dispatcher.Run(delivering) })
	group.Go(func() error { return s.intake.run(stop, work) })
	group.Go(s.loop.commits.run)
	group.Go(func() error {
		defer close(over)
		defer silence()
		if err := s.loop.run(stop); err != nil {
			return err
		}
		return s.drain(delivering)
	})
	group.Go(func() error { s.limit(stop, over, hurry); return nil })
	err = group.Wait()
	s.phase.Store(int32(Stopped))
	return errors.Join(err, s.intake.failure())
}

// limit ends what still waits (for room on a disk, mostly) when a stop takes too long.
func (s *Service) limit(stop context.Context, over <-chan struct{}, hurry func()) {
	select {
	case <-stop.Done():
	case <-over:
		return
	}
	select {
	case <-s.o.Clock.After(s.o.Grace):
		s.o.Logger.Warn("kelpie: stopping takes too long, what waits is given up", "after", s.o.Grace)
		s.o.Store.StopWaiting()
		hurry()
	case <-over:
	}
}

// drain waits a while for what has been committed to be delivered; at the end of the input for all there is to tell.
func (s *Service) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Grace)
	defer cancel()
	tell := s.o.Dispatcher.Drain
	if s.intake.complete {
		tell = s.o.Dispatcher.Finish
	}
	if err := tell(ctx); err != nil && s.o.Store.Err() == nil {
		s.o.Logger.Warn("kelpie: not everything could be delivered, the rest is at the next start", "error", err)
	}
	return s.o.Store.Err()
}

// Phase is what a service is doing.
type Phase int32

// The phases, in order.
const (
	Starting   Phase = iota
	Recovering       // folding what is in the log beyond the checkpoint
	Running
	Stopping
	Stopped
)

// String names the phase.
func (p Phase) String() string {
	return [...]string{"starting", "recovering", "running", "stopping", "stopped"}[p]
}

// Phase returns what the service is doing.
func (s *Service) Phase() Phase { return Phase(s.phase.Load()) }

func (s *Service) enter(p Phase) { s.phase.Store(int32(p)) }

// Problems returns why the service is not ready, in words; none if it is. What is fatal is among them and reported by
// fatal as well.
func (s *Service) Problems() (all []string, fatal error) {
	if p := s.Phase(); p != Running {
		all = append(all, fmt.Sprintf("the service is %s", p))
	}
	if s.o.Log.Stats().DiskFull {
		all = append(all, "the log's disk is full")
	}
	if s.o.Store.Stats().DiskFull {
		all = append(all, "the state's disk is full")
	}
	all = append(append(all, s.again.problems()...), s.intake.problems()...)
	if fatal = errors.Join(s.o.Log.Err(), s.o.Store.Err()); fatal != nil {
		all = append(all, fatal.Error())
	}
	return all, fatal
}

// Remarks returns what somebody should see to although the service is ready: that records are lost, and that the newest
// rules do not run. It says where their first mistake is, and nothing of what the rules say.
func (s *Service) Remarks() (all []string) {
	f := s.Figures()
	for _, name := range slices.Sorted(maps.Keys(f.Inputs)) {
		if n := f.Inputs[name].Lost; n > 0 {
			all = append(all, fmt.Sprintf("input %s has lost records, in %d gaps since the start: the list of refused events has them with the reason %s", name, n, event.Lost))
		}
	}
	if f.Refusal == nil {
		return all
	}
	where := "they cannot be read"
	var wrong rules.Errors
	if errors.As(f.Refusal, &wrong) && len(wrong) > 0 {
		where = fmt.Sprintf("the first mistake of %d at %s", len(wrong), wrong[0].At)
	}
	return append(all, fmt.Sprintf("the rules that were read last are refused (%s), version %s goes on", where, f.Rules))
}
