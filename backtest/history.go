package backtest

import (
	"context"

	"kelpie/engine"
	"kelpie/event"
)

// History is events of the past, in the order of the log or the files that hold them. It is for one goroutine.
type History interface {
	// Next returns the next part; io.EOF says that there are no more. A part is valid until the call after it.
	Next(ctx context.Context) (*Part, error)
	// Names says what is read, for the report: files, topics, the log.
	Names() []string
	// Total returns how many bytes there are to read, as Part.Bytes counts them; 0 if that is not known.
	Total() int64
	// Close ends reading.
	Close() error
}

// Logged is a History that is the log of a service. It has what the service folded, its ends included: where it ends, the
// stream goes on.
type Logged interface {
	History
	Dedupe() []engine.Dedupe // sources of which events that come again are left out, as the service left them out
}

// Part is a stretch of a history: records of one partition, or something that is to be known between records.
type Part struct {
	Partition event.Position // which one the records belong to; Offset is not used
	Source    string         // by which Logged.Dedupe knows whose they are; "": nothing of them is left out
	Buf       []byte
	Lines     []engine.Line
	Rejected  []engine.Rejection // records that cannot be decoded, such as lines that are too long
	Bytes     int64              // of the history, read for this part

	// Before the records, in this order:
	Wait []event.Position // partitions of which time waits from here on
	Idle []event.Position // partitions of which nothing comes for now: time does not wait for them
	Tick int64            // time went on, up to this watermark; 0: it did not
	End  bool             // of the input so far: all that waits is folded
}
