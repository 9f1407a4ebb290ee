package state

import (
	"errors"
	"log/slog"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fullDisk is a file system that has no room from now until room.
type fullDisk struct{ from, room time.Time }

func (d *fullDisk) wrap(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		now := time.Now()
		if op.Kind == errorfs.OpFileWrite && !now.Before(d.from) && now.Before(d.room) {
			return syscall.ENOSPC
		}
		return nil
	}))
}

func TestFullDiskWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		disk := fullDisk{start.Add(time.Minute), start.Add(time.Hour)}
		s := openMem(t, disk.wrap(vfs.NewMem()), Options{})
		time.Sleep(2 * time.Minute)
		commit(t, s, func(b *Batch) { setRow(b, 1, 2, "key", "value") })
		if got := time.Since(start); got < time.Hour {
			t.Errorf("committed after %v, while the disk was full", got)
		}
		if v, err := s.GetRow(1, 2, []byte("key"), nil); err != nil || string(v) != "value" {
			t.Errorf("GetRow = %q, %v", v, err)
		}
		if s.Stats().DiskFull {
			t.Error("still waiting for room")
		}
	})
}

func TestFullDiskNotWaitedFor(t *testing.T) {
	disk := fullDisk{from: time.Now().Add(-time.Hour), room: time.Now().Add(time.Hour)}
	fs := vfs.NewMem()
	if err := fs.MkdirAll(testDir, 0o755); err != nil {
		t.Fatal(err)
	}
	h := newHealth(slog.New(slog.DiscardHandler))
	h.stopWaiting()
	f := &failStop{FS: disk.wrap(fs), dir: testDir, health: h}
	file, err := f.Create(testDir+"/000099.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.attempt("write", func() error { _, err := file.Write([]byte("x")); return err }); !errors.Is(err, ErrFatal) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing to a full disk: %v", err)
	}
}
