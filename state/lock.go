package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ownerFile holds the process id of the one that has the folder's lock.
const ownerFile = "OWNER"

// lockFolder makes the folder where it may and takes its lock.
func (s *Store) lockFolder() error {
	if s.readOnly {
		if _, err := s.fs.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("state: open %q: %w", s.dir, ErrNone)
		}
	} else if err := makeFolder(s.fs, s.dir); err != nil {
		return fatal("make folder", err)
	}
	lock, err := pebble.LockDirectory(s.dir, s.fs)
	if isLocked(err) {
		return fmt.Errorf("state: open %q: %w by %s", s.dir, ErrInUse, s.owner())
	}
	if err != nil {
		return fatal("lock folder", err)
	}
	s.lock = lock
	s.noteOwner()
	return nil
}

// makeFolder makes dir and what is missing above it, and syncs the folders that these are entered in: else a crash
// could take the whole folder away, with all that was synced in it.
func makeFolder(fsys vfs.FS, dir string) error {
	_, err := fsys.Stat(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := fsys.PathDir(dir)
	if parent != dir {
		if err := makeFolder(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	d, err := fsys.OpenDir(parent)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// isLocked reports whether a lock was not given because somebody has it: another process, as fcntl says it, or this
// one, as Pebble says it.
func isLocked(err error) bool {
	if path := (*fs.PathError)(nil); err == nil || errors.As(err, &path) {
		return false
	}
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) ||
		strings.Contains(err.Error(), "lock held by current process")
}

// noteOwner writes the process id beside the lock, for the message that a second process prints. The lock holds
// without it, so it is no error if it cannot be written.
func (s *Store) noteOwner() {
	f, err := s.fs.Create(s.fs.PathJoin(s.dir, ownerFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return
	}
	_, err = f.Write([]byte(strconv.Itoa(os.Getpid())))
	if err = errors.Join(err, f.Close()); err != nil {
		s.health.out.Debug("state: note owner", "error", err)
	}
}

func (s *Store) owner() string {
	f, err := s.fs.Open(s.fs.PathJoin(s.dir, ownerFile))
	if err != nil {
		return "another process"
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 20))
	if pid, perr := strconv.Atoi(string(b)); err == nil && perr == nil {
		return fmt.Sprintf("process %d", pid)
	}
	return "another process"
}
