package source

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"
)

// Partition names one ordered part of a Stream.
type Partition struct {
	Stream string `json:"stream"` // a topic
	ID     int32  `json:"partition"`
}

// String returns "orders/3".
func (p Partition) String() string { return p.Stream + "/" + strconv.Itoa(int(p.ID)) }

// Compare orders by stream and number.
func (p Partition) Compare(q Partition) int {
	return cmp.Or(strings.Compare(p.Stream, q.Stream), cmp.Compare(p.ID, q.ID))
}

// Run is a stretch of one partition of a Stream: the records from offset From up to, and without, To that there are. Our
// own log does not copy them: it keeps that they were read, when, and in which order with all others, so that a replay
// folds them at the same place. What is written of a Run is its JSON.
type Run struct {
	Partition
	From int64 `json:"from"`
	To   int64 `json:"to"`

	// Records is how many there are; offsets may be missing (compaction, aborted transactions). With 0 only the place has
	// moved on.
	Records int `json:"records"`

	// Mark is how the Stream writes that it was read up to To; reading goes on there.
	Mark []byte `json:"mark"`

	// Gap says in a sentence that, and why, records are lost: then there are none in the Run.
	Gap string `json:"gap,omitempty"`
	// Anew says that To is where a partition begins that has the name of an earlier one, whose offsets mean nothing in it.
	Anew bool `json:"anew,omitempty"`
}

// RunNote is what our log keeps of a Run: the payload, in JSON, of a journal.RecordsRead record.
type RunNote struct {
	Input string `json:"input"` // that read it
	Run
}

// Stream is a Source over a log that keeps its records itself, in partitions that come and go: Kafka. Each of its Batches has
// a Run, or says what partitions are ours.
type Stream interface {
	Source

	// Quiet reports since when there has been nothing to read in a partition, and all that was fetched of it has been
	// released. It is false while there is something, and while that is not known, because who has the partition does not
	// answer.
	Quiet(Partition) (since time.Time, ok bool)
	// Committed tells that everything up to a mark is durable in our state.
	Committed(p Partition, mark []byte)
	// Problems says what is wrong, a sentence each.
	Problems() []string
	// Status returns how reading goes.
	Status() StreamStatus
}

// Records reads Runs of a Stream once more.
type Records interface {
	// Read returns the records of a Run as the Stream gave them, waiting for brokers as long as ctx allows. lost says in a
	// sentence which of them are not to be had any more, and why; "" if all are there. The Batch is the caller's until the
	// next call.
	Read(ctx context.Context, r *Run) (b *Batch, lost string, err error)
	// Problems says what holds reading up, a sentence each. Any goroutine may ask.
	Problems() []string
	Close() error
}

// BesideName is the member of an event that holds what its Stream knows beside it: kafka.key, kafka.topic, kafka.headers.x.
const BesideName = "kafka"

// Stamp is what a Stream knows of the time of a record; ms.
type Stamp struct {
	Created  int64 // by whom it was made; 0: not known
	Appended int64 // when the Stream's log took it, by its own clock; 0: not known
}
