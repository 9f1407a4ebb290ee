package journal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sort"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say how to open a log. The zero value is a log on disk with default sizes that removes nothing.
type Options struct {
	FS          vfs.FS           // the file system; nil is the disk
	ReadOnly    bool             // change nothing and lock nothing: what is durable now can be read, also while another process appends
	BlockSize   int              // payload bytes that are compressed together; default 4 MiB, at most 32 MiB
	SegmentSize int64            // bytes on disk after which a new segment is begun; default 128 MiB
	MaxAge      time.Duration    // Retain removes what was appended longer ago; 0: age does not matter
	MaxSize     int64            // Retain removes the oldest while the log has more bytes on disk; 0: size does not matter
	Now         func() time.Time // the clock of append times; nil is time.Now
	Log         *slog.Logger     // nil discards
}

func (o *Options) setDefaults() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.BlockSize <= 0 {
		o.BlockSize = 4 << 20
	}
	o.BlockSize = min(o.BlockSize, 32<<20)
	if o.SegmentSize <= 0 {
		o.SegmentSize = 128 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Progress is how far a source has been read.
type Progress struct {
	Ident string // of the Source that was read last under this name
	Mark  Mark
}

// Log is an open log. It is safe for concurrent use.
type Log struct {
	dir  string
	fs   vfs.FS
	opts Options
	lock io.Closer

	// Nothing is read, written or compressed while mu is held, but for the copying of small appends.
	mu       sync.Mutex
	segments []*segment // by offset; the last one is the newest
	progress map[string]Progress
	changed  chan struct{} // closed, and made anew, when next moves, and when the log is closed
	queue    queue
	stats    Stats
	failed   error // ErrFailed: no append any more
	closed   bool

	writer    writer
	retaining sync.Mutex // held while segments are removed
}

// Stats are figures about a log.
type Stats struct {
	First, Next int64 // offset of the oldest record that is kept, and of the next one to come
	Segments    int
	Bytes       int64 // on disk
	Records     int64 // appended since the log was opened
	Payload     int64 // bytes of them
	Written     int64 // bytes that were written for them
	Groups      int64 // syncs that made them durable
	DiskFull    bool  // the last append found no room
	Cut         int64 // bytes of a torn tail that were cut when the log was opened
}

// FirstOffset returns the offset of the oldest record that is kept, or NextOffset if there is none.
func (l *Log) FirstOffset() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first()
}

// NextOffset returns the offset that the next record will get: all below it, from FirstOffset on, is durable.
func (l *Log) NextOffset() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next()
}

// first and next are for those who hold mu.
func (l *Log) first() int64 {
	if len(l.segments) == 0 {
		return 0
	}
	return l.segments[0].header.first
}

func (l *Log) next() int64 {
	if len(l.segments) == 0 {
		return 0
	}
	return l.segments[len(l.segments)-1].next
}

// newest returns the segment that was begun last, or nil. The caller holds mu.
func (l *Log) newest() *segment {
	if len(l.segments) == 0 {
		return nil
	}
	return l.segments[len(l.segments)-1]
}

// find returns the index of the segment that holds offset; the caller holds mu and has checked that there is one.
func (l *Log) find(offset int64) int {
	return sort.Search(len(l.segments), func(i int) bool { return l.segments[i].header.first > offset }) - 1
}

// Progress returns how far the source of that name has been appended, by what is durable; ok is false if nothing of
// it is in the log, or ever was.
func (l *Log) Progress(name string) (p Progress, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok = l.progress[name]
	return p, ok
}

// AllProgress returns a copy of how far each source has been appended, by name.
func (l *Log) AllProgress() map[string]Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.progress)
}

// Stats returns the log's figures.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.First, s.Next, s.Segments = l.first(), l.next(), len(l.segments)
	for _, g := range l.segments {
		s.Bytes += g.end
	}
	return s
}

// Err returns the failure after which the log takes no append any more, or nil.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// notify wakes those who wait for records. The caller holds mu.
func (l *Log) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Close waits until what has been begun is durable, then closes the log. Appends and readers that come later get
// ErrClosed.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.notify()
	l.mu.Unlock()
	err := l.writer.stop()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("journal: close %q: %w", l.dir, err)
	}
	return nil
}
