package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// siblings returns the files that the followed one may have been renamed to: its name with a number or a date behind it.
// What was compressed is not among them.
func (f *Follow) siblings() (paths []string) {
	dir, base := filepath.Split(f.o.Name)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.o.Log.Warn("source: look for rotated files", "error", err)
		return nil
	}
	for _, e := range entries {
		if suffix, ok := strings.CutPrefix(e.Name(), base); ok && isRotation(suffix) && e.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// isRotation reports whether a suffix is one that rotation gives: .1, -20260105, .2026-01-05T10:00:00Z.
func isRotation(suffix string) bool {
	return len(suffix) > 1 && strings.ContainsRune(".-_", rune(suffix[0])) && strings.Trim(suffix, ".-_:TZ0123456789") == ""
}

// successor returns the file to be read behind the one that is being read: the oldest of those that were written to
// after it, or "" while it is still in its place, or what took its place is empty.
func (f *Follow) successor() (path string, err error) {
	now, err := os.Stat(f.o.Name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if os.SameFile(now, f.cur.info) || now.Size() == 0 {
		return "", nil
	}
	cur, err := f.cur.file.Stat()
	if err != nil {
		return "", err
	}
	path = f.o.Name
	oldest := time.Time{}
	for _, name := range f.siblings() {
		info, err := os.Stat(name)
		if err != nil || os.SameFile(info, cur) || !info.ModTime().After(cur.ModTime()) || info.ModTime().After(now.ModTime()) {
			continue
		}
		if oldest.IsZero() || info.ModTime().Before(oldest) {
			path, oldest = name, info.ModTime()
		}
	}
	return path, nil
}
