package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/window"
)

// noteOf reads the payload of a journal.RecordsRead record.
func noteOf(e *Event) (n source.RunNote, err error) {
	if err := json.Unmarshal(e.Payload, &n); err != nil {
		return n, fmt.Errorf("what %s notes of records that were read: %w", Position(e.Offset), err)
	}
	return n, nil
}

// holds reports whether a run has the record at a position.
func holds(n *source.RunNote, p event.Position) bool {
	return p.Kind == event.KafkaPosition && n.Records > 0 && p.Stream == n.Stream && p.Partition == n.ID && n.From <= p.Offset && p.Offset < n.To
}

// noted is a run that the log notes.
type noted struct {
	at int64 // offset of the note
	source.RunNote
}

// notesOf returns the runs that may hold events of a span.
func notesOf(ctx context.Context, l Log, span window.Span) (all []noted, err error) {
	err = eachNote(ctx, l.Between(span.Start, span.End-1), func(n noted) bool {
		all = append(all, n)
		return true
	})
	return all, err
}

// eachNote calls f with each run that the log notes, as far as a reader, which it closes, yields them, until f returns false.
// Damage is passed over: who reads events tells of it.
func eachNote(ctx context.Context, r *journal.Reader, f func(noted) (more bool)) (err error) {
	defer func() { err = errors.Join(err, r.Close()) }()
	var b journal.Block
	for {
		err := r.Next(ctx, &b)
		var d *journal.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &d) && d.Next > r.Offset():
			r.MoveTo(d.Next)
			continue
		case errors.As(err, &d):
			return nil
		case err != nil:
			return err
		}
		if more, err := notesIn(&b, f); err != nil || !more {
			return err
		}
	}
}

func notesIn(b *journal.Block, f func(noted) bool) (more bool, err error) {
	lines := b.Lines
	for _, run := range b.Runs {
		if run.Kind == journal.RecordsRead {
			for _, l := range lines[:run.Count] {
				n, err := noteOf(&Event{Record: journal.Record{Offset: l.Offset, Payload: b.Buf[l.Start:l.End]}})
				if err != nil || !f(noted{l.Offset, n}) {
					return false, err
				}
			}
		}
		lines = lines[run.Count:]
	}
	return true, nil
}

// Behind returns from which offset of the log on records stand behind a position, and which of those do; nil: all.
func Behind(ctx context.Context, l *journal.Log, p event.Position) (from int64, behind func(*Event) bool, err error) {
	if p.Kind != event.KafkaPosition {
		return p.Offset + 1, nil, nil
	}
	from = -1
	err = eachNote(ctx, l.NewReader(l.FirstOffset()), func(n noted) bool {
		if holds(&n.RunNote, p) {
			from = n.at
		}
		return from < 0
	})
	if err == nil && from < 0 {
		err = fmt.Errorf("%s is nothing that the log, from %s on, notes to have been read", p, Position(l.FirstOffset()))
	}
	return from, func(e *Event) bool {
		return e.Offset > from || e.At.Kind == event.KafkaPosition && e.At.Offset > p.Offset
	}, err
}

// bound returns which notes are left out: those behind the event that opened the alert, and the oldest ones, which is told,
// if there are more records than are read for one alert.
func (m *matcher) bound(notes []noted, most int, w *elsewhere) func(note int64) bool {
	last := m.last
	if m.q.ByTime {
		last = math.MaxInt64
	}
	first, sum := int64(0), 0
	for _, n := range slices.Backward(notes) {
		if n.at > last {
			continue
		}
		if sum += n.Records; sum > most && first == 0 {
			first = n.at + 1
		}
	}
	if first > 0 {
		w.tell("%d records of topics may be in its windows, too many to be read again: the last %d are, from what %s notes on", sum, most, Position(first))
	}
	return func(note int64) bool { return note < first || note > last }
}
