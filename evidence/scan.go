package evidence

import (
	"context"
	"errors"
	"io"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// Event is a record of the log, or one that the log notes and that stands elsewhere, with what can be said of it as an
// event. It is valid until the next one.
type Event struct {
	journal.Record                // of a record elsewhere: Offset and Appended are those of the note
	At             event.Position // log@42, or orders/3@42
	Decoded        *event.Record  // nil: it is no event
	Refused        *event.Refusal // why not, of records that ought to be one
}

// ScanOptions say how records are read.
type ScanOptions struct {
	Event event.Spec
	Paths []event.Path // of each event these fields are decoded
	// Records opens what is noted in the log and stands elsewhere. nil: nothing of it can be read, which is told if
	// there is any.
	Records OpenRecords
	// Missing is told of all that cannot be read: of damage in the log, and of records elsewhere that are not to be had.
	Missing func(error)
}

// Scan goes through records of the log, and those that it notes, and decodes them.
type Scan struct {
	reader    *journal.Reader
	o         ScanOptions
	dec       *event.Decoder
	rec       event.Record
	beside    bool // what a stream knows beside its records is decoded
	elsewhere *elsewhere
	skip      func(note int64) bool // whether the run that a record of the log notes is left out; nil: none is
}

// ErrPartial says that not all could be read, so that what was found may not be all there was. What is missing has been told.
var ErrPartial = errors.New("not all could be read")

// NewScan returns a scan of what the reader yields.
func NewScan(r *journal.Reader, o ScanOptions) (*Scan, error) {
	dec, err := event.NewDecoder(&event.Schema{Spec: o.Event, Paths: o.Paths})
	if err != nil {
		return nil, err
	}
	s := &Scan{reader: r, o: o, dec: dec, elsewhere: newElsewhere(o.Records, o.Missing)}
	for _, p := range o.Paths {
		s.beside = s.beside || p[0] == source.BesideName
	}
	return s, nil
}

// Close ends what was opened to read records elsewhere. The reader is the caller's.
func (s *Scan) Close() error { return s.elsewhere.close() }

// Each calls f with each record until f says that it wants no more; with one that notes records elsewhere first, and then
// with those. What cannot be read is told and read past; then the error at the end is ErrPartial.
func (s *Scan) Each(ctx context.Context, f func(*Event) (more bool, err error)) error {
	var b journal.Block
	var answer error
	for {
		err := s.reader.Next(ctx, &b)
		var d *journal.DamageError
		switch {
		case errors.Is(err, io.EOF):
			if s.elsewhere.partial {
				answer = ErrPartial
			}
			return answer
		case errors.As(err, &d):
			answer = ErrPartial
			s.o.Missing(d)
			if d.Next <= s.reader.Offset() {
				return answer
			}
			s.reader.MoveTo(d.Next)
			continue
		case err != nil:
			return err
		}
		more, err := s.block(ctx, &b, f)
		if s.elsewhere.partial {
			answer = ErrPartial
		}
		if err != nil || !more {
			return errors.Join(err, answer)
		}
	}
}

// block calls f with each record of a block.
func (s *Scan) block(ctx context.Context, b *journal.Block, f func(*Event) (bool, error)) (more bool, err error) {
	i := 0
	for _, run := range b.Runs {
		for k := range run.Count {
			l := b.Lines[i]
			e := Event{Record: journal.Record{
				Offset: l.Offset, Appended: b.Appended, Kind: run.Kind, Source: run.Source, Payload: b.Buf[l.Start:l.End],
			}, At: Position(l.Offset)}
			if run.Line > 0 {
				e.Line = run.Line + int64(k)
			}
			i++
			s.decode(&e, e.Payload, 0)
			if more, err := f(&e); err != nil || !more {
				return false, err
			}
			if e.Kind != journal.RecordsRead {
				continue
			}
			if more, err := s.run(ctx, &e, f); err != nil || !more {
				return false, err
			}
		}
	}
	return true, nil
}

// decode decodes what is to be an event, which was made at a time (ms), if that is known.
func (s *Scan) decode(e *Event, raw []byte, created int64) {
	switch e.Kind {
	case journal.Event:
		if e.Refused = s.dec.DecodeAt(raw, &s.rec, created); e.Refused == nil {
			e.Decoded = &s.rec
		} else if len(raw) == 0 {
			e.Refused = &event.Refusal{Reason: event.NoValue, Detail: "a record without a value (a tombstone)"}
		}
	case journal.Cut:
		e.Refused = &event.Refusal{Reason: event.TooLong, Offset: len(e.Payload), Detail: "only the beginning was kept"}
	}
}
