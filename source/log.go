package source

import (
	"sync/atomic"

	"kelpie/event"
	"kelpie/journal"
)

// LogOptions say what Log reads.
type LogOptions struct {
	From   int64 // offset of the first record
	Follow bool  // wait for records to come, rather than end behind the last one
}

// Log reads the embedded log. Its batches are of one kind each, ticks and our own events included; their
// positions are log@offset.
type Log struct {
	feed
	reader *journal.Reader
}

// LogStream is the stream of the positions of the embedded log.
const LogStream = "log"

// OpenLog opens a source of the log, which must stay open for as long.
func OpenLog(l *journal.Log, o LogOptions) *Log {
	s := &Log{reader: l.NewReader(o.From)}
	if o.Follow {
		s.reader = l.Follow(o.From)
	}
	s.init(s.read)
	return s
}

// Close implements Source.
func (s *Log) Close() error {
	s.stop()
	return s.reader.Close()
}

// read is the reading goroutine.
func (s *Log) read() error {
	for {
		b := s.spare()
		if b.block == nil {
			b.block = &journal.Block{}
		}
		if err := s.reader.Next(s.ctx, b.block); err != nil {
			return err
		}
		if err := s.sendBlock(b); err != nil {
			return err
		}
	}
}

// sendBlock sends the block in b, as one batch for each stretch of records of one kind.
func (s *Log) sendBlock(b *Batch) error {
	block := b.block
	var parts []*Batch
	from := 0
	for i := 0; i < len(block.Runs); {
		kind, to := block.Runs[i].Kind, from
		for ; i < len(block.Runs) && block.Runs[i].Kind == kind; i++ {
			to += block.Runs[i].Count
		}
		if from > 0 {
			b = &Batch{block: block}
		}
		b.Kind, b.Stream, b.Position = kind, LogStream, event.LogPosition
		b.Buf, b.Lines, b.Appended = block.Buf, block.Lines[from:to], block.Appended
		b.shares = nil
		parts = append(parts, b)
		from = to
	}
	if len(parts) > 1 {
		shares := new(atomic.Int32)
		shares.Store(int32(len(parts)))
		for _, p := range parts {
			p.shares = shares
		}
	}
	for _, p := range parts {
		if err := s.send(p); err != nil {
			return err
		}
	}
	return nil
}
