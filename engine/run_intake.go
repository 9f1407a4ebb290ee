package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// intake brings what the inputs have into the log, as one source.Source: in what order it gives batches out is the order
// of the log. When all inputs are silent it gives out ticks.
type intake struct {
	s       *Service
	readers []*reader
	streams []*stream
	out     chan arrival  // from the readers and the streams
	woken   chan struct{} // holds a token when a stream may have become quiet
	stop    context.Context
	mixed   bool // some inputs are partitions, and some are not

	// Owned by the goroutine that fetches.
	running  int       // readers that have not ended
	posted   time.Time // when the service began, or something came that no reader has read
	ticked   time.Time
	news     []*source.Batch  // the service's own, to be appended next
	forsaken []string         // partitions that nothing will come from: it is to be said that they are idle
	waited   bool             // mixed, and the common partition is not idle
	turn     []requestGroup   // requests that were taken together, to be appended next
	turnFrom time.Time        // when the next ones may be taken
	numbers  map[string]int64 // of the last record of each origin of requests
	complete bool             // with UntilEnd: all inputs have been read to their end
	finder   *event.TimeFinder
	dec      *event.Decoder // for times that the finder does not find
	rec      event.Record

	underway atomic.Int32 // batches of the turn that are not durable

	mu       sync.Mutex
	passages map[*source.Batch]*passage // given out and not released
	spare    []*source.Batch            // of requests, whose memory may be used again
}

// arrival is what a reader has fetched, or a stream: a batch, or, without one, that it has ended.
type arrival struct {
	reader *reader
	stream *stream // in place of a reader
	batch  *source.Batch
}

// passage is what is known of a batch on its way through the log.
type passage struct {
	reader         *reader    // nil: the batch is the service's own
	requests       []*request // parallel to the batch's lines, where it is of somebody outside
	began          time.Time
	oldest, newest int64 // event times, ms
}

func newIntake(s *Service) *intake {
	n := &intake{s: s, out: make(chan arrival), woken: make(chan struct{}, 1), passages: map[*source.Batch]*passage{}, numbers: map[string]int64{}, running: len(s.o.Inputs)}
	parts := 0
	for _, in := range s.o.Inputs {
		if in.Stream != nil || in.Partition != "" {
			parts++
		}
		if in.Stream != nil {
			n.streams = append(n.streams, newStream(n, in))
			continue
		}
		n.readers = append(n.readers, newReader(n, in))
	}
	n.mixed = parts > 0 && parts < len(s.o.Inputs)
	n.waited = n.mixed
	return n
}

// open opens all sources.
func (n *intake) open() error {
	var err error
	if n.finder, err = event.NewTimeFinder(n.s.o.Event); err != nil {
		return err
	}
	if n.dec, err = event.NewDecoder(&event.Schema{Spec: n.s.o.Event}); err != nil {
		return err
	}
	for i, r := range n.readers {
		if err := r.open(); err != nil {
			for _, opened := range n.readers[:i] {
				err = errors.Join(err, opened.close())
			}
			return err
		}
	}
	return nil
}

// run appends what the inputs have until they end, stop does, or, in haste, work. The loop is told of all that it will be
// given when run returns.
func (n *intake) run(stop, work context.Context) (err error) {
	defer close(n.s.loop.in)
	n.stop = stop
	reading, cancel := context.WithCancel(stop)
	var readers sync.WaitGroup
	defer func() {
		cancel()
		readers.Wait()
		for _, r := range n.readers {
			err = errors.Join(err, r.close())
		}
		for _, t := range n.streams {
			err = errors.Join(err, t.close())
		}
	}()
	select {
	case <-n.s.loop.recovered:
	case <-stop.Done():
		return nil
	}
	n.posted = n.s.o.Clock.Now()
	for _, r := range n.readers {
		r.since = n.posted
		readers.Go(func() { r.run(reading) })
	}
	for _, t := range n.streams {
		if err := t.open(); err != nil {
			return err
		}
		readers.Go(func() { t.run(reading) })
	}
	g := source.Ingest{Source: n, Log: n.s.o.Log, Times: n.times, Durable: n.durable}
	if err := g.Run(work); err != nil && !errors.Is(err, errGone) && work.Err() == nil {
		return fmt.Errorf("engine: append: %w", err)
	}
	return nil
}

// Fetch implements source.Source.
func (n *intake) Fetch(ctx context.Context) (*source.Batch, error) {
	for {
		if n.s.o.UntilEnd {
			n.endStreams()
		}
		if b := n.request(); b != nil {
			return b, nil
		}
		if b := n.choose(); b != nil {
			return b, nil
		}
		if n.s.o.UntilEnd && n.running == 0 {
			n.complete = true
			return nil, io.EOF
		}
		select {
		case a := <-n.out:
			n.arrive(a)
		case <-n.s.requests.work:
		case <-n.woken:
		case <-n.alarm():
		case <-n.stop.Done():
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// arrive takes what a reader has fetched.
func (n *intake) arrive(a arrival) {
	r := a.reader
	if a.stream != nil {
		if r = a.stream.arrive(a.batch); r == nil {
			return
		}
	} else if a.batch == nil {
		r.ended = true
		n.running--
		return
	}
	now := n.s.o.Clock.Now()
	r.since, r.idle = now, false
	n.waited = n.waited || n.mixed && r.in.Partition == ""
	r.hold(a.batch)
	p := &passage{reader: r, began: now}
	p.oldest, p.newest = n.span(a.batch)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.passages[a.batch] = p
}

// choose returns the batch to be appended next, or nil if there is nothing to append yet. What belongs to no partition
// goes first. Of partitions it is the one that is furthest behind, and none goes before all others that are not idle
// have something: so none is far ahead of the others, and little waits for the watermark.
func (n *intake) choose() *source.Batch {
	if len(n.news) > 0 {
		b := n.news[0]
		n.news = n.news[1:]
		return n.ownBatch(b, nil)
	}
	now := n.s.o.Clock.Now()
	if name, ok := n.fallsSilent(now); ok {
		return n.own(timeRecord{Idle: name})
	}
	var best *reader
	wait := false
	for _, r := range n.readers {
		switch {
		case r.held == nil:
			wait = wait || r.awaited()
		case r.in.Partition == "":
			return r.give()
		case best == nil || r.newest < best.newest:
			best = r
		}
	}
	if best == nil || wait {
		return n.tick(now)
	}
	best.newest = max(best.newest, n.passage(best.held).newest)
	return best.give()
}

// fallsSilent returns a partition that is not to be waited for any more: because its input has ended or been silent for
// long enough, or because it has none.
func (n *intake) fallsSilent(now time.Time) (name string, ok bool) {
	if len(n.forsaken) > 0 {
		name, n.forsaken = n.forsaken[0], n.forsaken[1:]
		return name, true
	}
	common := n.waited
	for _, r := range n.readers {
		since, known := r.silence()
		silent := r.held == nil && (r.ended || known && now.Sub(since) >= r.idleAfter())
		switch {
		case r.in.Partition == "":
			common = common && silent
		case silent && !r.idle:
			r.idle = true
			return r.in.Partition, true
		}
	}
	if common {
		n.waited = false
	}
	return commonPart, common
}

// idleAfter is after which silence what has no setting of its own is not waited for.
func (n *intake) idleAfter() time.Duration { return time.Duration(n.s.o.Time.Idle) * time.Millisecond }

func (r *reader) idleAfter() time.Duration { return cmp.Or(r.in.Idle, r.n.idleAfter()) }

// silentFrom returns when nothing is waited for any more, if nothing comes before.
func (n *intake) silentFrom() time.Time {
	at := n.posted.Add(n.idleAfter())
	for _, r := range n.readers {
		at = later(at, r.since.Add(r.idleAfter()))
	}
	return at
}

// own returns a record of the service's own as a batch.
func (n *intake) own(r timeRecord) *source.Batch { return n.ownBatch(r.batch(), nil) }

func (n *intake) passage(b *source.Batch) *passage {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.passages[b]
}

// span returns the range of event times in a batch, which those of lines that are no events may make wider; first > last if
// there is no event in it.
func (n *intake) span(b *source.Batch) (first, last int64) {
	if b.Timed {
		return b.MinTime, b.MaxTime
	}
	first, last = math.MaxInt64, math.MinInt64
	if b.Kind != journal.Event && b.Kind != journal.RecordsRead {
		return first, last
	}
	for i := range b.Lines {
		t, ok := n.finder.Find(b.Record(i))
		if !ok && n.dec.Decode(b.Record(i), &n.rec) == nil {
			t, ok = n.rec.Time, true
		}
		if ok {
			first, last = min(first, t), max(last, t)
		}
	}
	return first, last
}

// times tells the log the range of event times in a batch, so that who looks for a time need not read all.
func (n *intake) times(b *source.Batch) (first, last int64, ok bool) {
	p := n.passage(b)
	return p.oldest, p.newest, true
}

// durable hands a batch to the loop, and waits until it has been folded.
func (n *intake) durable(b *source.Batch) error {
	p := n.passage(b)
	x := stretch{kind: b.Kind, origin: b.Origin, appended: b.Appended, buf: b.Buf, lines: b.Lines, requests: p.requests}
	if p.reader != nil {
		x.input = p.reader.in.Name
	}
	if b.Run != nil {
		x.run, x.logged, x.stamps, x.beside = b.Run, b.LogOffset, b.Stamps, b.Beside
	}
	return n.s.loop.hand(delivery{x, n.s.o.Clock.Now().Sub(p.began)})
}

// Release implements source.Source.
func (n *intake) Release(b *source.Batch) {
	n.mu.Lock()
	p := n.passages[b]
	delete(n.passages, b)
	if p.requests != nil && len(n.spare) < 4 && cap(b.Buf) <= 2*requestBytesMost {
		n.spare = append(n.spare, b)
	}
	n.mu.Unlock()
	if p.reader != nil {
		p.reader.released(b)
	}
}

// Close implements source.Source. The sources are closed by run.
func (n *intake) Close() error { return nil }

// problems returns what is wrong with inputs, in words.
func (n *intake) problems() (all []string) {
	for _, r := range n.readers {
		if err := r.problem(); err != nil {
			all = append(all, fmt.Sprintf("input %s: %v", r.in.Name, err))
		}
	}
	for _, t := range n.streams {
		for _, what := range t.problems() {
			all = append(all, fmt.Sprintf("input %s: %s", t.in.Name, what))
		}
	}
	return all
}

// failure returns what inputs had failed with when a service that runs until their end ended.
func (n *intake) failure() (err error) {
	if !n.s.o.UntilEnd {
		return nil
	}
	for _, r := range n.readers {
		if why := r.problem(); why != nil {
			err = errors.Join(err, fmt.Errorf("input %s: %w", r.in.Name, why))
		}
	}
	return err
}
