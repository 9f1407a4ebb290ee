package source

import (
	"context"
	"errors"
	"sync/atomic"

	"kelpie/event"
	"kelpie/journal"
)

// ErrClosed says that a source has been closed.
var ErrClosed = errors.New("the source is closed")

// Source is a stream of records. It is for one goroutine, but for Release, which any goroutine may call.
type Source interface {
	// Fetch returns the next records, waiting for them if need be; io.EOF says that there are no more. After another
	// error than ctx's the source has ended, and says the same again; what it had read before has been returned.
	Fetch(ctx context.Context) (*Batch, error)
	// Release gives a batch back, whose memory is then used again. A batch that is not released is left to the garbage
	// collector.
	Release(*Batch)
	// Close ends the source and its goroutines.
	Close() error
}

// Line is where one record stands in a batch's buffer: Buf[Start:End]. Its Offset is that of its event.Position: a
// file's line, from 1, or the log's offset.
type Line = journal.Line

// Batch is a run of records of one kind from one partition, in order.
type Batch struct {
	Kind     journal.Kind // of a file Event, or Cut: then the one line is the beginning of one that was too long
	Stream   string       // of the records' positions: the file's name as given, "stdin", or "log"
	Position event.PositionKind
	Buf      []byte
	Lines    []Line
	Appended int64 // append time (ms) of records of the log, 0 of others

	// The range of event times (ms), both ends included. Without Timed it is not known.
	Timed            bool
	MinTime, MaxTime int64

	// Of a file: which one it is, where Buf begins in it, and where reading goes on behind the batch. What the log needs
	// to know so that every line is appended once.
	Origin journal.Source
	Base   int64
	Next   journal.Mark

	// Of a Stream: which records these are, in which the lines have their offsets, and what is known of their times (parallel
	// to Lines; nil: nothing). Or, without records, which partitions are ours from here on, or not any more.
	Run    *Run
	Stamps []Stamp
	// Beside returns the records with what the Stream knows beside each, as a member of the event: for rules that name it. It
	// may be called until the batch is released; nil: nothing is known.
	Beside         func() (buf []byte, lines []Line)
	Assigned, Lost []Partition
	// Note is what our log keeps in place of such a batch, at LogOffset, which is set when it is durable.
	Note      []byte
	LogOffset int64

	// Kept, if it is set, is called as soon as the batch is durable, before it is handed on.
	Kept func()

	memory []byte         // what Buf is a part of
	block  *journal.Block // what a batch of the log was read to
	shares *atomic.Int32  // batches that share block, nil: this one alone

	// settled, if there is one, is told where the batch is in the log as soon as it is durable, or that there was no room
	// for it (journal.ErrDiskFull): then it is not tried again.
	settled func(at journal.Appended, err error)
}

// PositionOf returns the position of the i-th record.
func (b *Batch) PositionOf(i int) event.Position {
	p := event.Position{Stream: b.Stream, Offset: b.Lines[i].Offset, Kind: b.Position}
	if b.Run != nil {
		p.Partition = b.Run.ID
	}
	return p
}

// Record returns the bytes of the i-th record.
func (b *Batch) Record(i int) []byte { return b.Buf[b.Lines[i].Start:b.Lines[i].End] }

// ForLog fills dst with what is to be appended to the log. It shares the batch's memory.
func (b *Batch) ForLog(dst *journal.Batch) {
	if b.Note != nil {
		*dst = journal.Batch{Kind: b.Kind, Buf: b.Note, Lines: []Line{{Start: 0, End: len(b.Note)}}}
		return
	}
	*dst = journal.Batch{Kind: b.Kind, Buf: b.Buf, Lines: b.Lines, Source: b.Origin, Base: b.Base, Next: b.Next}
}
