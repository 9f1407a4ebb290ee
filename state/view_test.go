package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestView looks at a state while it is written, flushed and compacted: every view shows the state after one commit,
// no older than the newest one that was there when it was asked for.
func TestView(t *testing.T) {
	f := func(name string, disk vfs.FS, dir string) {
		t.Run(name, func(t *testing.T) {
			s, err := Open(dir, Options{FS: disk, MemTable: 128 << 10, Seed: 3})
			if err != nil {
				t.Fatal(err)
			}
			var committed atomic.Uint64
			enough := make(chan struct{})
			done := make(chan error, 1)
			go func() { done <- writeUntil(s, &committed, enough) }()
			for i := range 15 {
				for committed.Load() < uint64(20*i) { // so that the views see many flushes
					select {
					case err := <-done:
						t.Fatal(err)
					default:
						runtime.Gosched()
					}
				}
				checkView(t, disk, dir, committed.Load())
			}
			close(enough)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkView(t, disk, dir, committed.Load())
		})
	}
	f("memory", vfs.NewMem(), testDir)
	f("disk", vfs.Default, t.TempDir())
}

// writeUntil commits rows that all hold the number of their commit, until enough is closed.
func writeUntil(s *Store, committed *atomic.Uint64, enough <-chan struct{}) error {
	b := s.NewBatch()
	defer b.Close()
	row := slices.Repeat([]byte{0xa5}, 1000)
	for n := uint64(1); ; n++ {
		select {
		case <-enough:
			return nil
		default:
		}
		for key := range uint64(10) {
			binary.LittleEndian.PutUint64(row, n)
			b.SetRow(1, key, fmt.Appendf(nil, "key-%d", key), row)
		}
		if err := s.Commit(b, n%5 == 0); err != nil {
			return err
		}
		if n%5 == 0 {
			committed.Store(n)
		}
	}
}

func checkView(t *testing.T, disk vfs.FS, dir string, least uint64) {
	t.Helper()
	s, err := OpenView(dir, Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	var of []uint64
	err = s.ScanRows(1, 8, func(_ uint64, _, head []byte) error {
		of = append(of, binary.LittleEndian.Uint64(head))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range of {
		if n != of[0] || n < least {
			t.Errorf("the rows are of commits %d, want one that is at least %d", of, least)
			break
		}
	}
	if len(of) != 10 && least > 0 {
		t.Errorf("%d rows, want 10", len(of))
	}
	b := s.NewBatch()
	b.SetNote("a", []byte("b"))
	if err := s.Commit(b, true); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a commit to a view: %v", err)
	}
	if err := errors.Join(b.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

func TestViewOfNothing(t *testing.T) {
	disk := vfs.NewMem()
	if _, err := OpenView("nowhere", Options{FS: disk}); !errors.Is(err, ErrNone) {
		t.Errorf("no folder: %v", err)
	}
	if err := disk.MkdirAll("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenView("empty", Options{FS: disk}); !errors.Is(err, ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
	if names, err := disk.List("empty"); err != nil || len(names) > 0 {
		t.Errorf("looking wrote %v, %v", names, err)
	}
}
