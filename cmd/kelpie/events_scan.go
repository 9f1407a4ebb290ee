package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kelpie/event"
	"kelpie/journal"
)

// logEvent is a record of the log with what can be said of it as an event. It is valid until the next one.
type logEvent struct {
	journal.Record
	decoded *event.Record  // nil: it is no event
	refused *event.Refusal // why not, of records that ought to be one
}

// eventScan goes through records of the log and decodes them.
type eventScan struct {
	reader *journal.Reader
	dec    *event.Decoder
	rec    event.Record
	warn   io.Writer // is told of damage
}

// newEventScan returns a scan of what the reader yields. Of each event the fields at paths are decoded.
func newEventScan(r *journal.Reader, spec event.Spec, paths []event.Path, warn io.Writer) (*eventScan, error) {
	dec, err := event.NewDecoder(&event.Schema{Spec: spec, Paths: paths})
	if err != nil {
		return nil, err
	}
	return &eventScan{reader: r, dec: dec, warn: warn}, nil
}

// each calls f with each record until f says that it wants no more. Damage is told and read past; then the answer at
// the end is errNo, because it is not all there was.
func (s *eventScan) each(ctx context.Context, f func(*logEvent) (more bool, err error)) error {
	var b journal.Block
	var answer error
	for {
		err := s.reader.Next(ctx, &b)
		var d *journal.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return answer
		case errors.As(err, &d):
			answer = errNo
			fmt.Fprintf(s.warn, "kelpie: %v\n", d)
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
func (s *eventScan) block(b *journal.Block, f func(*logEvent) (bool, error)) (more bool, err error) {
	i := 0
	for _, run := range b.Runs {
		for k := range run.Count {
			l := b.Lines[i]
			e := logEvent{Record: journal.Record{
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

func (s *eventScan) decode(e *logEvent) {
	switch e.Kind {
	case journal.Event:
		if e.refused = s.dec.Decode(e.Payload, &s.rec); e.refused == nil {
			e.decoded = &s.rec
		}
	case journal.Cut:
		e.refused = &event.Refusal{Reason: event.TooLong, Offset: len(e.Payload), Detail: "only the beginning was kept"}
	}
}
