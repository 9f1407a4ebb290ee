package journal

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// traffic makes a batch of n events as a shop has them, about 457 bytes each.
func traffic(n int) *Batch {
	rng := rand.New(rand.NewPCG(1, 2))
	types := []string{"OrderCreated", "OrderPaid", "RequestServed", "PaymentFailed"}
	b := &Batch{Source: Source{"events.jsonl", "1:2"}, Timed: true}
	for i := range n {
		start := len(b.Buf)
		b.Buf = fmt.Appendf(b.Buf, `{"id":"evt-%032x","type":%q,"time":"2026-01-05T10:%02d:%02d.%03dZ","service":"svc-%02d","customer_id":"c%d",`+
			`"order_id":"o-%010d","merchant_id":"m%d","region":"us-east-1","amount":%d.%02d,"currency":"EUR","status":"ok","country":"PL","ip":"%d.%d.%d.%d",`+
			`"device":{"id":"%016x","os":"web","app":"4.12.%d"},"latency_ms":%d,"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)","schema":"v1","source":"order-gateway"}`,
			i, types[rng.IntN(4)], i/60000%60, i/1000%60, i%1000, rng.IntN(30), rng.IntN(100000),
			i, rng.IntN(500), rng.IntN(300), rng.IntN(100), rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256),
			rng.Uint64(), rng.IntN(5), rng.IntN(500))
		b.Lines = append(b.Lines, Line{start, len(b.Buf), int64(i + 1)})
		b.Buf = append(b.Buf, '\n')
	}
	b.Next = Mark{int64(len(b.Buf)), int64(n)}
	return b
}

func report(b *testing.B, n int, l *Log, batch *Batch) {
	records := float64(n) * float64(b.N)
	b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
	if s := l.Stats(); s.Written > 0 {
		b.ReportMetric(float64(s.Payload)/float64(s.Written), "ratio")
	}
	b.SetBytes(int64(len(batch.Buf)))
}

// BenchmarkAppendBatch appends batches of 10,000 events (4.5 MB), with a sync for each, one at a time or while the one
// before is being synced; on disk, and in memory to see what the disk costs.
func BenchmarkAppendBatch(b *testing.B) {
	const n = 10_000
	batch := traffic(n)
	run := func(name string, fs vfs.FS, ahead int) {
		b.Run(name, func(b *testing.B) {
			l := benchLog(b, fs)
			a := l.NewAppender()
			var begun []*Pending
			for b.Loop() {
				p, err := a.Begin(ctx, batch)
				if err != nil {
					b.Fatal(err)
				}
				if begun = append(begun, p); len(begun) > ahead {
					if _, err := begun[0].Wait(ctx); err != nil {
						b.Fatal(err)
					}
					begun = begun[1:]
				}
			}
			report(b, n, l, batch)
		})
	}
	run("disk", vfs.Default, 0)
	run("disk/ahead", vfs.Default, 3)
	run("nodisk", blackHole{vfs.NewMem()}, 0)
}

func benchLog(b *testing.B, fs vfs.FS) *Log {
	l, err := Open(filepath.Join(b.TempDir(), "log"), Options{FS: fs})
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

// blackHole is a file system whose files do not keep what is written at their end.
type blackHole struct{ vfs.FS }

func (f blackHole) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return hole{file}, err
}

type hole struct{ vfs.File }

func (hole) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// BenchmarkAppendSmall appends single events from many goroutines, each waiting for its own to be durable.
func BenchmarkAppendSmall(b *testing.B) {
	batch := traffic(1)
	l := benchLog(b, vfs.Default)
	b.SetParallelism(128)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.AppendBatch(ctx, batch); err != nil {
				b.Error(err)
				return
			}
		}
	})
	report(b, 1, l, batch)
	b.ReportMetric(float64(l.Stats().Records)/float64(l.Stats().Groups), "records/sync")
}

// BenchmarkRead reads 100,000 events, one block after the other.
func BenchmarkRead(b *testing.B) {
	const n = 100_000
	l := benchLog(b, vfs.Default)
	batch := traffic(n)
	if _, err := l.AppendBatch(ctx, batch); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var block Block
	for b.Loop() {
		r := l.NewReader(0)
		for {
			if err := r.Next(ctx, &block); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, n, l, batch)
}
