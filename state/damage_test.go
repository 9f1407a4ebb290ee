package state

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestDamagedFileIsAnError changes a byte in a file of rows: reading it ends in an error, and the store takes no
// commit any more.
func TestDamagedFileIsAnError(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(testDir, Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, func(b *Batch) { setRow(b, 1, 2, "key", strings.Repeat("value", 100)) })
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, fs)
	if s, err = Open(testDir, Options{FS: fs}); err != nil {
		if !errors.Is(err, ErrFatal) {
			t.Errorf("opening a damaged store: %v", err)
		}
		return
	}
	if v, err := s.GetRow(1, 2, []byte("key"), nil); !errors.Is(err, ErrFatal) {
		t.Errorf("reading a damaged row: %q, %v", v, err)
	}
	b := s.NewBatch()
	setRow(b, 1, 2, "key", "new")
	if err := s.Commit(b, true); !errors.Is(err, ErrFatal) {
		t.Errorf("commit to a damaged store: %v", err)
	}
}

// damage changes a byte near the beginning of every file of rows.
func damage(t *testing.T, fs vfs.FS) {
	t.Helper()
	names, err := fs.List(testDir)
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		f, err := fs.OpenReadWrite(fs.PathJoin(testDir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{0x55}, 40); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		damaged++
	}
	if damaged == 0 {
		t.Fatal("there is no file of rows")
	}
}
