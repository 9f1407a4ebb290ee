package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kelpie/journal"
	"kelpie/source"
)

// Records reads runs of partitions once more: source.Records. It is in no group.
type Records struct {
	spec Spec
	form form
	log  *slog.Logger

	mu    sync.Mutex // Problems may be asked for by others
	parts map[source.Partition]*again
}

var _ source.Records = (*Records)(nil)

// again reads one partition from some place on.
type again struct {
	reader *Reader
	at     int64  // behind what was taken
	held   *Batch // returned by the reader, and only some of it is taken
	first  int    // of its records that is not taken
	gap    string // that stands before held
}

// againBuffer bounds what waits of one partition, bytes.
const againBuffer = 8 << 20

// OpenRecords reads what a Stream with the same settings has read. It waits for no broker.
func OpenRecords(s Spec, log *slog.Logger) *Records {
	s = s.WithDefaults()
	s.Group, s.Start = "", Start{}
	s.Fetch.Buffer = min(s.Fetch.Buffer, againBuffer)
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Records{spec: s, form: newForm(s), log: log, parts: map[source.Partition]*again{}}
}

// Read implements source.Records.
func (m *Records) Read(ctx context.Context, r *source.Run) (*source.Batch, string, error) {
	a, err := m.from(r)
	if err != nil {
		return nil, "", err
	}
	all := &Batch{Partition: Partition{r.Stream, r.ID}}
	var lost string
	for a.at < r.To {
		if err := a.next(ctx, all.Partition); err != nil {
			return nil, "", err
		}
		if a.gap != "" {
			lost, a.gap = a.gap, ""
		}
		if a.held == nil {
			continue
		}
		if a.take(all, r) {
			break
		}
	}
	if lost == "" && all.Len() < r.Records {
		lost = fmt.Sprintf("of %d records of %s that were read from %d to %d, %d are there: the others are removed", r.Records, r.Partition, r.From, r.To-1, all.Len())
	}
	return m.form.batch(all), lost, nil
}

// from returns what reads a partition, standing at the beginning of a run.
func (m *Records) from(r *source.Run) (*again, error) {
	a := m.parts[r.Partition]
	if a != nil && a.at <= r.From && r.From-a.at <= farAhead {
		return a, nil
	}
	if a != nil {
		if err := a.reader.Close(); err != nil {
			return nil, err
		}
	}
	read, err := ParseMark(r.Mark)
	if err != nil {
		return nil, err
	}
	p := Partition{r.Stream, r.ID}
	s := m.spec
	s.Topics = []string{p.Topic}
	begin := Mark{Known: true, Offset: r.From, TopicID: read.TopicID, Epoch: -1, Last: -1}
	reader, err := Open(s, Options{
		Log:  m.log.With("again", p.String()),
		Only: func(q Partition) bool { return q == p }, Marks: func() map[Partition]Mark { return map[Partition]Mark{p: begin} },
	})
	if err != nil {
		return nil, err
	}
	a = &again{reader: reader, at: r.From}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts[r.Partition] = a
	return a, nil
}

// farAhead is how many offsets are read past rather than that reading begins anew behind them.
const farAhead = 50_000

// endAfter is how long nothing comes until it is looked whether the partition ends there.
const endAfter = time.Second

// next has something held, or a gap, or the end; or it is to be called again.
func (a *again) next(ctx context.Context, p Partition) error {
	if a.held != nil {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, endAfter)
	b, err := a.reader.Next(soon)
	cancel()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		if _, ends := a.reader.quiet(p); ends {
			a.gap, a.at = fmt.Sprintf("%s ends before what was read of it: its brokers have lost records", p), endOfTime
		}
		return nil
	}
	if err != nil {
		return err
	}
	a.first = 0
	if b.Gap != nil {
		a.gap = b.Gap.Text(b.Partition)
		if b.Gap.Why != Retention { // what stands there now is something else
			a.at = endOfTime
			a.reader.Release(b)
			return nil
		}
	}
	if b.Len() == 0 {
		a.at = max(a.at, b.Next.Offset)
		a.reader.Release(b)
		return nil
	}
	a.held = b
	return nil
}

// endOfTime is behind every run.
const endOfTime = 1<<63 - 1

// take adds the records of a run that are held. It reports whether the run is complete: what is held goes beyond it.
func (a *again) take(all *Batch, r *source.Run) (complete bool) {
	b := a.held
	for ; a.first < b.Len(); a.first++ {
		l := b.Lines[a.first]
		switch {
		case l.Offset >= r.To:
			a.at = r.To
			return true
		case l.Offset >= r.From:
			all.add(b, a.first)
		}
	}
	a.at = b.Next.Offset
	a.reader.Release(b)
	a.held = nil
	return false
}

// add appends a copy of the i-th record of another Batch.
func (b *Batch) add(from *Batch, i int) {
	f, l := from.fields[i], from.Lines[i]
	put := func(part []byte) span {
		at := len(b.Buf)
		b.Buf = append(b.Buf, part...)
		return span{int32(at), int32(len(b.Buf))}
	}
	value := put(from.Buf[l.Start:l.End])
	b.Lines = append(b.Lines, journal.Line{Start: int(value.start), End: int(value.end), Offset: l.Offset})
	if key := from.Key(i); key != nil {
		f.key = put(key)
	}
	if headers := from.bytesOf(f.headers); headers != nil {
		f.headers = put(headers)
	}
	b.fields = append(b.fields, f)
}

// Close implements source.Records.
func (m *Records) Close() (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, a := range m.parts {
		err = errors.Join(err, a.reader.Close())
		delete(m.parts, p)
	}
	return err
}

// Problems implements source.Records.
func (m *Records) Problems() (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.parts {
		for _, p := range a.reader.Status().Problems {
			all = append(all, p.What)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
