package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// OpenView opens the state to be read, as it is at this moment, also beside the process that has it open: it takes no
// lock and writes nothing. What it shows is the state after some commit, none older than the newest one that had been
// synced when OpenView was called, and it stays so until the Store is closed.
//
// Pebble's files allow this, if they are taken in the right order. Write-ahead logs first: the older ones are complete,
// and what is missing at the end of the newest was not there yet. Then the manifest, which says what of the logs has
// been flushed to files of rows, so that it may say more than the logs, and never less. Then files of rows: they never
// change, and one that was removed in that last moment is missed when the store is opened, and all is tried again.
func OpenView(dir string, o Options) (*Store, error) {
	o.setDefaults()
	o.ReadOnly = true
	disk := o.FS
	if _, err := disk.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state: open %q: %w", dir, ErrNone)
	}
	for try := 1; ; try++ {
		s, err := openView(dir, disk, o)
		if err == nil {
			return s, nil
		}
		moved := errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrFatal) // or the manifest was just being written
		if !moved || try == viewTries {
			return nil, err
		}
	}
}

// viewTries is how often a view is tried before its error is believed.
const viewTries = 10

func openView(dir string, disk vfs.FS, o Options) (*Store, error) {
	v := &view{FS: vfs.NewMem(), disk: disk, dir: filepath.Clean(dir), tables: map[string]vfs.File{}}
	if err := v.collect(); err != nil {
		return nil, errors.Join(fmt.Errorf("state: open %q: %w", dir, err), v.Close())
	}
	o.FS = v
	return Open(dir, o) // which closes the view with the Store, or if it returns an error
}

// view is a file system that holds one folder of Pebble's as it was at one moment: what is small or grows is copied
// into memory, files of rows are held open, so that it does no harm when they are removed.
type view struct {
	vfs.FS // in memory
	disk   vfs.FS
	dir    string
	tables map[string]vfs.File // by name
}

// collect takes in the folder's files.
func (v *view) collect() error {
	if err := v.FS.MkdirAll(v.dir, 0o755); err != nil {
		return err
	}
	if err := v.each(isLog, v.copyIfThere); err != nil {
		return err
	}
	if err := v.each(isTable, v.hold); err != nil {
		return err
	}
	manifest := ""
	err := v.each(isMarker, func(name string) error {
		if rest, ok := strings.CutPrefix(name, "marker.manifest."); ok { // the one with the highest number counts
			_, manifest, _ = strings.Cut(rest, ".")
		}
		return v.copy(name)
	})
	if err != nil {
		return err
	}
	if err := v.each(func(name string) bool { return name == manifest || isOptions(name) }, v.copy); err != nil {
		return err
	}
	return v.each(isTable, v.hold)
}

// The kinds of files that count. The lock is not among them: closing it would release it, were this the process that
// holds it.
func isLog(name string) bool { return strings.HasSuffix(name, ".log") }
func isTable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}
func isMarker(name string) bool  { return strings.HasPrefix(name, "marker.") }
func isOptions(name string) bool { return strings.HasPrefix(name, "OPTIONS-") }

// each calls take with the names of all files of one kind, in order.
func (v *view) each(kind func(string) bool, take func(string) error) error {
	names, err := v.disk.List(v.dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if !kind(name) {
			continue
		}
		if err := take(name); err != nil {
			return err
		}
	}
	return nil
}

// copy puts a file into memory.
func (v *view) copy(name string) error {
	from, err := v.disk.Open(v.disk.PathJoin(v.dir, name), vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	to, err := v.FS.Create(v.FS.PathJoin(v.dir, name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close(), from.Close())
}

// copyIfThere copies a write-ahead log. One that is gone had been flushed.
func (v *view) copyIfThere(name string) error {
	if err := v.copy(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// hold opens a file of rows, if it is still there.
func (v *view) hold(name string) error {
	if _, ok := v.tables[name]; ok {
		return nil
	}
	f, err := v.disk.Open(v.disk.PathJoin(v.dir, name), vfs.RandomReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		v.tables[name] = f
	}
	return err
}

// Open implements vfs.FS.
func (v *view) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	if f, ok := v.tables[v.PathBase(name)]; ok {
		return sharedFile{f}, nil
	}
	return v.FS.Open(name, o...)
}

// List implements vfs.FS.
func (v *view) List(dir string) ([]string, error) {
	names, err := v.FS.List(dir)
	for name := range v.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, err
}

// Stat implements vfs.FS.
func (v *view) Stat(name string) (vfs.FileInfo, error) {
	if f, ok := v.tables[v.PathBase(name)]; ok {
		return f.Stat()
	}
	return v.FS.Stat(name)
}

// Lock implements vfs.FS: nobody else has this copy. What is given back with the lock is the view.
func (v *view) Lock(string) (io.Closer, error) { return v, nil }

// Close closes the files that are held open.
func (v *view) Close() error {
	var errs []error
	for _, f := range v.tables {
		errs = append(errs, f.Close())
	}
	clear(v.tables)
	return errors.Join(errs...)
}

// sharedFile is a file of rows that stays open for as long as the view.
type sharedFile struct{ vfs.File }

// Close implements vfs.File.
func (sharedFile) Close() error { return nil }
