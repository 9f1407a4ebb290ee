package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// Piece is a part of what a log holds for any rules: records of one partition, or something that is to be known before
// the next ones. It is valid until the next one.
type Piece struct {
	Offset int64 // of its first record in the log

	Wait []event.Position // partitions of which time waits from here on; Offset is not used
	Idle []event.Position // partitions of which it does not, until their next event
	Tick int64            // time went on, up to this watermark; 0: it did not
	End  bool             // the input ended there: all that waits is folded, and the watermark moves to the newest event

	Partition event.Position // of the records; Offset is not used
	Source    string         // by which Dedupe of the History knows whose they are
	Anew      bool           // they are of another partition than those before under its name: offsets begin again
	Buf       []byte
	Lines     []Line
	Rejected  []Rejection // lines of which only the beginning was kept, and records that are not to be had any more
}

// HistoryOptions say what of a log is read, and how.
type HistoryOptions struct {
	From, To int64   // offsets: from From up to, and without, To; what the log does not hold any more is left out
	Inputs   []Input // of the configuration: through them records of streams are read again
	Event    event.Spec
	Beside   bool // what streams know beside each record becomes a member of it, for rules that name it
}

// History reads a log in the order in which it was folded, with the ticks, for an engine of any rules. Which rules ran, and
// what people said, is left out: Replay takes it into account.
type History struct {
	o    HistoryOptions
	past *past
	layout
	deduped map[string]string // names of the inputs' Dedupe, by the origin of their records
	piece   Piece
	queued  []timeRecord // of the newest stretch
	lines   []Line
}

// OpenHistory returns a history of a log, which must stay open for as long.
func OpenHistory(l *journal.Log, o HistoryOptions) (*History, error) {
	head, err := readHead(l)
	if err != nil {
		return nil, err
	}
	h := &History{o: o, past: newPast(l, max(o.From, l.FirstOffset()), min(o.To, l.NextOffset()), newRereader(o.Inputs)), deduped: deduped(o.Inputs)}
	h.layout = layoutOf(o.Inputs, layout{})
	if head.layout != nil {
		h.layout = *head.layout
	}
	return h, nil
}

// Dedupe returns which sources' events are known when they come again, for the Options of an engine that folds the pieces.
func (h *History) Dedupe() []Dedupe { return dedupes(h.o.Inputs) }

// Close ends the reading.
func (h *History) Close() error { return h.past.close() }

// Next returns the next piece; io.EOF says that there are no more.
func (h *History) Next(ctx context.Context) (*Piece, error) {
	for {
		p := &h.piece
		*p = Piece{Offset: p.Offset}
		if len(h.queued) > 0 {
			h.advance(p)
			return p, nil
		}
		x, err := h.past.next(ctx)
		if err != nil {
			return nil, err
		}
		p.Offset = x.first()
		if some, err := h.take(p, x); err != nil || some {
			return p, err
		}
	}
}

// take makes a piece of a stretch; it reports whether there is anything in it.
func (h *History) take(p *Piece, x *stretch) (bool, error) {
	switch x.kind {
	case journal.Event:
		h.lines = x.eventLines(h.lines[:0])
		p.Partition, p.Buf, p.Lines, p.Source = h.partOf(x.origin.Name), x.buf, h.lines, h.deduped[x.origin.Name]
	case journal.RecordsRead:
		h.takeRun(p, x)
	case journal.Cut:
		p.Rejected = x.cutLines(h.o.Event.WithDefaults().MaxSize)
	case journal.TimeAdvanced:
		for i := range x.lines {
			r, err := parseTimeRecord(x.payload(i))
			if err != nil {
				return false, err
			}
			h.queued = append(h.queued, r)
		}
		h.advance(p)
	case journal.PartitionsAssigned:
		return len(x.lines) > 0, h.assign(p, x)
	default:
		return false, nil
	}
	return true, nil
}

// takeRun makes a piece of a run of a stream's records.
func (h *History) takeRun(p *Piece, x *stretch) {
	p.Partition, p.Source = streamPosition(x.run.Partition, 0), h.deduped[streamOrigin(x.of)]
	if h.o.Beside && x.beside != nil {
		x.buf, x.lines = x.beside()
	}
	h.lines = x.runLines(h.lines[:0])
	p.Buf, p.Lines, p.Anew = x.buf, h.lines, x.run.Anew
	for _, why := range []string{x.run.Gap, h.past.lost} {
		if why != "" {
			p.Rejected = append(p.Rejected, Rejection{Position: streamPosition(x.run.Partition, x.run.From), Reason: event.Lost, Detail: why})
		}
	}
}

// advance makes a piece of the next record that says that time went on.
func (h *History) advance(p *Piece) {
	r := h.queued[0]
	h.queued = h.queued[1:]
	switch {
	case r.End:
		p.End = true
	case r.Idle != "":
		p.Idle = []event.Position{h.named(r.Idle)}
	default:
		p.Tick = *r.Watermark
	}
}

func (h *History) assign(p *Piece, x *stretch) error {
	for i := range x.lines {
		var r partitionsRecord
		if err := json.Unmarshal(x.payload(i), &r); err != nil {
			return fmt.Errorf("engine: log@%d: %w", x.lines[i].Offset, err)
		}
		for _, s := range r.Assigned {
			p.Wait = append(p.Wait, streamPosition(s, 0))
		}
		if r.Log == nil {
			continue
		}
		h.layout = *r.Log
		for _, name := range h.Own {
			p.Wait = append(p.Wait, h.partOf(name))
		}
		if h.Apart {
			p.Idle = append(p.Idle, logPosition(0))
		}
	}
	return nil
}

// partOf returns the partition of what comes from a source of the log.
func (h *History) partOf(name string) event.Position {
	if !slices.Contains(h.Own, name) {
		return logPosition(0)
	}
	return logPosition(int32(slices.Index(h.Parts, name) + 1))
}

// named returns the partition that a TimeAdvanced record names.
func (h *History) named(name string) event.Position {
	if p, ok := strings.CutPrefix(name, "stream "); ok {
		if at := strings.LastIndexByte(p, '/'); at >= 0 {
			var id int32
			if _, err := fmt.Sscan(p[at+1:], &id); err == nil {
				return streamPosition(source.Partition{Stream: p[:at], ID: id}, 0)
			}
		}
	}
	return logPosition(int32(slices.Index(h.Parts, name) + 1))
}
