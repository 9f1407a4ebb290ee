package source_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/journal"
	"kelpie/source"
)

// ingestFile is a file with blank lines and one that is too long, and what the log is to hold of it, by offset.
func ingestFile(t *testing.T) (name string, want []string) {
	var content []byte
	for i := range 400 {
		switch {
		case i%41 == 40:
			content = append(content, "\r\n"...)
		case i == 200:
			content = append(content, strings.Repeat("y", 3000)+"\n"...)
			want = append(want, fmt.Sprintf("%d cut line %s", i+1, strings.Repeat("y", 1024)))
		default:
			text := fmt.Sprintf("line %d %x", i+1, uint64(i)*0x9E3779B97F4A7C15)
			content = append(content, text+"\n"...)
			want = append(want, fmt.Sprintf("%d event %s", i+1, text))
		}
	}
	return write(t, filepath.Join(t.TempDir(), "f"), content), want
}

// logged returns what a log holds, and checks that its offsets have no gaps.
func logged(t *testing.T, fs vfs.FS) (all []string) {
	t.Helper()
	l, err := journal.Open("log", journal.Options{FS: fs, ReadOnly: true})
	if errors.Is(err, journal.ErrNone) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	r := l.NewReader(0)
	defer r.Close()
	var b journal.Block
	for r.Next(ctx, &b) == nil {
		for i := range b.Lines {
			x := b.Record(i)
			if x.Offset != int64(len(all)) {
				t.Fatalf("offset %d follows %d", x.Offset, len(all)-1)
			}
			all = append(all, fmt.Sprintf("%d %v %s", x.Line, x.Kind, x.Payload))
		}
	}
	return all
}

// ingest reads a file into a log on fs from where it stopped, and returns what it handed on, by log offset.
func ingest(fs vfs.FS, name string) (took map[int64]string, err error) {
	l, err := journal.Open("log", journal.Options{FS: fs, SegmentSize: 8000})
	if err != nil {
		return nil, err
	}
	s, err := source.OpenFiles(source.FilesOptions{Names: []string{name}, MaxLine: 2000, BatchSize: 700, Resume: l.Progress})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	took = map[int64]string{}
	g := source.Ingest{
		Source: s, Log: l, Retry: time.Microsecond,
		Times: func(*source.Batch) (int64, int64, bool) { return 1, 2, true },
		Durable: func(b *source.Batch) error {
			for i, line := range b.Lines {
				if got := b.PositionOf(i).String(); got != fmt.Sprintf("log@%d", line.Offset) {
					return fmt.Errorf("the position is %s", got)
				}
				took[line.Offset] = fmt.Sprintf("%v %s", b.Kind, b.Record(i))
			}
			return nil
		},
	}
	err = g.Run(ctx)
	return took, errors.Join(err, s.Close(), l.Close())
}

// expectIngested checks that what was handed on is what the log holds, and is n records.
func expectIngested(t *testing.T, took map[int64]string, want []string, n int) {
	t.Helper()
	if len(took) != n {
		t.Fatalf("%d records were handed on, want %d", len(took), n)
	}
	for offset, text := range took {
		if !strings.HasSuffix(want[offset], " "+text) {
			t.Fatalf("log@%d was handed on as %q, want %q", offset, text, want[offset])
		}
	}
}

// TestIngestCrash cuts the power before the k-th write, for every k, and starts again: every line is in the log once.
func TestIngestCrash(t *testing.T) {
	name, want := ingestFile(t)
	for k := 0; ; k++ {
		mem := vfs.NewCrashableMem()
		var mu sync.Mutex
		writes := 0
		var crashed *vfs.MemFS
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if writes++; writes == k+1 {
				crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
			}
			return nil
		}))
		took, err := ingest(fs, name)
		if err != nil {
			t.Fatal(err)
		}
		expectIngested(t, took, want, len(want))
		if crashed == nil {
			t.Logf("%d writes", k)
			return
		}
		before := len(logged(t, crashed))
		if took, err = ingest(crashed, name); err != nil {
			t.Fatalf("after a crash at write %d: %v", k, err)
		}
		expectIngested(t, took, want, len(want)-before)
		if got := logged(t, crashed); !slices.Equal(got, want) {
			t.Fatalf("after a crash at write %d the log holds %q", k, got)
		}
	}
}

// TestIngestFullDisk has no room for some writes from the k-th on: reading waits, then goes on by itself.
func TestIngestFullDisk(t *testing.T) {
	name, want := ingestFile(t)
	for k := int64(0); ; k++ {
		mem := vfs.NewMem()
		var writes atomic.Int64
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpFileWriteAt || op.Kind == errorfs.OpFileSyncData {
				if n := writes.Add(1); n > k && n <= k+3 {
					return syscall.ENOSPC
				}
			}
			return nil
		}))
		took, err := ingest(fs, name)
		if err != nil {
			t.Fatalf("full disk at write %d: %v", k, err)
		}
		expectIngested(t, took, want, len(want))
		if got := logged(t, mem); !slices.Equal(got, want) {
			t.Fatalf("full disk at write %d: the log holds %q", k, got)
		}
		if writes.Load() <= k {
			t.Logf("%d writes", k)
			return
		}
	}
}

// TestIngestStops ends an Ingest by its context, by what takes the batches, and by the log.
func TestIngestStops(t *testing.T) {
	name, _ := ingestFile(t)
	run := func(ctx context.Context, l *journal.Log, durable func(*source.Batch) error) error {
		s := openFiles(t, source.FilesOptions{Names: []string{name}, BatchSize: 700})
		g := source.Ingest{Source: s, Log: l, Durable: durable, Ahead: 1}
		return g.Run(ctx)
	}
	c, cancel := context.WithCancel(ctx)
	err := run(c, openLog(t), func(*source.Batch) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	enough := errors.New("enough")
	if err := run(ctx, openLog(t), func(*source.Batch) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("refused: %v", err)
	}
	broken := gzipped([]byte(strings.Repeat("line\n", 1000)))
	name = write(t, name, broken[:len(broken)-4])
	n := 0
	err = run(ctx, openLog(t), func(b *source.Batch) error { n += len(b.Lines); return nil })
	if err == nil || !strings.Contains(err.Error(), "ends in the middle") || n < 800 {
		t.Errorf("a broken file: %d lines, %v", n, err)
	}
	l := openLog(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := run(ctx, l, func(*source.Batch) error { return nil }); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("into a closed log: %v", err)
	}
}
