package source_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/journal"
	"kelpie/source"
)

func appendTo(t testing.TB, name string, content []byte) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := f.Write(content); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func follow(t testing.TB, o source.FollowOptions) *source.Follow {
	t.Helper()
	if o.NoNotify {
		o.Poll = time.Millisecond
	} else {
		o.Poll = time.Hour // only what is notified is seen
	}
	f, err := source.OpenFollow(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// reading collects what a source gives, as "position text" without folders.
type reading struct {
	t    *testing.T
	src  source.Source
	got  []string
	last journal.Progress // of the last batch
}

// expect fetches until as many records have come as want names, and compares.
func (r *reading) expect(want ...string) {
	r.t.Helper()
	for len(r.got) < len(want) {
		b, err := r.src.Fetch(context.Background())
		if err != nil {
			r.t.Fatalf("got %q, then %v; want %q", r.got, err, want)
		}
		for i := range b.Lines {
			text := string(b.Record(i))
			if b.Kind == journal.Cut {
				text = "cut " + text
			}
			r.got = append(r.got, filepath.Base(b.PositionOf(i).String())+" "+text)
		}
		r.last = journal.Progress{Ident: b.Origin.Ident, Mark: b.Next}
		r.src.Release(b)
	}
	if fmt.Sprint(r.got) != fmt.Sprint(want) {
		r.t.Fatalf("got %q, want %q", r.got, want)
	}
	r.got = nil
}

// byNotifyAndPoll runs a test both ways.
func byNotifyAndPoll(t *testing.T, f func(t *testing.T, name string, follow func(resume *journal.Progress) *reading)) {
	for _, poll := range []bool{false, true} {
		t.Run(fmt.Sprintf("poll=%v", poll), func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "app.log")
			f(t, name, func(resume *journal.Progress) *reading {
				return &reading{t: t, src: follow(t, source.FollowOptions{Name: name, NoNotify: poll, Resume: resume})}
			})
		})
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestFollowGrowing(t *testing.T) {
	byNotifyAndPoll(t, func(t *testing.T, name string, follow func(*journal.Progress) *reading) {
		r := follow(nil) // before the file is there
		appendTo(t, name, []byte("one\ntw"))
		r.expect("app.log:1 one")
		appendTo(t, name, []byte("o\n\n  \nthree\n"))
		r.expect("app.log:2 two", "app.log:5 three")
		appendTo(t, name, []byte("four\r\n"))
		r.expect("app.log:6 four")
	})
}

func TestFollowRenameAndCreate(t *testing.T) {
	byNotifyAndPoll(t, func(t *testing.T, name string, follow func(*journal.Progress) *reading) {
		appendTo(t, name, []byte("one\n"))
		r := follow(nil)
		r.expect("app.log:1 one")
		rename(t, name, name+".1")
		appendTo(t, name+".1", []byte("two\nno line end")) // the writer has not noticed yet
		appendTo(t, name, []byte("three\n"))
		r.expect("app.log:2 two", "app.log:3 no line end", "app.log:1 three")
		rename(t, name+".1", name+".2")
		rename(t, name, name+".1")
		appendTo(t, name, []byte("four\n"))
		r.expect("app.log:1 four")
	})
}

func TestFollowCopyAndTruncate(t *testing.T) {
	byNotifyAndPoll(t, func(t *testing.T, name string, follow func(*journal.Progress) *reading) {
		appendTo(t, name, []byte("one\ntwo\n"))
		r := follow(nil)
		r.expect("app.log:1 one", "app.log:2 two")
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
		appendTo(t, name, []byte("three\n"))
		r.expect("app.log:1 three")
		// Truncated and longer than before when it is looked at again: told by its first bytes.
		if f, err := os.OpenFile(name, os.O_TRUNC|os.O_WRONLY, 0); err != nil {
			t.Fatal(err)
		} else if _, err := f.WriteString("four\nfive\n"); err != nil {
			t.Fatal(err)
		} else if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		r.expect("app.log:1 four", "app.log:2 five")
	})
}

// TestFollowResume stops a source, lets the file change, and goes on from what the log would say.
func TestFollowResume(t *testing.T) {
	byNotifyAndPoll(t, func(t *testing.T, name string, follow func(*journal.Progress) *reading) {
		appendTo(t, name, []byte("one\ntwo\nthr"))
		r := follow(nil)
		r.expect("app.log:1 one", "app.log:2 two")
		closeReading(t, r)
		appendTo(t, name, []byte("ee\n"))
		saved := r.last
		r = follow(&saved)
		r.expect("app.log:3 three")

		// Renamed twice while nobody was reading: the rest of the old file, the one between, the new one.
		appendTo(t, name, []byte("four\n"))
		r.expect("app.log:4 four")
		closeReading(t, r)
		saved = r.last
		appendTo(t, name, []byte("five\n"))
		setTime(t, name, 1)
		rename(t, name, name+".2")
		appendTo(t, name, []byte("six\n"))
		setTime(t, name, 2)
		rename(t, name, name+".1")
		appendTo(t, name, []byte("seven\n"))
		setTime(t, name, 3)
		write(t, name+".1.gz", []byte("of no interest"))
		r = follow(&saved)
		r.expect("app.log:5 five", "app.log:1 six", "app.log:1 seven")
		closeReading(t, r)

		// Another file: from the beginning.
		saved = r.last
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		appendTo(t, name, []byte("another one\n"))
		r = follow(&saved)
		r.expect("app.log:1 another one")
	})
}

// setTime gives a file a time of change in the past, so that the order of the changes does not depend on the clock.
func setTime(t *testing.T, name string, second int) {
	t.Helper()
	at := time.Date(2026, 1, 5, 10, 0, second, 0, time.UTC)
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

func closeReading(t *testing.T, r *reading) {
	t.Helper()
	if err := r.src.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFollowLongLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "app.log")
	r := &reading{t: t, src: follow(t, source.FollowOptions{Name: name, MaxLine: 5000, BatchSize: 8000})}
	long := strings.Repeat("x", 40_000)
	appendTo(t, name, []byte("one\n"+long[:20_000]))
	r.expect("app.log:1 one")
	appendTo(t, name, []byte(long[20_000:]+"\nthree\n"))
	r.expect("app.log:2 cut "+long[:1024], "app.log:3 three")
}

func TestFollowRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := source.OpenFollow(source.FollowOptions{Name: dir}); err == nil || !strings.Contains(err.Error(), "not a plain file") {
		t.Errorf("following a folder: %v", err)
	}
	name := write(t, filepath.Join(dir, "app.log"), gzipped([]byte("{}\n")))
	f := follow(t, source.FollowOptions{Name: name})
	if _, err := f.Fetch(context.Background()); err == nil || !strings.Contains(err.Error(), "compressed") {
		t.Errorf("following a compressed file: %v", err)
	}
}
