package state

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"

	"kelpie/folder"
)

// lockFolder makes the folder where it may and takes its lock.
func (s *Store) lockFolder() error {
	if s.readOnly {
		if _, err := s.fs.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("state: open %q: %w", s.dir, ErrNone)
		}
	} else if err := folder.Make(s.fs, s.dir); err != nil {
		return fatal("make folder", err)
	}
	lock, err := pebble.LockDirectory(s.dir, s.fs)
	if folder.IsTaken(err) {
		return fmt.Errorf("state: open %q: %w by %s", s.dir, ErrInUse, folder.Owner(s.fs, s.dir))
	}
	if err != nil {
		return fatal("lock folder", err)
	}
	s.lock = lock
	if err := folder.NoteOwner(s.fs, s.dir); err != nil {
		s.health.out.Debug("state: note owner", "error", err)
	}
	return nil
}
