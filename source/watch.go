package source

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher tells that a file may have changed: by what the system notifies of its folder, and in any case every poll.
type watcher struct {
	notify *fsnotify.Watcher // nil: there are no notifications
	base   string            // of the file
	ticker *time.Ticker
}

// open begins to watch the files in dir whose names begin with that of the followed one.
func (w *watcher) open(dir string, o FollowOptions) {
	w.base = filepath.Base(o.Name)
	w.ticker = time.NewTicker(o.Poll)
	if o.NoNotify {
		return
	}
	n, err := fsnotify.NewWatcher()
	if err == nil {
		if err = n.Add(dir); err == nil {
			w.notify = n
			return
		}
		_ = n.Close() // it watches nothing
	}
	o.Log.Warn("source: no notifications of changes, looking for them instead", "file", o.Name, "every", o.Poll, "error", err)
}

// wait waits until the file may have changed.
func (w *watcher) wait(ctx context.Context) error {
	var events chan fsnotify.Event
	var errs chan error
	if w.notify != nil {
		events, errs = w.notify.Events, w.notify.Errors
	}
	for {
		select {
		case e := <-events:
			if strings.HasPrefix(filepath.Base(e.Name), w.base) {
				return nil
			}
		case <-errs: // notifications were lost
			return nil
		case <-w.ticker.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *watcher) close() error {
	w.ticker.Stop()
	if w.notify == nil {
		return nil
	}
	return w.notify.Close()
}
