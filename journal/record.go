package journal

import (
	"fmt"
	"math"
)

// Kind says what a record is. Kinds are stored; a number never changes its meaning.
type Kind uint8

// The kinds of records. All but the first two are our own, with a payload that only their writer knows.
const (
	Event             Kind = 0 // a user's event, as it came
	Cut               Kind = 1 // the beginning of a line that was too long to be an event
	TimeAdvanced      Kind = 2 // a tick: time went on while the sources were silent
	RulesLoaded       Kind = 3
	AlertAcknowledged Kind = 4
	AlertLabelled     Kind = 5
	SilenceAdded      Kind = 6
	AlertResolved     Kind = 7 // by hand
	SilenceExpired    Kind = 8 // before its time

	PartitionsAssigned Kind = 9  // partitions of a log elsewhere are ours from here on
	RecordsRead        Kind = 10 // a run of records of such a partition was read; they stay where they are
)

// kindNames are for messages and listings.
var kindNames = [...]string{"event", "cut line", "TimeAdvanced", "RulesLoaded", "AlertAcknowledged", "AlertLabelled", "SilenceAdded", "AlertResolved", "SilenceExpired", "PartitionsAssigned", "RecordsRead"}

// String names the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Source says where records were read before they came to the log.
type Source struct {
	Name  string // as rows and messages show it, e.g. a file's name; "" for none
	Ident string // tells whether a later file of that name is the same one; only the source knows what it means
}

// Mark is how far a source has been read: reading goes on at byte Offset, behind line Line.
type Mark struct {
	Offset int64
	Line   int64
}

// Line is where one record stands in a buffer: Buf[Start:End].
type Line struct {
	Start, End int
	Offset     int64 // in a Batch: the source's own number (a file's line, from 1); in a Block: the log's offset
}

// Batch is a run of records to be appended together: of one kind, from one source, in order. The log keeps
// nothing of it: buffer and lines are the caller's again when the call that took them returns.
type Batch struct {
	Kind  Kind
	Buf   []byte
	Lines []Line // in order, and not overlapping; what stands between them (line ends) need not be kept

	Source Source // the zero Source: none, then Base, Next and the lines' Offset mean nothing
	Base   int64  // where Buf begins in the source, in bytes
	Next   Mark   // where reading the source goes on after this batch

	// The range of event times (ms) of the records, both ends included. Without Timed it is not known, and a reader
	// that looks for a time must read all. Only an Event has a time, and RecordsRead those of the records that were read.
	Timed            bool
	MinTime, MaxTime int64
}

// Record is one record as it stands in the log.
type Record struct {
	Offset   int64
	Appended int64 // append time, milliseconds since the epoch, by the log's clock; never less than that of the record before
	Kind     Kind
	Source   Source
	Line     int64 // the source's own number, 0 if there is no source
	Payload  []byte
}

// times is a range of event times in milliseconds, both ends included.
type times struct {
	min, max int64 // min > max: no event at all
	unknown  bool  // some event's time is not known
}

func noTimes() times { return times{min: math.MaxInt64, max: math.MinInt64} }

func (t *times) add(o times) {
	t.min, t.max, t.unknown = min(t.min, o.min), max(t.max, o.max), t.unknown || o.unknown
}

// overlaps reports whether an event with a time in [from, to] may be among those that t covers.
func (t times) overlaps(from, to int64) bool {
	return t.unknown || t.min <= to && from <= t.max
}

func (b *Batch) times() times {
	switch {
	case b.Kind != Event && b.Kind != RecordsRead:
		return noTimes()
	case !b.Timed:
		t := noTimes()
		t.unknown = true
		return t
	}
	return times{min: b.MinTime, max: b.MaxTime}
}

// check refuses a batch that does not hold together.
func (b *Batch) check() error {
	numbered := b.Source != (Source{})
	if numbered && (b.Base < 0 || b.Next.Offset < 0 || b.Next.Line < 0) {
		return fmt.Errorf("journal: append from %q: byte %d to %d, line %d", b.Source.Name, b.Base, b.Next.Offset, b.Next.Line)
	}
	end, total := 0, 0
	for i, l := range b.Lines {
		if numbered && l.Offset < 1 {
			return fmt.Errorf("journal: append from %q: line %d of the batch has the number %d", b.Source.Name, i, l.Offset)
		}
		if l.Start < end || l.End < l.Start || l.End > len(b.Buf) {
			return fmt.Errorf("journal: append: line %d of the batch is [%d:%d] in %d bytes, after one that ends at %d", i, l.Start, l.End, len(b.Buf), end)
		}
		end = l.End
		total += l.End - l.Start
	}
	if total > maxBatch {
		return fmt.Errorf("journal: append %d bytes at once: %w: at most %d", total, ErrTooLarge, maxBatch)
	}
	return nil
}
