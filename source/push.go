package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kelpie/event"
	"kelpie/journal"
)

// ErrUnknown says that nobody knows whether records became durable: their source was closed while they were on their way.
var ErrUnknown = errors.New("it is not known whether it is in the log")

// ErrBusy says that too much was on its way for too long.
var ErrBusy = errors.New("too much is on its way")

// PushOptions say how a Push works.
type PushOptions struct {
	Name  string        // of the stream of the records' positions
	From  int64         // how many records have been numbered before
	Most  int           // bytes of records that may be on their way to the fold; default 64 MiB
	Batch int           // bytes up to which posts are gathered in one batch; default 1 MiB
	Ahead int           // batches of small posts that are on their way to the log at once; default 2
	Wait  time.Duration // how long a post waits for room; default 5 s
	Pause time.Duration // how long nothing is taken after the disk was full; default 1 s
}

// Push is a source of records that are handed to it, by any number of goroutines. What comes while a batch is on its way
// becomes the next one, so that many posts share a sync of the log.
//
// A post is told what became of it as soon as it is durable, before it is folded, and in the order of the log. While the
// disk is full it is told so and is gone, in place of waiting for room.
type Push struct {
	o PushOptions

	mu      sync.Mutex
	queue   []*Post
	bytes   int           // of posts that have been added and not freed
	room    chan struct{} // closed, and made anew, when bytes went down
	work    chan struct{} // holds a token when there may be something in the queue
	number  int64         // of the last record that was given out
	given   map[*Batch]*gathering
	shared  int // of given: those of small posts that have not been told
	spare   []*Batch
	fullAt  time.Time // when the disk was full last; zero if a batch has become durable since
	closing bool
}

// gathering is what a batch was made of.
type gathering struct {
	posts []*Post
	bytes int
	large bool // one post that is too large to share a batch
	told  bool
}

// Post is a run of events that become durable together, or not at all. Nothing of it changes until Free.
type Post struct {
	Buf              []byte
	Lines            []Line // in order, and not overlapping; their Offsets mean nothing
	MinTime, MaxTime int64  // the range of event times, ms, both ends included

	// Done is called once, with where the records are in the log, or with why nothing of the post is: journal.ErrDiskFull,
	// ErrClosed, or ErrUnknown. Posts are done in the order of the log, by one goroutine; it must not block.
	Done func(at journal.Appended, err error)
	// Free, if there is one, is called when the memory of the post is not needed any more. It may be before Done has
	// returned, and is never when the source is closed first.
	Free func()
}

// NewPush returns a source without records.
func NewPush(o PushOptions) *Push {
	if o.Most <= 0 {
		o.Most = 64 << 20
	}
	if o.Batch <= 0 {
		o.Batch = 1 << 20
	}
	if o.Ahead <= 0 { // one is being synced, one is there when that is done: with more of them each would be smaller, and nothing sooner
		o.Ahead = 2
	}
	if o.Wait <= 0 {
		o.Wait = 5 * time.Second
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	return &Push{
		o: o, number: o.From, room: make(chan struct{}), work: make(chan struct{}, 1), given: map[*Batch]*gathering{},
	}
}

// Add takes a post, waiting a while for room if too much is on its way. When it returns an error, Done is not called: the
// post has not been taken, because there was no room (ErrBusy), ctx ended, the source is closed (ErrClosed), or the disk was
// full a moment ago (journal.ErrDiskFull).
func (p *Push) Add(ctx context.Context, post *Post) error {
	if len(post.Lines) == 0 {
		return errors.New("source: an empty post")
	}
	room, err := p.enqueue(post)
	if err != nil || room == nil {
		return err
	}
	timer := time.NewTimer(p.o.Wait)
	defer timer.Stop()
	for {
		select {
		case <-room:
		case <-timer.C:
			return fmt.Errorf("source: %w", ErrBusy)
		case <-ctx.Done():
			return ctx.Err()
		}
		if room, err = p.enqueue(post); err != nil || room == nil {
			return err
		}
	}
}

// enqueue puts the post into the queue, or returns what to wait for. A post that is larger than all that may be on its
// way goes alone.
func (p *Push) enqueue(post *Post) (room <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closing:
		return nil, fmt.Errorf("source: %w", ErrClosed)
	case !p.fullAt.IsZero() && time.Since(p.fullAt) < p.o.Pause:
		return nil, fmt.Errorf("source: %w", journal.ErrDiskFull)
	case p.bytes > 0 && p.bytes+post.size() > p.o.Most:
		return p.room, nil
	}
	p.bytes += post.size()
	p.queue = append(p.queue, post)
	p.wake()
	return nil, nil
}

// size returns the bytes from the first record to the last.
func (p *Post) size() int { return p.Lines[len(p.Lines)-1].End - p.Lines[0].Start }

// Fetch implements Source.
func (p *Push) Fetch(ctx context.Context) (*Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if b, err := p.gather(); b != nil || err != nil {
			return b, err
		}
		select {
		case <-p.work:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// copied is up to how many bytes posts are copied into a batch that they share. A larger one is a batch by itself.
const copied = 64 << 10

// holds reports whether what is in the queue waits for more of its kind.
func (p *Push) holds() bool {
	if p.shared < p.o.Ahead || p.queue[0].size() > copied {
		return false
	}
	bytes := 0
	for _, post := range p.queue {
		if bytes += post.size(); bytes >= p.o.Batch {
			return false
		}
	}
	return true
}

// gather makes a batch of what is in the queue; nil if nothing is to be given out now.
func (p *Push) gather() (*Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, fmt.Errorf("source: fetch: %w", ErrClosed)
	}
	if len(p.queue) == 0 || p.holds() {
		return nil, nil
	}
	b := p.batch()
	g := &gathering{}
	for len(p.queue) > 0 {
		post := p.queue[0]
		if len(g.posts) > 0 && (post.size() > copied || g.bytes+post.size() > p.o.Batch) {
			break
		}
		p.queue[0], p.queue = nil, p.queue[1:]
		g.posts, g.bytes = append(g.posts, post), g.bytes+post.size()
		b.MinTime, b.MaxTime = min(b.MinTime, post.MinTime), max(b.MaxTime, post.MaxTime)
		if g.large = post.size() > copied; g.large {
			b.Buf, b.Lines = post.Buf, append(b.Lines, post.Lines...)
			break
		}
		b.copyIn(post)
	}
	if len(p.queue) == 0 {
		p.queue = nil
	}
	p.finish(b, g)
	return b, nil
}

// batch returns an empty batch.
func (p *Push) batch() *Batch {
	b := &Batch{}
	if n := len(p.spare); n > 0 {
		b, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	lines, memory := b.Lines[:0], b.memory[:0]
	*b = Batch{
		Stream: p.o.Name, Position: event.LogPosition, Origin: journal.Source{Name: p.o.Name, Ident: "push"},
		Timed: true, MinTime: maxTime, MaxTime: minTime, Buf: memory, Lines: lines, memory: memory,
	}
	return b
}

const (
	minTime = -1 << 63
	maxTime = 1<<63 - 1
)

// copyIn appends a post's records.
func (b *Batch) copyIn(post *Post) {
	first, last := post.Lines[0].Start, post.Lines[len(post.Lines)-1].End
	shift := len(b.Buf) - first
	b.Buf = append(b.Buf, post.Buf[first:last]...)
	b.memory = b.Buf
	for _, l := range post.Lines {
		b.Lines = append(b.Lines, Line{Start: l.Start + shift, End: l.End + shift})
	}
}

// finish numbers the records of a batch and enters it as given out.
func (p *Push) finish(b *Batch, g *gathering) {
	for i := range b.Lines {
		p.number++
		b.Lines[i].Offset = p.number
	}
	b.Next = journal.Mark{Line: p.number}
	b.settled = func(at journal.Appended, err error) { p.settle(b, at, err) }
	p.given[b] = g
	if !g.large {
		p.shared++
	}
	if len(p.queue) > 0 {
		p.wake()
	}
}

// wake lets Fetch look at the queue.
func (p *Push) wake() {
	select {
	case p.work <- struct{}{}:
	default:
	}
}

// settle tells the posts of a batch what became of them.
func (p *Push) settle(b *Batch, at journal.Appended, err error) {
	p.mu.Lock()
	g := p.given[b]
	if g == nil || g.told {
		p.mu.Unlock()
		return
	}
	p.tells(g)
	switch {
	case err == nil:
		p.fullAt = time.Time{}
	case errors.Is(err, journal.ErrDiskFull):
		p.fullAt = time.Now()
	}
	p.mu.Unlock()
	g.tell(at, err)
}

// tells notes that the posts of a batch are being told. The caller holds mu.
func (p *Push) tells(g *gathering) {
	g.told = true
	if !g.large {
		p.shared--
		p.wake()
	}
}

func (g *gathering) tell(at journal.Appended, err error) {
	for _, post := range g.posts {
		post.Done(at, err)
		at.First += int64(len(post.Lines))
	}
}

// Release implements Source.
func (p *Push) Release(b *Batch) {
	p.mu.Lock()
	g := p.given[b]
	if g == nil {
		p.mu.Unlock()
		return
	}
	delete(p.given, b)
	untold := !g.told
	if untold {
		p.tells(g)
	}
	p.bytes -= g.bytes
	close(p.room)
	p.room = make(chan struct{})
	if len(p.spare) < 4*readAhead {
		p.spare = append(p.spare, b)
	}
	p.mu.Unlock()
	if untold {
		g.tell(journal.Appended{}, ErrUnknown)
	}
	for _, post := range g.posts {
		if post.Free != nil {
			post.Free()
		}
	}
}

// Close implements Source. Posts that nobody has fetched are told ErrClosed, those whose end is not known ErrUnknown.
func (p *Push) Close() error {
	p.mu.Lock()
	waiting := &gathering{posts: p.queue}
	var lost []*gathering
	for _, g := range p.given {
		if !g.told {
			p.tells(g)
			lost = append(lost, g)
		}
	}
	p.closing, p.queue = true, nil
	close(p.room)
	p.room = make(chan struct{})
	p.mu.Unlock()
	for _, g := range lost {
		g.tell(journal.Appended{}, ErrUnknown)
	}
	waiting.tell(journal.Appended{}, fmt.Errorf("source: %w", ErrClosed))
	return nil
}
