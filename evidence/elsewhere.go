package evidence

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// OpenRecords opens what reads once more what an input had read of a log elsewhere: topics of Kafka.
type OpenRecords func(input string) (source.Records, error)

// patience is how long a run of records elsewhere is waited for. Then nothing more of its input is read.
const patience = 5 * time.Second

// elsewhere reads the records that our log notes and does not have.
type elsewhere struct {
	open    OpenRecords
	missing func(error)
	records map[string]source.Records // by input; nil: it cannot be read, which has been told
	partial bool                      // something could not be read
}

func newElsewhere(open OpenRecords, missing func(error)) *elsewhere {
	return &elsewhere{open: open, missing: missing, records: map[string]source.Records{}}
}

func (w *elsewhere) tell(format string, args ...any) {
	w.partial = true
	w.missing(fmt.Errorf(format, args...))
}

// read returns the records of a run; none, if they cannot be had, which is told.
func (w *elsewhere) read(ctx context.Context, n *source.RunNote) (*source.Batch, error) {
	if n.Records == 0 {
		return &source.Batch{}, nil
	}
	r := w.of(n)
	if r == nil {
		return &source.Batch{}, nil
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b, lost, err := r.Read(soon, &n.Run)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		why := "nobody answers"
		if all := r.Problems(); len(all) > 0 {
			why = strings.Join(all, "; ")
		}
		w.tell("records of %s cannot be read: %s", n.Input, why)
		w.records[n.Input] = nil
		return &source.Batch{}, r.Close()
	case err != nil:
		return nil, fmt.Errorf("read records %d to %d of %s: %w", n.From, n.To-1, n.Partition, err)
	case lost != "":
		w.tell("%s", lost)
	}
	return b, nil
}

// of returns what reads the records of a run's input, nil if nothing does.
func (w *elsewhere) of(n *source.RunNote) source.Records {
	r, known := w.records[n.Input]
	if known {
		return r
	}
	err := errors.New("nothing says how")
	if w.open != nil {
		r, err = w.open(n.Input)
	}
	if err != nil {
		w.tell("records of %s are in their topics and cannot be read: %w", n.Input, err)
		r = nil
	}
	w.records[n.Input] = r
	return r
}

func (w *elsewhere) close() (err error) {
	for _, r := range w.records {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return err
}

// streamPosition is where a record of a run stands.
func streamPosition(n *source.RunNote, offset int64) event.Position {
	return event.Position{Stream: n.Stream, Partition: n.ID, Offset: offset, Kind: event.KafkaPosition}
}

// run calls f with each record of a run that our log notes.
func (s *Scan) run(ctx context.Context, note *Event, f func(*Event) (bool, error)) (more bool, err error) {
	n, err := noteOf(note)
	if err != nil || s.skip != nil && s.skip(note.Offset) {
		return true, err
	}
	b, err := s.elsewhere.read(ctx, &n)
	if err != nil {
		return false, err
	}
	return s.each(note, &n, b, f)
}

// each calls f with the records of a run.
func (s *Scan) each(note *Event, n *source.RunNote, b *source.Batch, f func(*Event) (bool, error)) (more bool, err error) {
	read, lines := b.Buf, b.Lines
	if s.beside && b.Beside != nil {
		read, lines = b.Beside()
	}
	for i, l := range b.Lines {
		e := Event{
			Record: journal.Record{Offset: note.Offset, Appended: note.Appended, Kind: journal.Event, Payload: b.Buf[l.Start:l.End]},
			At:     streamPosition(n, l.Offset),
		}
		created := int64(0)
		if b.Stamps != nil {
			created = b.Stamps[i].Created
		}
		s.decode(&e, read[lines[i].Start:lines[i].End], created)
		if more, err := f(&e); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// recordAt returns the record of a run at an offset as an event of its own; nil if it is none, or not to be had any more.
func (s *Scan) recordAt(ctx context.Context, n *source.RunNote, offset int64) (rec *event.Record, err error) {
	one := *n
	one.From, one.To, one.Records = offset, offset+1, 1
	b, err := s.elsewhere.read(ctx, &one)
	if err != nil || len(b.Lines) == 0 {
		return nil, err
	}
	_, err = s.each(&Event{}, &one, b, func(e *Event) (bool, error) {
		if e.Decoded != nil {
			rec = e.Decoded.Clone()
		}
		return false, nil
	})
	return rec, err
}
