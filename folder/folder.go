// Package folder keeps a data folder that belongs to one process: it is made so that a crash cannot take it away, and
// says who has it. The lock itself is taken by whoever keeps things in the folder.
package folder

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

// ownerFile holds the process id of the one that has the folder.
const ownerFile = "OWNER"

// Make makes dir and what is missing above it, and syncs the folders in which these are entered, so that a crash cannot
// take the whole folder away, with all that was synced in it.
func Make(fsys vfs.FS, dir string) error {
	_, err := fsys.Stat(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := fsys.PathDir(dir)
	if parent != dir {
		if err := Make(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return Sync(fsys, parent)
}

// Sync makes durable which files a folder has.
func Sync(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// IsTaken reports whether a lock was not given because somebody has it: another process, as the system says it, or this
// one, as the file system says it.
func IsTaken(err error) bool {
	if path := (*fs.PathError)(nil); err == nil || errors.As(err, &path) {
		return false
	}
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held")
}

// NoteOwner writes this process's id into the folder, for the message that a second process prints. The lock holds
// without it, so whoever has the lock may go on if it cannot be written.
func NoteOwner(fsys vfs.FS, dir string) error {
	f, err := fsys.Create(fsys.PathJoin(dir, ownerFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(strconv.Itoa(os.Getpid())))
	return errors.Join(err, f.Close())
}

// Owner names the process that has the folder, as well as it is known.
func Owner(fsys vfs.FS, dir string) string {
	const unknown = "another process"
	f, err := fsys.Open(fsys.PathJoin(dir, ownerFile))
	if err != nil {
		return unknown
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 20))
	if err != nil {
		return unknown
	}
	pid, err := strconv.Atoi(string(b))
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("process %d", pid)
}
