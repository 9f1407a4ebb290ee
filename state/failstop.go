package state

import (
	"errors"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/folder"
)

// failStop is the file system under Pebble. It lets no write fail halfway:
//
//   - A full disk holds the write up, and with it the commit and in the end the source, until there is room.
//   - Any other error ends the store, and the write, like every later one, never returns. So nothing is written
//     after the failure, and Pebble never has to go on with a log or manifest of which nobody knows what has reached
//     the disk; there it would end the process without a useful word.
//
// Reads are passed through, and so is what lies outside of dir (a backup).
type failStop struct {
	vfs.FS
	dir    string
	health *health
}

// Create implements vfs.FS. A marker says which other file counts, so that one is entered in the folder first: Pebble
// syncs the folder only after both, and a crash in between could leave a marker to nothing.
func (f *failStop) Create(name string, c vfs.DiskWriteCategory) (file vfs.File, err error) {
	if strings.HasPrefix(f.PathBase(name), "marker.") {
		if err := folder.Sync(f, f.PathDir(name)); err != nil {
			return nil, err
		}
	}
	err = f.do("create", name, true, func() error { file, err = f.FS.Create(name, c); return err })
	return f.wrap(file, name, err)
}

// OpenReadWrite implements vfs.FS.
func (f *failStop) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (file vfs.File, err error) {
	err = f.do("open", name, true, func() error { file, err = f.FS.OpenReadWrite(name, c, o...); return err })
	return f.wrap(file, name, err)
}

// ReuseForWrite implements vfs.FS.
func (f *failStop) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (file vfs.File, err error) {
	err = f.do("reuse", name, false, func() error { file, err = f.FS.ReuseForWrite(old, name, c); return err })
	return f.wrap(file, name, err)
}

// OpenDir implements vfs.FS: a folder is opened to be synced.
func (f *failStop) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.wrap(file, name, err)
}

// Rename implements vfs.FS.
func (f *failStop) Rename(old, name string) error {
	return f.do("rename", name, true, func() error { return f.FS.Rename(old, name) })
}

// Remove implements vfs.FS. That a file could not be removed harms nobody; Pebble says so and goes on.
func (f *failStop) Remove(name string) error {
	if f.health.err() != nil {
		select {} // the store has ended
	}
	return f.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (f *failStop) Unwrap() vfs.FS { return f.FS }

func (f *failStop) wrap(file vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &failStopFile{File: file, name: name, fs: f}, nil
}

// do does a write, with again once more whenever the disk was full. It returns an error only for what lies outside
// of dir.
func (f *failStop) do(op, name string, again bool, write func() error) error {
	if name != f.dir && f.PathDir(name) != f.dir {
		return write()
	}
	for f.health.err() == nil {
		err := write()
		if err == nil {
			f.health.room()
			return nil
		}
		if !again || !errors.Is(err, syscall.ENOSPC) || !f.health.waitForRoom(err) {
			f.health.fail(op+" "+name, err)
		}
	}
	select {} // the store has ended
}

// failStopFile is a file that is written to, or a folder that is synced.
type failStopFile struct {
	vfs.File
	name string
	fs   *failStop
}

// Write implements vfs.File. What found room before the disk was full is not written again.
func (f *failStopFile) Write(p []byte) (n int, err error) {
	err = f.fs.do("write", f.name, true, func() error {
		m, err := f.File.Write(p[n:])
		n += m
		return err
	})
	return n, err
}

// WriteAt implements vfs.File.
func (f *failStopFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.fs.do("write", f.name, true, func() error {
		m, err := f.File.WriteAt(p[n:], at+int64(n))
		n += m
		return err
	})
	return n, err
}

// Sync implements vfs.File. There is no second try: what a failed sync had to write may be gone, whatever the second
// one says.
func (f *failStopFile) Sync() error { return f.fs.do("sync", f.name, false, f.File.Sync) }

// SyncData implements vfs.File.
func (f *failStopFile) SyncData() error { return f.fs.do("sync", f.name, false, f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *failStopFile) SyncTo(length int64) (full bool, err error) {
	err = f.fs.do("sync", f.name, false, func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close implements vfs.File.
func (f *failStopFile) Close() error { return f.fs.do("close", f.name, false, f.File.Close) }
