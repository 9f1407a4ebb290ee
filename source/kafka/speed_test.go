package kafka_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestSpeed(t *testing.T) {
	if os.Getenv("SPEED") == "" {
		return
	}
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		rng := rand.New(rand.NewPCG(1, 2))
		const batches, per, parts = 500, 2000, 8
		values := make([]kafkatest.Record, per)
		for how, name := range map[compress.Compression]string{0: "plainly", 4: "zstded"} {
			a := c.Admin(t)
			a.Create(name, parts)
			for b := range batches / 10 {
				for i := range values {
					v := fmt.Appendf(nil, `{"id":"evt-%032x","type":%q,"time":"2026-01-05T10:%02d:%02d.%03dZ","service":"svc-%02d","customer_id":"c%d",`+
						`"order_id":"o-%010d","merchant_id":"m%d","region":"us-east-1","amount":%d.%02d,"currency":"EUR","status":"ok","country":"PL","ip":"%d.%d.%d.%d",`+
						`"device":{"id":"%016x","os":"web","app":"4.12.%d"},"latency_ms":%d,"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)","schema":"v1","source":"order-gateway"}`,
						i, "OrderCreated", i/60000%60, i/1000%60, i%1000, rng.IntN(30), rng.IntN(100000),
						i, rng.IntN(500), rng.IntN(300), rng.IntN(100), rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256),
						rng.Uint64(), rng.IntN(5), rng.IntN(500))
					values[i] = kafkatest.Record{Time: time.Now().UnixMilli(), Value: v}
				}
				for range 10 {
					for k := 0; k < per; k += 500 {
						a.Write(name, b%parts, kafkatest.Batch{Compression: how, Records: values[k : k+500]})
					}
				}
			}
			n, bytes := 0, 0
			start := time.Now()
			for i := range 20000 {
				if !json.Valid(values[i%per].Value) {
					t.Fatal("invalid")
				}
			}
			valid := time.Since(start) / 20000
			s := kafka.DefaultSpec()
			s.Brokers, s.Topics = c.Plain(), []string{name}
			{
				n = 0
				tr := &kafkago.Transport{}
				offs := make([]int64, parts)
				before := cpu()
				for n < batches*per {
					req := &fetch.Request{ReplicaID: -1, MaxWaitTime: 500, MinBytes: 1, MaxBytes: 8 << 20, IsolationLevel: 1, SessionEpoch: -1, Topics: []fetch.RequestTopic{{Topic: name}}}
					for p := range parts {
						req.Topics[0].Partitions = append(req.Topics[0].Partitions, fetch.RequestPartition{Partition: int32(p), CurrentLeaderEpoch: -1, FetchOffset: offs[p], PartitionMaxBytes: 1 << 20})
					}
					m, err := tr.RoundTrip(t.Context(), kafkago.TCP(c.Plain()...), req)
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range m.(*fetch.Response).Topics[0].Partitions {
						if p.RecordSet.Records == nil {
							continue
						}
						for {
							rec, err := p.RecordSet.Records.ReadRecord()
							if err != nil {
								break
							}
							if rec.Offset >= offs[p.Partition] {
								n++
								offs[p.Partition] = rec.Offset + 1
							}
							if rec.Value != nil {
								v, _ := protocol.ReadAll(rec.Value)
								_ = v
								rec.Value.Close()
							}
						}
					}
				}
				t.Logf("%s: library's RoundTrip: %v CPU per record", name, (cpu()-before)/time.Duration(n))
				tr.CloseIdleConnections()
			}
			for range 3 {
				n, bytes = 0, 0
				r, err := kafka.Open(s, kafka.Options{})
				if err != nil {
					t.Fatal(err)
				}
				before, wall := cpu(), time.Now()
				for n < batches*per {
					b, err := r.Next(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					n += b.Len()
					for i := range b.Lines {
						bytes += b.Lines[i].End - b.Lines[i].Start
					}
					r.Release(b)
				}
				used := cpu() - before
				st := r.Status()
				_ = r.Close()
				t.Logf("%s: %d records of %d B: %v CPU, %v wall per record; json.Valid %v; fetches %d", name, n, bytes/n, used/time.Duration(n), time.Since(wall)/time.Duration(n), valid, st.Counts.Fetches)
			}
		}
	})
}
