package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	lockFile  = "LOCK"
	ownerFile = "OWNER" // holds the process id of the one that has the lock
)

// lockFolder makes the folder and takes its lock.
func (l *Log) lockFolder() error {
	if err := makeFolder(l.fs, l.dir); err != nil {
		return fmt.Errorf("journal: make %q: %w", l.dir, err)
	}
	lock, err := l.fs.Lock(l.fs.PathJoin(l.dir, lockFile))
	if isLocked(err) {
		return fmt.Errorf("journal: open %q: %w by %s", l.dir, ErrInUse, l.owner())
	}
	if err != nil {
		return fmt.Errorf("journal: lock %q: %w", l.dir, err)
	}
	l.lock = lock
	l.noteOwner()
	return nil
}

// makeFolder makes dir and what is missing above it, and syncs the folders in which they are entered, so that a crash
// cannot take the log away as a whole.
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
	return syncFolder(fsys, parent)
}

// syncFolder makes durable which files a folder has.
func syncFolder(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// isLocked reports whether a lock was not given because somebody has it: another process, as the system says it, or
// this one, as the file system says it.
func isLocked(err error) bool {
	if path := (*fs.PathError)(nil); err == nil || errors.As(err, &path) {
		return false
	}
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held")
}

// noteOwner writes the process id beside the lock, for the message that a second process prints. The lock holds
// without it.
func (l *Log) noteOwner() {
	f, err := l.fs.Create(l.fs.PathJoin(l.dir, ownerFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		l.opts.Log.Debug("journal: note owner", "error", err)
		return
	}
	_, err = f.Write([]byte(strconv.Itoa(os.Getpid())))
	if err = errors.Join(err, f.Close()); err != nil {
		l.opts.Log.Debug("journal: note owner", "error", err)
	}
}

func (l *Log) owner() string {
	f, err := l.fs.Open(l.fs.PathJoin(l.dir, ownerFile))
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
