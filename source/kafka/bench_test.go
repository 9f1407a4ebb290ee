package kafka

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"kelpie/source/kafka/kafkatest"
)

// shop makes a batch of events as a shop has them, about 460 bytes each.
func shop(n int, how compress.Compression) ([]byte, []byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := kafkatest.Batch{Compression: how}
	for i := range n {
		b.Records = append(b.Records, kafkatest.Record{Time: 1000, Key: []byte("customer"), Value: fmt.Appendf(nil, `{"id":"evt-%032x","type":"OrderCreated",`+
			`"time":"2026-01-05T10:%02d:%02d.%03dZ","service":"svc-%02d","customer_id":"c%d","order_id":"o-%010d","merchant_id":"m%d","region":"us-east-1",`+
			`"amount":%d.%02d,"currency":"EUR","status":"ok","country":"PL","ip":"%d.%d.%d.%d","device":{"id":"%016x","os":"web","app":"4.12.%d"},"latency_ms":%d,`+
			`"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)","schema":"v1","source":"order-gateway"}`,
			i, i/60000%60, i/1000%60, i%1000, rng.IntN(30), rng.IntN(100000), i, rng.IntN(500), rng.IntN(300), rng.IntN(100),
			rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.Uint64(), rng.IntN(5), rng.IntN(500))})
	}
	return b.Encode(), b.Records[0].Value
}

// BenchmarkDecode decodes a fetch of 2,000 records, which came from the network already.
func BenchmarkDecode(b *testing.B) {
	for _, how := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		b.Run(how.String(), func(b *testing.B) {
			const n = 500
			one, _ := shop(n, how)
			var data []byte
			for range 4 {
				data = append(data, one...)
			}
			rebase(data)
			d := newDecoder()
			defer d.unpack.close()
			p := &page{held: 1}
			b.ReportAllocs()
			for b.Loop() {
				out, err := d.decode(&fetched{records: data}, p, Mark{}, 0, 0)
				if err != nil {
					b.Fatal(err)
				}
				for _, batch := range out {
					d.m.recycle(batch)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(4*n), "ns/record")
		})
	}
	b.Run("json.Valid", func(b *testing.B) {
		_, value := shop(1, compress.None)
		for b.Loop() {
			json.Valid(value)
		}
	})
}

// rebase lets batches follow each other.
func rebase(data []byte) {
	next := int64(0)
	for at := 0; at < len(data); {
		h, _, _ := nextBatch(data[at:])
		n := h.last - h.base + 1
		for i := range 8 {
			data[at+i] = byte(next >> (56 - 8*i))
		}
		next += n
		at += h.size
	}
}
