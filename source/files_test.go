package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kelpie/journal"
	"kelpie/source"
)

var ctx = context.Background()

// readAll reads to the end and returns "position text" of all records, and the error that was not io.EOF.
func readAll(t testing.TB, s source.Source) (got []string, err error) {
	t.Helper()
	for {
		b, err := s.Fetch(ctx)
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		for i := range b.Lines {
			text := string(b.Record(i))
			if b.Kind == journal.Cut {
				text = fmt.Sprintf("cut %d", len(text))
			}
			got = append(got, filepath.Base(b.PositionOf(i).String())+" "+text)
		}
		s.Release(b)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	f := func(content string, want ...string) {
		t.Helper()
		name := write(t, filepath.Join(dir, "f"), []byte(content))
		for _, batch := range []int{1, 30, 1 << 20} {
			got, err := readAll(t, openFiles(t, source.FilesOptions{Names: []string{name}, MaxLine: 20, BatchSize: batch}))
			if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("%q in batches of %d: %q, %v, want %q", content, batch, got, err, want)
			}
		}
	}
	f("")
	f("\n\n \t\n")
	f("  ")
	f("one", "f:1 one")
	f("one\n", "f:1 one")
	f("one\ntwo", "f:1 one", "f:2 two")
	f("one\r\ntwo\r\n", "f:1 one", "f:2 two")
	f("one\n\n  \r\n\tfive \n", "f:1 one", "f:4 \tfive ")
	f("\xef\xbb\xbfone\ntwo\n", "f:1 one", "f:2 two")
	f("\xef\xbb\xbf", []string(nil)...)
	f("\xef\xbb\xbf\n\xef\xbb\xbftwo", "f:2 \xef\xbb\xbftwo")
	full, long := strings.Repeat("x", 20), strings.Repeat("y", 21)
	f(full+"\r\n"+full+"\n"+full, "f:1 "+full, "f:2 "+full, "f:3 "+full)
	f("one\n"+long+"\nthree\n", "f:1 one", "f:2 cut 21", "f:3 three")
	f(long, "f:1 cut 21")
	f(long+"\r\n"+long+"\n\n"+long+"\n", "f:1 cut 21", "f:2 cut 21", "f:4 cut 21")
	f("one\n"+strings.Repeat("z", 5000)+"\nthree", "f:1 one", "f:2 cut 1024", "f:3 three")
	f("one\n"+strings.Repeat(" ", 5000)+"\nthree", "f:1 one", "f:3 three")
}

func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	names := []string{
		write(t, filepath.Join(dir, "b.jsonl"), []byte("one\ntwo")),
		write(t, filepath.Join(dir, "a.jsonl.gz"), append(gzipped([]byte("three\nfo")), gzipped([]byte("ur\nfive"))...)),
		write(t, filepath.Join(dir, "c"), append(zstded([]byte("six\nse")), zstded([]byte("ven\n"))...)),
		write(t, filepath.Join(dir, "empty"), nil),
		write(t, filepath.Join(dir, "d"), gzipped(nil)),
		source.Stdin,
	}
	got, err := readAll(t, openFiles(t, source.FilesOptions{Names: names, Stdin: bytes.NewReader(zstded([]byte("eight\n")))}))
	want := []string{"b.jsonl:1 one", "b.jsonl:2 two", "a.jsonl.gz:1 three", "a.jsonl.gz:2 four", "a.jsonl.gz:3 five", "c:1 six", "c:2 seven", "stdin:1 eight"}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestFilesThatAreNotThere(t *testing.T) {
	dir := t.TempDir()
	f := func(name, want string) {
		t.Helper()
		if _, err := source.OpenFiles(source.FilesOptions{Names: []string{name}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening %q: %v, want %q", name, err, want)
		}
	}
	f(filepath.Join(dir, "none"), "no such file")
	f(dir, "is a folder")
}

// TestBrokenCompression reads what stands before the break, then a clear error, and the same error again.
func TestBrokenCompression(t *testing.T) {
	var content []byte
	for i := range 20_000 {
		content = fmt.Appendf(content, "line %d %x\n", i, uint64(i)*0x9E3779B97F4A7C15)
	}
	f := func(packed []byte, atLeast int, want string) {
		t.Helper()
		name := write(t, filepath.Join(t.TempDir(), "f"), packed)
		s := openFiles(t, source.FilesOptions{Names: []string{name}, BatchSize: 10_000})
		got, err := readAll(t, s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, want)
		}
		for i, line := range got {
			if want := fmt.Sprintf("f:%d line %d %x", i+1, i, uint64(i)*0x9E3779B97F4A7C15); line != want {
				t.Fatalf("line %d is %q, want %q", i+1, line, want)
			}
		}
		if len(got) < atLeast {
			t.Errorf("%d lines were read, want at least %d", len(got), atLeast)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("behind line %d", len(got))) {
			t.Errorf("after %d lines: %v", len(got), err)
		}
		if _, again := s.Fetch(ctx); again == nil || again.Error() != err.Error() {
			t.Errorf("a second time: %v", again)
		}
	}
	gz, zst := gzipped(content), zstded(content)
	f(gz[:len(gz)/2], 8000, "the gzip data ends in the middle")
	f(gz[:len(gz)-3], 19_000, "the gzip data ends in the middle")
	f(zst[:len(zst)/2], 4000, "the zstd data ends in the middle")
	damaged := bytes.Clone(gz)
	damaged[len(gz)-6] ^= 1
	f(damaged, 15_000, "the gzip data is damaged")
	damaged = bytes.Clone(zst)
	damaged[len(zst)-2] ^= 1
	f(damaged, 0, "the zstd data is damaged")
}

// TestResume stops behind each batch in turn, appends what was read to a log, and goes on by what the log says: every
// line is in it once.
func TestResume(t *testing.T) {
	content := "one\ntwo\n\n" + strings.Repeat("y", 50) + "\n  \nsix\r\nseven\n" + strings.Repeat(" ", 60) + "\n" + strings.Repeat("z", 45) + "\nten"
	want := []string{"1 one", "2 two", "4 cut 50", "6 six", "7 seven", "9 cut 45", "10 ten"}
	for _, pack := range []func([]byte) []byte{plain, gzipped, zstded} {
		name := write(t, filepath.Join(t.TempDir(), "f"), pack([]byte(content)))
		l := openLog(t)
		o := source.FilesOptions{Names: []string{name}, MaxLine: 20, BatchSize: 1, Resume: l.Progress}
		var dst journal.Batch
		for range 20 {
			s := openFiles(t, o)
			b, err := s.Fetch(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			b.ForLog(&dst)
			if _, err := l.AppendBatch(ctx, &dst); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		var block journal.Block
		r := l.NewReader(0)
		for r.Next(ctx, &block) == nil {
			for i := range block.Lines {
				x := block.Record(i)
				text := string(x.Payload)
				if x.Kind == journal.Cut {
					text = fmt.Sprintf("cut %d", len(text))
				}
				got = append(got, fmt.Sprintf("%d %s", x.Line, text))
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestResumeOfAnotherFile has a saved position of a file that has been replaced, or cut short: all of the new one is read.
func TestResumeOfAnotherFile(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "f"), []byte("one\ntwo\n"))
	b, err := openFiles(t, source.FilesOptions{Names: []string{name}}).Fetch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	saved := journal.Progress{Ident: b.Origin.Ident, Mark: b.Next}
	f := func(content string, want ...string) {
		t.Helper()
		write(t, name, []byte(content)) // in its place
		got, err := readAll(t, openFiles(t, source.FilesOptions{
			Names:  []string{name},
			Resume: func(string) (journal.Progress, bool) { return saved, true },
		}))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %q, %v, want %q", content, got, err, want)
		}
	}
	f("one\ntwo\n")
	f("one\ntwo\nthree\n", "f:3 three")
	f("other\nlines\n", "f:1 other", "f:2 lines")
	f("one\n", "f:1 one")
	saved.Ident = "something that a newer version wrote"
	f("one\ntwo\n", "f:1 one", "f:2 two")
}

// TestCloseWhileWaiting closes a source that waits for standard input that never comes.
func TestCloseWhileWaiting(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s := openFiles(t, source.FilesOptions{Names: []string{source.Stdin}, Stdin: r})
	if _, err := w.WriteString("{}\nincompl"); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Fetch(ctx); err != nil || len(b.Lines) != 1 {
		t.Fatalf("Fetch = %v, %v", b, err)
	}
	c, cancel := context.WithCancel(ctx)
	failed := make(chan error)
	go func() { _, err := s.Fetch(c); failed <- err }()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestLogKinds reads a block of records of different kinds: each batch is of one, and the block's memory is used again
// only when all of them have been released.
func TestLogKinds(t *testing.T) {
	l := openLog(t)
	a := l.NewAppender()
	kinds := []journal.Kind{journal.Event, journal.Event, journal.TimeAdvanced, journal.Event, journal.RulesLoaded}
	var last *journal.Pending
	for i, kind := range kinds {
		text := []byte(fmt.Sprint("record ", i))
		p, err := a.Begin(ctx, &journal.Batch{Kind: kind, Buf: text, Lines: []journal.Line{{End: len(text)}}})
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	if _, err := last.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	s := source.OpenLog(l, source.LogOptions{From: 1})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	n := 1
	for n < len(kinds) {
		b, err := s.Fetch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Lines {
			if b.Kind != kinds[n] || b.PositionOf(i).String() != fmt.Sprint("log@", n) || string(b.Record(i)) != fmt.Sprint("record ", n) {
				t.Errorf("%v %v %q", b.Kind, b.PositionOf(i), b.Record(i))
			}
			n++
		}
		s.Release(b)
	}
}
