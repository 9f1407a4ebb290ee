package engine_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/traffic"
)

// silent is a receiver that takes everything.
type silent struct{}

func (silent) Notify(context.Context, alert.Message) (bool, error) { return false, nil }

// BenchmarkService reads a file through log, fold and commits to its end, on disk, with the rules of examples/orders. One
// event is one operation.
func BenchmarkService(b *testing.B) {
	set, err := rules.Load([]string{filepath.Join("..", "examples", "orders", "rules")}, rules.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Chdir(b.TempDir())
	benchFile(b, "events.jsonl")
	w := newWorld(b, vfs.Default)
	w.set, w.notify, w.memory, w.cache = set, silent{}, 448<<20, 64<<20
	w.inputs = []engine.Input{{Name: "bench", Open: func(func(string) (journal.Progress, bool)) (source.Source, error) {
		return source.OpenFiles(source.FilesOptions{Names: []string{"events.jsonl"}})
	}}}
	b.ReportAllocs()
	b.ResetTimer()
	if err := w.run(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// benchFile writes b.N events.
func benchFile(b *testing.B, name string) {
	g, err := traffic.New(traffic.Config{Seed: 1, Events: int64(b.N), Rate: 66, Flat: true})
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for ok := true; ok && err == nil; {
		if line, ok = g.Next(line[:0]); ok {
			_, err = out.Write(line)
		}
	}
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}
