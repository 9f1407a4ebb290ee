package evidence

import (
	"context"
	"errors"
	"io"

	"kelpie/event"
	"kelpie/journal"
)

// Event is a record of the log with what can be said of it as an event. It is valid until the next one.
type Event struct {
	journal.Record
	Decoded *event.Record  // nil: it is no event
	Refused *event.Refusal // why not, of records that ought to be one
}

// Scan goes through records of the log and decodes them.
type Scan struct {
	reader  *journal.Reader
	dec     *event.Decoder
	rec     event.Record
	damaged func(error)
}

// ErrDamaged says that a part of the log could not be read, so that what was found may not be all there was.
var ErrDamaged = errors.New("a part of the log is damaged")

// NewScan returns a scan of what the reader yields. Of each event the fields at paths are decoded. damaged is called with
// each damage of the log.
func NewScan(r *journal.Reader, spec event.Spec, paths []event.Path, damaged func(error)) (*Scan, error) {
	dec, err := event.NewDecoder(&event.Schema{Spec: spec, Paths: paths})
	if err != nil {
		return nil, err
	}
	return &Scan{reader: r, dec: dec, damaged: damaged}, nil
}

// Each calls f with each record until f says that it wants no more. Damage is told and read past; then the error at the
// end is ErrDamaged.
func (s *Scan) Each(ctx context.Context, f func(*Event) (more bool, err error)) error {
	var b journal.Block
	var answer error
	for {
		err := s.reader.Next(ctx, &b)
		var d *journal.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return answer
		case errors.As(err, &d):
			answer = ErrDamaged
			s.damaged(d)
			if d.Next <= s.reader.Offset() {
				return answer
			}
			s.reader.MoveTo(d.Next)
			continue
		case err != nil:
			return err
		}
		if more, err := s.block(&b, f); err != nil || !more {
			return errors.Join(err, answer)
		}
	}
}

// block calls f with each record of a block.
func (s *Scan) block(b *journal.Block, f func(*Event) (bool, error)) (more bool, err error) {
	i := 0
	for _, run := range b.Runs {
		for k := range run.Count {
			l := b.Lines[i]
			e := Event{Record: journal.Record{
				Offset: l.Offset, Appended: b.Appended, Kind: run.Kind, Source: run.Source, Payload: b.Buf[l.Start:l.End],
			}}
			if run.Line > 0 {
				e.Line = run.Line + int64(k)
			}
			i++
			s.decode(&e)
			if more, err := f(&e); err != nil || !more {
				return false, err
			}
		}
	}
	return true, nil
}

func (s *Scan) decode(e *Event) {
	switch e.Kind {
	case journal.Event:
		if e.Refused = s.dec.Decode(e.Payload, &s.rec); e.Refused == nil {
			e.Decoded = &s.rec
		}
	case journal.Cut:
		e.Refused = &event.Refusal{Reason: event.TooLong, Offset: len(e.Payload), Detail: "only the beginning was kept"}
	}
}
