package state

import (
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
)

// Stats says how large the store is and how it fares. It is cheap to get.
type Stats struct {
	DiskBytes      int64 // of all files
	MemTableBytes  int64
	CacheBytes     int64 // of the block cache
	CacheHits      int64
	CacheMisses    int64
	LogBytes       int64 // written to the write-ahead log since the store was opened
	Flushes        int64
	Compactions    int64
	CompactionDebt int64 // bytes that compactions are estimated to have to move
	ReadAmp        int   // places in which a cold row may have to be looked for
	Stalls         int64 // times that writes had to wait for flushes or compactions
	DiskFull       bool  // a write waits for room on the disk
}

// Stats returns the figures as they are now; none after a failure of the storage.
func (s *Store) Stats() Stats {
	if s.Err() != nil {
		return Stats{}
	}
	m := s.db.Metrics()
	return Stats{
		DiskBytes:      int64(m.DiskSpaceUsage()),
		MemTableBytes:  int64(m.MemTable.Size),
		CacheBytes:     m.BlockCache.Size,
		CacheHits:      m.BlockCache.Hits,
		CacheMisses:    m.BlockCache.Misses,
		LogBytes:       int64(m.WAL.BytesWritten),
		Flushes:        m.Flush.Count,
		Compactions:    m.Compact.Count,
		CompactionDebt: int64(m.Compact.EstimatedDebt),
		ReadAmp:        m.ReadAmp(),
		Stalls:         s.health.stalls.Load(),
		DiskFull:       s.health.full.Load(),
	}
}

// Usage is what one kind of row takes.
type Usage struct {
	Kind  string
	Bytes int64 // on disk, estimated; what is in memtables only is not in it
	Keys  int64 // estimated: a row written again counts twice until it is compacted
}

// kinds of rows that Usage lists, with the first byte of their keys.
var usageKinds = []struct {
	name string
	kind byte
}{
	{"rows", kindRow}, {"chunks", kindChunk}, {"alerts", kindAlert}, {"outbox", kindOutbox}, {"rejected", kindRejected},
}

// Usage estimates what each kind of row takes. It reads properties of every file, so it is for people, not for
// every scrape of the metrics.
func (s *Store) Usage() ([]Usage, error) {
	var all []Usage
	for _, k := range usageKinds {
		u, err := s.usageOf(k.kind)
		if err != nil {
			return nil, err
		}
		u.Kind = k.name
		all = append(all, u)
	}
	return all, nil
}

func (s *Store) usageOf(kind byte) (u Usage, err error) {
	start, end := []byte{kind}, []byte{kind + 1}
	levels, err := s.db.SSTables(pebble.WithProperties(), pebble.WithKeyRangeFilter(start, end), pebble.WithApproximateSpanBytes())
	if err != nil {
		return u, fatal("read properties", err)
	}
	for _, tables := range levels {
		for _, t := range tables {
			u.Bytes += int64(t.ApproximateSpanBytes)
			if t.Size > 0 && t.Properties != nil {
				// A file may hold rows of several kinds: by its bytes, this many are of this one.
				live := float64(t.Properties.NumEntries - min(t.Properties.NumEntries, 2*t.Properties.NumDeletions))
				u.Keys += int64(live * float64(t.ApproximateSpanBytes) / float64(t.Size))
			}
		}
	}
	return u, nil
}

// Backup writes a copy of the state, as of the newest commit, into a folder that must not exist yet. It takes
// little time and room where the file system has hard links; the store goes on meanwhile.
func (s *Store) Backup(dir string) error {
	if err := s.Err(); err != nil {
		return err
	}
	if s.readOnly {
		return fmt.Errorf("state: backup to %q: %w", dir, ErrReadOnly)
	}
	if _, err := s.fs.Stat(dir); err == nil {
		return fmt.Errorf("state: backup to %q: the folder exists", dir)
	}
	op := "backup to " + strconv.Quote(dir)
	return fatal(op, s.health.attempt(op, func() error { return s.db.Checkpoint(dir, pebble.WithFlushedWAL()) }))
}
