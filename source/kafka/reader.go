package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrClosed says that a Reader or a Producer has been closed.
var ErrClosed = errors.New("it is closed")

// Options say what a Reader works with.
type Options struct {
	Log *slog.Logger // nil discards

	// Marks returns how far all partitions were read, as it was committed; it is asked whenever partitions become ours. A
	// topic of which none was read begins where `start` says, and a partition of another topic, added since, at its first
	// record. nil: nothing was ever read.
	Marks func() map[Partition]Mark

	// Member is the file in which it is kept who we are in the group, so that the next process need not wait until the session
	// of one that died has ended. "": it is not kept.
	Member string

	// Only says which partitions are read; nil: all.
	Only func(Partition) bool

	// Assigned and Revoked, which may be nil, tell which partitions are ours, one call at a time. When Revoked is called
	// no Batch of the partitions comes from Next any more; when it returns, others may have them, so what was returned is
	// committed then, or never will be. With a group it has less time than a member may be silent (30s).
	Assigned func(ps []Partition)
	Revoked  func(ps []Partition)
}

// Reader reads partitions of topics. What Next returns is read once, in order within each partition.
type Reader struct {
	spec   Spec
	o      Options
	log    *slog.Logger
	topics topics
	client *client
	memory memory

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	look   chan struct{} // a token: look for leaders, topics and partitions now
	came   chan struct{} // a token: there may be a Batch

	mu       sync.Mutex
	parts    map[Partition]*partition // ours
	leaders  map[int32]*leader
	cluster  *cluster // as it was last seen, nil: not yet
	seen     map[Partition]bool
	queue    []*Batch
	problems problems
	counts   Counts
	group    membership
}

// Open begins to read. It waits for no broker: whether there is one, and whether all is well, is in the Status. Its
// errors are those of settings and of files that they name.
func Open(s Spec, o Options) (*Reader, error) {
	s = s.WithDefaults()
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	named, err := newTopics(s.Topics)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	c, err := newClient(s.Connection)
	if err != nil {
		return nil, err
	}
	return open(s, o, named, c), nil
}

// open begins to read with a client.
func open(s Spec, o Options, named topics, c *client) *Reader {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Reader{
		spec: s, o: o, log: o.Log, topics: named, client: c, memory: memory{limit: int(s.Fetch.Buffer)},
		look: make(chan struct{}, 1), came: make(chan struct{}, 1),
		parts: map[Partition]*partition{}, leaders: map[int32]*leader{}, seen: map[Partition]bool{},
	}
	r.problems.log = o.Log
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.group = membership{changed: make(chan struct{}, 1), done: map[Partition]int64{}}
	r.wg.Go(r.watch)
	if s.Group != "" {
		r.wg.Go(r.join)
	}
	return r
}

// Close ends reading. With a group, Revoked is called for what is ours, and then the group is left.
func (r *Reader) Close() error {
	r.cancel()
	r.wg.Wait()
	r.client.close()
	return nil
}

// Next returns the next Batch, waiting for one if need be. Its errors are ctx's, and ErrClosed.
func (r *Reader) Next(ctx context.Context) (*Batch, error) {
	for {
		if b := r.pop(); b != nil {
			return b, nil
		}
		select {
		case <-r.came:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.ctx.Done():
			return nil, fmt.Errorf("kafka: %w", ErrClosed)
		}
	}
}

func (r *Reader) pop() *Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 || r.ctx.Err() != nil {
		return nil
	}
	b := r.queue[0]
	r.queue[0] = nil
	if r.queue = r.queue[1:]; len(r.queue) > 0 {
		token(r.came)
	}
	return b
}

// token says to one who waits that there is something to do.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Owns reports whether a Batch that Next returned still counts: its partition has been ours ever since. It is to be asked
// under the same lock under which Revoked commits, before the records do anything.
func (r *Reader) Owns(b *Batch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return b.part != nil && r.parts[b.Partition] == b.part
}

// Release gives a Batch back, whose memory is used again. A partition is not read on while too much of it has not been
// released. Any goroutine may call it.
func (r *Reader) Release(b *Batch) {
	r.mu.Lock()
	if b.part != nil {
		r.freeLocked(b)
	}
	r.mu.Unlock()
}

func (r *Reader) freeLocked(b *Batch) {
	p := b.part
	p.held -= b.size
	r.memory.recycle(b)
	if l := r.leaders[p.leader]; l != nil {
		token(l.work)
	}
}

// Pause stops reading a partition, or goes on with it. Batches that are on their way still come.
func (r *Reader) Pause(p Partition, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if part := r.parts[p]; part != nil {
		part.paused = on
		if l := r.leaders[part.leader]; l != nil {
			token(l.work)
		}
	}
}

// deliver queues what a job found of a partition, and changes the partition, if the job counts still.
func (r *Reader) deliver(j job, batches []*Batch, change func(p *partition)) (taken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := j.part
	if p.turn != j.turn {
		for _, b := range batches {
			r.memory.recycle(b)
		}
		return false
	}
	for _, b := range batches {
		b.part = p
		p.held += b.size
		p.mark, p.end, p.stable, p.newest = b.Next, b.End, b.Stable, max(p.newest, b.newest)
		r.counts.Records += int64(len(b.Lines))
	}
	change(p)
	if len(batches) > 0 {
		r.queue = append(r.queue, batches...)
		token(r.came)
	}
	return true
}

// backoff is how long to wait after so many failures one after the other.
func backoff(failures int) time.Duration {
	d := 100 * time.Millisecond << min(failures, 6)
	return jitter(min(d, 5*time.Second))
}
