package journal

import (
	"errors"
	"fmt"
	"io/fs"

	"kelpie/folder"
)

// Retain removes the oldest segments that MaxAge or MaxSize of the Options say are too much, but never a record at
// or behind low: what the state still needs. The newest segment stays. It returns how many segments it removed.
//
// A segment is removed as a whole, once its newest record is too old. With MaxAge a segment takes records for an eighth
// of it at most, so that is how much longer a record may stay.
func (l *Log) Retain(low int64) (removed int, err error) {
	if l.opts.ReadOnly {
		return 0, fmt.Errorf("journal: retain: %w", ErrReadOnly)
	}
	l.retaining.Lock()
	defer l.retaining.Unlock()
	for {
		g := l.removable(low)
		if g == nil {
			return removed, nil
		}
		if err := l.remove(g); err != nil {
			return removed, fmt.Errorf("journal: remove segment %s: %w", g.name, err)
		}
		removed++
	}
}

// removable returns the oldest segment if it is to go.
func (l *Log) removable(low int64) *segment {
	now := l.opts.Now().UnixMilli()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) < 2 || l.closed {
		return nil
	}
	g := l.segments[0]
	if g.next > low {
		return nil
	}
	bytes := int64(0)
	for _, s := range l.segments {
		bytes += s.end
	}
	old := l.opts.MaxAge > 0 && now-g.appended > l.opts.MaxAge.Milliseconds()
	if old || l.opts.MaxSize > 0 && bytes > l.opts.MaxSize {
		return g
	}
	return nil
}

// remove removes the oldest segment: first for readers, then on disk, durably, before another one may go: a crash must
// not leave an older one without a newer.
func (l *Log) remove(g *segment) error {
	l.mu.Lock()
	l.segments = l.segments[1:]
	l.mu.Unlock()
	err := l.fs.Remove(l.path(g.name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return folder.Sync(l.fs, l.dir)
}
