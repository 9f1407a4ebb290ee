package state

import (
	"bytes"
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
// lock and writes nothing. What it shows is the state after some commit, the newest one or one shortly before it; it
// stays so until the Store is closed.
//
// Pebble's files allow this. Files of rows never change. Manifest and write-ahead logs only grow, and are copied into
// memory; if the manifest is the same before and after, then so was the set of files that belong to it, and all of
// them are in hand. Otherwise a flush or a compaction came in between, and it is tried again.
func OpenView(dir string, o Options) (*Store, error) {
	o.setDefaults()
	o.ReadOnly = true
	disk := o.FS
	if _, err := disk.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state: open %q: %w", dir, ErrNone)
	}
	for try := 1; ; try++ {
		v, err := newView(disk, filepath.Clean(dir))
		if err == nil {
			o.FS = v
			var s *Store
			if s, err = Open(dir, o); err == nil {
				return s, nil
			}
		}
		moved := errors.Is(err, errMoved) || errors.Is(err, fs.ErrNotExist)
		torn := errors.Is(err, ErrFatal) && try <= tornTries // the end of a file that was just being written
		if !moved && !torn || try == viewTries {
			return nil, err
		}
	}
}

// A view is tried so often before its error is believed.
const (
	viewTries = 50
	tornTries = 5
)

// errMoved says that the files changed while they were collected.
var errMoved = errors.New("the state changes too fast to be looked at")

// view is a file system that holds one folder of Pebble's as it was at one moment: small files and those that grow are
// copied into memory, files of rows are held open, so that it does no harm when they are removed.
type view struct {
	vfs.FS // in memory
	dir    string
	tables map[string]vfs.File // by name
}

// newView collects the folder's files, or returns errMoved.
func newView(disk vfs.FS, dir string) (*view, error) {
	v := &view{FS: vfs.NewMem(), dir: dir, tables: map[string]vfs.File{}}
	err := v.collect(disk)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

func (v *view) collect(disk vfs.FS) error {
	if err := v.FS.MkdirAll(v.dir, 0o755); err != nil {
		return viewError(err)
	}
	before, name, err := v.manifest(disk)
	if err != nil {
		return err
	}
	if name != "" {
		if err := v.write(name, before); err != nil {
			return err
		}
	}
	names, err := disk.List(v.dir)
	if err != nil {
		return viewError(err)
	}
	slices.Sort(names) // an older write-ahead log is complete when there is a newer one
	for _, n := range names {
		if n == name {
			continue
		}
		if err := v.add(disk, n); err != nil {
			return err
		}
	}
	after, again, err := v.manifest(disk)
	if err == nil && (name != again || !bytes.Equal(before, after)) {
		err = fmt.Errorf("state: open %q: %w", v.dir, errMoved)
	}
	return err
}

// manifest returns the manifest that the marker names; no name if there is none.
func (v *view) manifest(disk vfs.FS) (content []byte, name string, err error) {
	names, err := disk.List(v.dir)
	if err != nil {
		return nil, "", viewError(err)
	}
	slices.Sort(names)
	for _, n := range names { // the marker with the highest number counts
		if rest, ok := strings.CutPrefix(n, "marker.manifest."); ok {
			_, name, _ = strings.Cut(rest, ".")
		}
	}
	if name == "" {
		return nil, "", nil
	}
	content, err = readFile(disk, disk.PathJoin(v.dir, name))
	return content, name, err
}

// add takes a file in.
func (v *view) add(disk vfs.FS, name string) error {
	path := disk.PathJoin(v.dir, name)
	switch {
	case name == "LOCK": // closing it would release it, were this the process that holds it
		return nil
	case name == ownerFile, strings.HasPrefix(name, "MANIFEST-"), strings.HasSuffix(name, ".dbtmp"):
		return nil
	case strings.HasSuffix(name, ".sst"), strings.HasSuffix(name, ".blob"):
		f, err := disk.Open(path, vfs.RandomReadsOption)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was not needed any more; if it was, the manifest has changed
		}
		if err != nil {
			return viewError(err)
		}
		v.tables[name] = f
		return nil
	}
	content, err := readFile(disk, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.write(name, content)
}

// write puts a file into memory.
func (v *view) write(name string, content []byte) error {
	f, err := v.FS.Create(v.FS.PathJoin(v.dir, name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return viewError(err)
	}
	_, err = f.Write(content)
	return viewError(errors.Join(err, f.Close()))
}

func readFile(disk vfs.FS, path string) ([]byte, error) {
	f, err := disk.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, viewError(err)
	}
	content, err := io.ReadAll(f)
	return content, viewError(errors.Join(err, f.Close()))
}

// viewError gives err, which may be nil, its place.
func viewError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("state: look: %w", err)
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
