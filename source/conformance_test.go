package source_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"kelpie/journal"
	"kelpie/source"
	"kelpie/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Run("file", func(t *testing.T) { sourcetest.Run(t, fileSubject(plain, "\n", 4<<20)) })
	t.Run("small batches", func(t *testing.T) { sourcetest.Run(t, fileSubject(plain, "\r\n", 700)) })
	t.Run("gzip", func(t *testing.T) { sourcetest.Run(t, fileSubject(gzipped, "\n", 100_000)) })
	t.Run("zstd", func(t *testing.T) { sourcetest.Run(t, fileSubject(zstded, "\n", 100_000)) })
	t.Run("standard input", func(t *testing.T) { sourcetest.Run(t, stdinSubject()) })
	t.Run("pipe", func(t *testing.T) { sourcetest.Run(t, pipeSubject()) })
	t.Run("followed", func(t *testing.T) { sourcetest.Run(t, followSubject(false)) })
	t.Run("followed by polling", func(t *testing.T) { sourcetest.Run(t, followSubject(true)) })
	t.Run("log", func(t *testing.T) { sourcetest.Run(t, logSubject(false)) })
	t.Run("followed log", func(t *testing.T) { sourcetest.Run(t, logSubject(true)) })
}

// join makes a file's content of lines.
func join(lines [][]byte, end string) []byte {
	return append(bytes.Join(lines, []byte(end)), end...)
}

func plain(b []byte) []byte { return b }

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // into memory
	_ = z.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer z.Close()
	return z.EncodeAll(b, nil)
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func openFiles(t testing.TB, o source.FilesOptions) *source.Files {
	t.Helper()
	s, err := source.OpenFiles(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fileSubject(pack func([]byte) []byte, end string, batch int) sourcetest.Subject {
	var name string
	return sourcetest.Subject{
		Open: func(t *testing.T, records [][]byte) source.Source {
			content := []byte{}
			if len(records) > 0 {
				content = join(records, end)
			}
			name = write(t, filepath.Join(t.TempDir(), "events.jsonl"), pack(content))
			return openFiles(t, source.FilesOptions{Names: []string{name}, BatchSize: batch, MaxLine: 650})
		},
		Position: func(i int) string { return fmt.Sprintf("%s:%d", name, i+1) },
	}
}

func stdinSubject() sourcetest.Subject {
	return sourcetest.Subject{
		Open: func(t *testing.T, records [][]byte) source.Source {
			in := bytes.NewReader(bytes.Join(records, []byte("\n"))) // the last line has no end
			return openFiles(t, source.FilesOptions{Names: []string{source.Stdin}, Stdin: in, BatchSize: 10_000})
		},
		Position: func(i int) string { return fmt.Sprintf("stdin:%d", i+1) },
	}
}

// pipeSubject reads from a pipe that is written to while it is being read.
func pipeSubject() sourcetest.Subject {
	s := stdinSubject()
	s.Open = func(t *testing.T, records [][]byte) source.Source {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan bool)
		go func() {
			defer close(done)
			for _, line := range records {
				if _, err := w.Write(append(line[:len(line):len(line)], '\n')); err != nil {
					break // nobody reads any more
				}
			}
			_ = w.Close()
		}()
		t.Cleanup(func() {
			_ = r.Close()
			<-done
		})
		return openFiles(t, source.FilesOptions{Names: []string{source.Stdin}, Stdin: r, BatchSize: 10_000})
	}
	return s
}

func followSubject(poll bool) sourcetest.Subject {
	var name string
	return sourcetest.Subject{
		Endless: true,
		Open: func(t *testing.T, records [][]byte) source.Source {
			name = filepath.Join(t.TempDir(), "app.log")
			f := follow(t, source.FollowOptions{Name: name, BatchSize: 10_000, NoNotify: poll})
			done := make(chan bool)
			go func() { // written in small parts, while it is followed
				defer close(done)
				content := join(records, "\n")
				for len(content) > 1 {
					n := min(len(content), 100_001)
					appendTo(t, name, content[:n])
					content = content[n:]
				}
			}()
			t.Cleanup(func() { <-done })
			return f
		},
		Position: func(i int) string { return fmt.Sprintf("%s:%d", name, i+1) },
	}
}

func logSubject(endless bool) sourcetest.Subject {
	return sourcetest.Subject{
		Endless: endless,
		Open: func(t *testing.T, records [][]byte) source.Source {
			l := openLog(t)
			b := &journal.Batch{}
			for _, r := range records {
				start := len(b.Buf)
				b.Buf = append(b.Buf, r...)
				b.Lines = append(b.Lines, journal.Line{Start: start, End: len(b.Buf)})
			}
			if _, err := l.AppendBatch(context.Background(), b); err != nil {
				t.Fatal(err)
			}
			return source.OpenLog(l, source.LogOptions{Follow: endless})
		},
		Position: func(i int) string { return fmt.Sprintf("log@%d", i) },
	}
}

func openLog(t testing.TB) *journal.Log {
	t.Helper()
	l, err := journal.Open("log", journal.Options{FS: vfs.NewMem(), BlockSize: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

var _ io.Closer = (source.Source)(nil)
