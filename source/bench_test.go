package source_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"kelpie/journal"
	"kelpie/source"
)

// traffic makes n lines as a shop has them, about 450 bytes each.
func traffic(n int) (content []byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	types := []string{"OrderCreated", "OrderPaid", "RequestServed", "PaymentFailed"}
	for i := range n {
		content = fmt.Appendf(content, `{"id":"evt-%032x","type":%q,"time":"2026-01-05T10:%02d:%02d.%03dZ","service":"svc-%02d","customer_id":"c%d",`+
			`"order_id":"o-%010d","merchant_id":"m%d","region":"us-east-1","amount":%d.%02d,"currency":"EUR","status":"ok","country":"PL","ip":"%d.%d.%d.%d",`+
			`"device":{"id":"%016x","os":"web","app":"4.12.%d"},"latency_ms":%d,"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)","schema":"v1","source":"order-gateway"}`+"\n",
			i, types[rng.IntN(4)], i/60000%60, i/1000%60, i%1000, rng.IntN(30), rng.IntN(100000),
			i, rng.IntN(500), rng.IntN(300), rng.IntN(100), rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256),
			rng.Uint64(), rng.IntN(5), rng.IntN(500))
	}
	return content
}

const benchLines = 200_000

// fetchAll reads a source to its end.
func fetchAll(b *testing.B, s source.Source) {
	n := 0
	for {
		batch, err := s.Fetch(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		n += len(batch.Lines)
		s.Release(batch)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if n != benchLines {
		b.Fatalf("%d lines", n)
	}
}

func report(b *testing.B, content []byte) {
	b.SetBytes(int64(len(content)))
	b.ReportMetric(benchLines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkFiles reads 200,000 lines (90 MB) from a file.
func BenchmarkFiles(b *testing.B) {
	content := traffic(benchLines)
	for _, pack := range []struct {
		name string
		f    func([]byte) []byte
	}{{"plain", plain}, {"gzip", gzipped}, {"zstd", zstded}} {
		b.Run(pack.name, func(b *testing.B) {
			name := write(b, filepath.Join(b.TempDir(), "f"), pack.f(content))
			b.ReportAllocs()
			for b.Loop() {
				s, err := source.OpenFiles(source.FilesOptions{Names: []string{name}})
				if err != nil {
					b.Fatal(err)
				}
				fetchAll(b, s)
			}
			report(b, content)
		})
	}
}

// BenchmarkLog reads the same lines from a log on disk.
func BenchmarkLog(b *testing.B) {
	content := traffic(benchLines)
	l := benchLog(b)
	appendFile(b, l, write(b, filepath.Join(b.TempDir(), "f"), content))
	b.ReportAllocs()
	for b.Loop() {
		fetchAll(b, source.OpenLog(l, source.LogOptions{}))
	}
	report(b, content)
}

// BenchmarkFileToLog appends a file to a log on disk, each batch durable before the one after next: what `kelpie run` does
// with a file before it folds.
func BenchmarkFileToLog(b *testing.B) {
	content := traffic(benchLines)
	name := write(b, filepath.Join(b.TempDir(), "f"), content)
	l := benchLog(b)
	b.ReportAllocs()
	for b.Loop() {
		appendFile(b, l, name)
	}
	report(b, content)
}

func benchLog(b *testing.B) *journal.Log {
	l, err := journal.Open(filepath.Join(b.TempDir(), "log"), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

func appendFile(b *testing.B, l *journal.Log, name string) {
	s, err := source.OpenFiles(source.FilesOptions{Names: []string{name}})
	if err != nil {
		b.Fatal(err)
	}
	a := l.NewAppender()
	var dst journal.Batch
	var begun []*journal.Pending
	for {
		batch, err := s.Fetch(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		batch.ForLog(&dst)
		p, err := a.Begin(ctx, &dst)
		if err != nil {
			b.Fatal(err)
		}
		s.Release(batch)
		if begun = append(begun, p); len(begun) > 4 {
			if _, err := begun[0].Wait(ctx); err != nil {
				b.Fatal(err)
			}
			begun = begun[1:]
		}
	}
	for _, p := range begun {
		if _, err := p.Wait(ctx); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
