package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestRulesWatch changes files of rules in the ways in which editors and checkouts do.
func TestRulesWatch(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir(filepath.Join(dir, "rules"), 0o700))
	write("rules/a.yml", "a")
	write("one.yml", "1")
	w := watchRules([]string{filepath.Join(dir, "rules"), filepath.Join(dir, "one.yml")}, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	changed, ended := make(chan struct{}, 100), make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx, func() { changed <- struct{}{} })
	}()
	f := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(patience):
			t.Errorf("%s is not noticed", what)
		}
	}
	write("rules/a.yml", "other")
	f("a file that is written")
	write("rules/b.tmp", "b")
	check(os.Rename(filepath.Join(dir, "rules/b.tmp"), filepath.Join(dir, "rules/b.yml")))
	f("a file that is put in place")
	write("new.yml", "22")
	check(os.Rename(filepath.Join(dir, "new.yml"), filepath.Join(dir, "one.yml")))
	f("another file in the place of one that is named")
	check(os.Mkdir(filepath.Join(dir, "rules/sub"), 0o700))
	write("rules/sub/c.yml", "c")
	f("a new folder")
	check(os.Remove(filepath.Join(dir, "rules/a.yml")))
	f("a file that is removed")
	stop()
	<-ended
}
