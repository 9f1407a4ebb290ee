package journal

import (
	"fmt"

	"kelpie/folder"
)

const lockFile = "LOCK"

// lockFolder makes the folder and takes its lock.
func (l *Log) lockFolder() error {
	if err := folder.Make(l.fs, l.dir); err != nil {
		return fmt.Errorf("journal: make %q: %w", l.dir, err)
	}
	lock, err := l.fs.Lock(l.fs.PathJoin(l.dir, lockFile))
	if folder.IsTaken(err) {
		return fmt.Errorf("journal: open %q: %w by %s", l.dir, ErrInUse, folder.Owner(l.fs, l.dir))
	}
	if err != nil {
		return fmt.Errorf("journal: lock %q: %w", l.dir, err)
	}
	l.lock = lock
	if err := folder.NoteOwner(l.fs, l.dir); err != nil {
		l.opts.Log.Debug("journal: note owner", "error", err)
	}
	return nil
}
