package state

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// formatMajor gates what Pebble may write. It is raised by hand, with a line in docs/format.md.
const formatMajor = pebble.FormatValueSeparation

const (
	memTableSize   = 64 << 20
	memTables      = 4 // before writes wait for the flush
	l0Compact      = 4
	l0Stop         = 64
	baseLevelSize  = 256 << 20
	tableSize      = 16 << 20 // in L0; twice that in each level below
	indexBlockSize = 128 << 10
	bloomBits      = 10
	maxFiles       = 1000
)

// pebbleOptions returns Pebble's options for a load that writes tens of thousands of rows every 50 ms, most of them
// again soon, and reads single cold rows: large memtables absorb the rewriting, and filters spare reads of keys that
// are new. Blocks are not compressed: with 2M rows of 160 bytes and uniform traffic, the cheapest compression saves a
// quarter of the disk and costs a third more CPU, in reads and in compactions.
func (s *Store) pebbleOptions(o Options) *pebble.Options {
	p := &pebble.Options{
		FS:                          &failStop{FS: s.fs, dir: s.dir, health: s.health},
		ReadOnly:                    o.ReadOnly,
		ErrorIfNotExists:            o.ReadOnly,
		CacheSize:                   o.Cache + memTables*o.MemTable, // Pebble takes its memtables out of it
		FormatMajorVersion:          formatMajor,
		MemTableSize:                uint64(o.MemTable),
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       l0Compact,
		L0StopWritesThreshold:       l0Stop,
		LBaseMaxBytes:               baseLevelSize,
		MaxOpenFiles:                maxFiles,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		Logger:                      pebbleLog{s.health},
		EventListener:               pebbleLog{s.health}.listener(),
	}
	p.TargetFileSizes[0] = tableSize
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		p.Levels[i].IndexBlockSize = indexBlockSize
	}
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	return p
}

// pebbleLog hands Pebble's few words to slog.
type pebbleLog struct{ *health }

// Infof implements pebble.Logger: what Pebble does is worth a look only when debugging.
func (l pebbleLog) Infof(format string, args ...any) {
	if l.out.Enabled(context.Background(), slog.LevelDebug) {
		l.out.Debug("state: " + fmt.Sprintf(format, args...))
	}
}

// Errorf implements pebble.Logger.
func (l pebbleLog) Errorf(format string, args ...any) {
	l.out.Error("state: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. Pebble expects that it does not return; the process is left to those who wait for
// the store and are told that it failed.
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.fail("go on", fmt.Errorf(format, args...))
	select {}
}

func (l pebbleLog) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			l.out.Error("state: background work failed, will be tried again", "error", err)
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			l.fail("read "+i.Path, i.Details) // returns: whoever reads gets the error, too
		},
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
			l.stalls.Add(1)
			l.out.Warn("state: writes wait", "reason", i.Reason)
		},
	}
}

// errorOf makes an error of what Pebble panicked with.
func errorOf(p any) error {
	if err, ok := p.(error); ok {
		return err
	}
	return fmt.Errorf("%v", p)
}
