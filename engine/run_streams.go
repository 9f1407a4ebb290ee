package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"kelpie/journal"
	"kelpie/source"
)

// stream is an input that is a log elsewhere. One goroutine fetches for all of its partitions, each of which is a reader
// of the intake.
type stream struct {
	n  *intake
	in Input

	mu  sync.Mutex
	src source.Stream // nil until it is opened

	// Owned by the goroutine of the intake.
	parts    map[source.Partition]*reader
	assigned bool // it is known which partitions are ours
	ended    bool
}

func newStream(n *intake, in Input) *stream {
	return &stream{n: n, in: in, parts: map[source.Partition]*reader{}}
}

func (t *stream) open() error {
	src, err := t.in.Stream(t.n.s.marks.all)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.src = src
	return err
}

// source returns the stream; nil until it is opened.
func (t *stream) source() source.Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.src
}

func (t *stream) close() error {
	if src := t.source(); src != nil {
		return src.Close()
	}
	return nil
}

// run fetches until the stream ends or ctx is done.
func (t *stream) run(ctx context.Context) {
	src := t.source()
	for {
		b, err := src.Fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, io.EOF) {
			t.n.s.o.Logger.Error("kelpie: input failed", "input", t.in.Name, "error", err)
		}
		select {
		case t.n.out <- arrival{stream: t, batch: b}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// arrive takes what was fetched: records go to the reader of their partition, which is returned.
func (t *stream) arrive(b *source.Batch) *reader {
	switch {
	case b == nil:
		t.end()
		return nil
	case b.Run == nil:
		t.lose(b.Lost)
		t.assign(b.Assigned)
		t.source().Release(b)
		return nil
	}
	r := t.parts[b.Run.Partition]
	if r == nil {
		t.assign([]source.Partition{b.Run.Partition})
		r = t.parts[b.Run.Partition]
	}
	b.Kind = journal.RecordsRead
	b.Note, _ = json.Marshal(source.RunNote{Input: t.in.Name, Run: *b.Run}) // cannot fail
	return r
}

// assign makes readers of partitions, and has the log know of them before their records.
func (t *stream) assign(ps []source.Partition) {
	t.assigned = true
	if len(ps) == 0 {
		return
	}
	ps = slices.Clone(ps)
	slices.SortFunc(ps, source.Partition.Compare)
	for _, p := range ps {
		in := t.in
		in.Partition = streamPart(p)
		r := newReader(t.n, in)
		r.stream, r.part, r.since = t, p, t.n.s.o.Clock.Now()
		t.parts[p] = r
		t.n.readers = append(t.n.readers, r)
	}
	note, _ := json.Marshal(partitionsRecord{Input: t.in.Name, Assigned: ps}) // cannot fail
	t.n.news = append(t.n.news, &source.Batch{Kind: journal.PartitionsAssigned, Buf: note, Lines: []source.Line{{Start: 0, End: len(note)}}})
}

// lose drops what is held of partitions that are not ours any more; the watermark does not wait for them.
func (t *stream) lose(ps []source.Partition) {
	for _, p := range ps {
		r := t.parts[p]
		if r == nil {
			continue
		}
		delete(t.parts, p)
		t.n.readers = slices.DeleteFunc(t.n.readers, func(x *reader) bool { return x == r })
		for r.held != nil {
			t.n.Release(r.give())
		}
		t.n.news = append(t.n.news, timeRecord{Idle: r.in.Partition}.batch())
	}
}

func (t *stream) committed(p source.Partition, mark []byte) {
	if src := t.source(); src != nil {
		src.Committed(p, mark)
	}
}

// problems returns what is wrong, in words.
func (t *stream) problems() []string {
	if src := t.source(); src != nil {
		return src.Problems()
	}
	return nil
}

// InputStream is how reading of an input goes that is a log elsewhere.
type InputStream struct {
	Input string
	source.StreamStatus
}

// Streams returns how reading goes of each input that is a log elsewhere, in the order of the inputs.
func (s *Service) Streams() (all []InputStream) {
	for _, t := range s.intake.streams {
		x := InputStream{Input: t.in.Name}
		if src := t.source(); src != nil {
			x.StreamStatus = src.Status()
		}
		all = append(all, x)
	}
	return all
}

// quiet is source.Stream.Quiet.
func (t *stream) quiet(p source.Partition) (since time.Time, ok bool) { return t.source().Quiet(p) }

func (t *stream) end() {
	if !t.ended {
		t.ended = true
		t.n.running--
	}
}

// endStreams ends the streams of which everything has been read that there was.
func (n *intake) endStreams() {
	for _, t := range n.streams {
		if t.exhausted() {
			t.end()
		}
	}
}

// exhausted reports whether all partitions are read to their end.
func (t *stream) exhausted() bool {
	all := t.assigned
	for _, r := range t.parts {
		_, quiet := r.silence()
		r.ended = r.ended || quiet
		all = all && r.ended
	}
	return all
}
