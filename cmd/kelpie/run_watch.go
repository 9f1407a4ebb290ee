package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	settleTime = 300 * time.Millisecond // of quiet before changed files are read: an editor, or a checkout, writes several
	lookEvery  = time.Minute            // rules are looked at in any case: some file systems notify of nothing
)

// rulesWatch notices when files of the rules change.
type rulesWatch struct {
	paths   []string
	notify  *fsnotify.Watcher // the zero Watcher, which never says anything, where the system cannot notify
	watched map[string]bool   // folders
	seen    string            // what the files were like
}

// watchRules begins to watch the files and folders of rules.
func watchRules(paths []string, logger *slog.Logger) *rulesWatch {
	w := &rulesWatch{paths: paths, watched: map[string]bool{}}
	n, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn("kelpie: changes of the rules are noticed late", "every", lookEvery, "error", err)
		n = &fsnotify.Watcher{}
	}
	w.notify = n
	w.seen = w.look()
	return w
}

// run calls reload when files have changed, until ctx is done.
func (w *rulesWatch) run(ctx context.Context, reload func()) {
	if w.notify.Events != nil {
		defer w.notify.Close()
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-w.notify.Events:
			settled = time.After(settleTime)
			continue
		case <-w.notify.Errors: // notifications were lost
			settled = time.After(settleTime)
			continue
		case <-settled:
			settled = nil
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if now := w.look(); now != w.seen {
			w.seen = now
			reload()
		}
	}
}

// look returns something that changes when a file of the rules does, and sees to it that all folders are watched.
func (w *rulesWatch) look() string {
	var all strings.Builder
	for _, root := range w.paths {
		if info, err := os.Stat(root); err == nil && !info.IsDir() {
			w.watch(filepath.Dir(root)) // an editor may put another file in its place
		}
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				fmt.Fprintln(&all, path, err) // reading the rules says what is wrong
			case d.IsDir():
				w.watch(path)
			default:
				if info, err := os.Stat(path); err == nil {
					fmt.Fprintln(&all, path, info.ModTime(), info.Mode(), info.Size())
				}
			}
			return nil
		})
	}
	return all.String()
}

func (w *rulesWatch) watch(dir string) {
	if !w.watched[dir] && w.notify.Events != nil && w.notify.Add(dir) == nil {
		w.watched[dir] = true
	}
}
