package kafka

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// StreamOptions say what a Stream works with.
type StreamOptions struct {
	Log    *slog.Logger // nil discards
	Member string       // see Options
	// Marks returns how far partitions were read, as Mark.Append writes it.
	Marks func() map[source.Partition][]byte
}

// Stream is a Reader as a source.Stream.
type Stream struct {
	reader *Reader
	form   form
	marks  func() map[source.Partition][]byte
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	changes []*source.Batch               // of what is ours, to be fetched first
	wake    func()                        // ends a wait of Fetch
	early   []*Batch                      // of partitions that are ours, which has not been said yet
	ours    map[source.Partition]*holding // as it has been said
	live    map[*source.Batch]given       // fetched and not released
}

type given struct {
	b *Batch
	h *holding
}

// holding is what is known of a partition that is ours.
type holding struct {
	at   int64         // where the next run begins
	out  int           // batches that are fetched and not released
	lost chan struct{} // not ours any more: closed when the last one is released
}

var _ source.Stream = (*Stream)(nil)

// OpenStream begins to read, see Open.
func OpenStream(s Spec, o StreamOptions) (*Stream, error) {
	t := &Stream{marks: o.Marks, ours: map[source.Partition]*holding{}, live: map[*source.Batch]given{}, wake: func() {}}
	t.form = newForm(s)
	t.ctx, t.cancel = context.WithCancel(context.Background())
	var err error
	t.reader, err = Open(s, Options{Log: o.Log, Member: o.Member, Marks: t.known, Assigned: t.assigned, Revoked: t.revoked})
	if err != nil {
		t.cancel()
		return nil, err
	}
	return t, nil
}

// known returns the marks that can be read. One that cannot is of a newer version, which the state's own format tells first.
func (t *Stream) known() map[Partition]Mark {
	known := map[Partition]Mark{}
	for p, b := range t.marks() {
		if m, err := ParseMark(b); err == nil && m.Known {
			known[Partition{p.Stream, p.ID}] = m
		}
	}
	return known
}

func partitionOf(b *Batch) source.Partition {
	return source.Partition{Stream: b.Partition.Topic, ID: b.Partition.ID}
}

func partitionsOf(ps []Partition) []source.Partition {
	all := make([]source.Partition, len(ps))
	for i, p := range ps {
		all[i] = source.Partition{Stream: p.Topic, ID: p.ID}
	}
	return all
}

func (t *Stream) assigned(ps []Partition) { t.change(&source.Batch{Assigned: partitionsOf(ps)}) }

// change queues what is to be said of partitions.
func (t *Stream) change(b *source.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, b)
	t.wake()
}

// revoked says that partitions are not ours any more, and waits until all that was fetched of them is released: then it is
// durable in our log that it was read, or it never will be.
func (t *Stream) revoked(ps []Partition) {
	lost := partitionsOf(ps)
	var waits []chan struct{}
	t.mu.Lock()
	t.early = slices.DeleteFunc(t.early, func(b *Batch) bool {
		if !slices.Contains(ps, b.Partition) {
			return false
		}
		t.reader.Release(b)
		return true
	})
	for _, p := range lost {
		if h := t.ours[p]; h != nil {
			delete(t.ours, p)
			if h.out > 0 {
				h.lost = make(chan struct{})
				waits = append(waits, h.lost)
			}
		}
	}
	t.changes = append(t.changes, &source.Batch{Lost: lost})
	t.wake()
	t.mu.Unlock()
	for _, w := range waits {
		select {
		case <-w:
		case <-t.ctx.Done():
			return
		}
	}
}

// Fetch implements source.Source.
func (t *Stream) Fetch(ctx context.Context) (*source.Batch, error) {
	for {
		wait, stop := context.WithCancel(ctx)
		if b := t.ready(stop); b != nil {
			stop()
			return b, nil
		}
		b, err := t.reader.Next(wait)
		woken := wait.Err() != nil && ctx.Err() == nil
		stop()
		switch {
		case err == nil:
			if out := t.take(b); out != nil {
				return out, nil
			}
		case !woken:
			return nil, err
		}
	}
}

// ready returns what waits already, a change first. If nothing does, stop is called as soon as there is a change.
func (t *Stream) ready(stop func()) *source.Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.changes) > 0 {
		c := t.changes[0]
		t.changes = t.changes[1:]
		t.settle(c.Assigned)
		return c
	}
	for i, b := range t.early {
		if t.ours[partitionOf(b)] != nil {
			t.early = slices.Delete(t.early, i, i+1)
			return t.give(b)
		}
	}
	t.wake = stop
	return nil
}

// settle notes that it has been said that partitions are ours.
func (t *Stream) settle(ps []source.Partition) {
	if len(ps) == 0 {
		return
	}
	marks := t.marks()
	for _, p := range ps {
		m, _ := ParseMark(marks[p])
		t.ours[p] = &holding{at: m.Offset}
	}
}

// take turns what the Reader returned into what is fetched; nil if it counts no more, or not yet.
func (t *Stream) take(b *Batch) *source.Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.reader.Owns(b):
		t.reader.Release(b)
		return nil
	case t.ours[partitionOf(b)] == nil:
		t.early = append(t.early, b)
		return nil
	}
	return t.give(b)
}

func (t *Stream) give(b *Batch) *source.Batch {
	h := t.ours[partitionOf(b)]
	out := t.form.batch(b)
	out.Run = runOf(b, h.at)
	h.at, h.out = b.Next.Offset, h.out+1
	t.live[out] = given{b, h}
	return out
}

// runOf describes a Batch that begins where reading stood.
func runOf(b *Batch, from int64) *source.Run {
	r := &source.Run{
		Partition: partitionOf(b),
		From:      from, To: b.Next.Offset, Records: b.Len(), Mark: b.Next.Append(nil),
	}
	switch g := b.Gap; {
	case g != nil:
		r.From, r.Gap, r.Anew = g.From, g.Text(b.Partition), g.Why != Retention
	case b.Len() == 0 && from == 0: // it was found out where reading begins
		r.From = r.To
	}
	if r.Anew {
		r.From = r.To
	}
	return r
}

// Release implements source.Source.
func (t *Stream) Release(out *source.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, is := t.live[out]
	if !is {
		return // it said what is ours
	}
	delete(t.live, out)
	t.reader.Release(g.b)
	if g.h.out--; g.h.out == 0 && g.h.lost != nil {
		close(g.h.lost)
	}
}

// Quiet implements source.Stream.
func (t *Stream) Quiet(p source.Partition) (since time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.ours[p]
	if h == nil || h.out > 0 {
		return since, false
	}
	return t.reader.quiet(Partition{p.Stream, p.ID})
}

// Committed implements source.Stream.
func (t *Stream) Committed(p source.Partition, mark []byte) {
	if m, err := ParseMark(mark); err == nil && m.Known {
		t.reader.Committed(Partition{p.Stream, p.ID}, m.Offset)
	}
}

// Problems implements source.Stream.
func (t *Stream) Problems() (all []string) {
	s := t.reader.Status()
	for _, p := range s.Problems {
		all = append(all, p.What)
	}
	return all
}

// Status implements source.Stream.
func (t *Stream) Status() source.StreamStatus {
	s, marks := t.reader.Status(), t.marks()
	x := source.StreamStatus{
		Cluster: s.Reached, Fetched: s.Counts.Bytes, Fetches: s.Counts.Fetches, Failures: s.Counts.Failures, Rebalances: s.Counts.Rebalances,
	}
	for _, p := range s.Partitions {
		at := source.PartitionStatus{Partition: source.Partition{Stream: p.Partition.Topic, ID: p.Partition.ID}, Folded: p.Next, End: p.Stable, Newest: p.Newest}
		if p.Stable < 0 {
			at.End = p.End
		}
		if m, err := ParseMark(marks[at.Partition]); err == nil && m.Known {
			at.Folded = m.Offset
		}
		x.Partitions = append(x.Partitions, at)
		x.Waiting += int64(p.Waiting)
	}
	for _, b := range s.Brokers {
		x.Brokers = append(x.Brokers, source.BrokerStatus(b))
	}
	return x
}

// Close implements source.Source.
func (t *Stream) Close() error {
	t.cancel()
	return t.reader.Close()
}

// form is the shape in which records become events.
type form struct {
	created bool // the record's timestamp is that of an event that has none
}

func newForm(s Spec) form { return form{s.MissingTime == MissingRecord} }

// batch returns the records of a Batch as events. The memory is the Batch's, unless they had to be written anew.
func (f form) batch(b *Batch) *source.Batch {
	out := &source.Batch{Kind: journal.RecordsRead, Stream: b.Partition.Topic, Position: event.KafkaPosition, Buf: b.Buf, Lines: b.Lines}
	if b.Len() == 0 {
		return out
	}
	if f.created || b.LogAppendTime(0) {
		out.Stamps = f.stamps(b)
	}
	if anyCloud(b) {
		out.Buf, out.Lines = rewrite(b, false)
	}
	out.Beside = func() ([]byte, []source.Line) { return rewrite(b, true) }
	return out
}

func (f form) stamps(b *Batch) []source.Stamp {
	all := make([]source.Stamp, b.Len())
	for i := range all {
		at := max(b.Time(i), 0)
		if f.created {
			all[i].Created = at
		}
		if b.LogAppendTime(i) {
			all[i].Appended = at
		}
	}
	return all
}
