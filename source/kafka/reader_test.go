package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// reading is a Reader whose batches are collected.
type reading struct {
	t     *testing.T
	r     *kafka.Reader
	marks map[kafka.Partition]kafka.Mark
	got   map[kafka.Partition][]string // "offset value"
	gaps  []string
}

// spec is how the tests read.
func spec(c *kafkatest.Cluster, topics ...string) kafka.Spec {
	s := kafka.DefaultSpec()
	s.Brokers, s.Topics = c.Plain(), topics
	s.Fetch.Wait, s.Fetch.Refresh, s.Timeout = 50*time.Millisecond, 200*time.Millisecond, 2*time.Second
	return s
}

// read opens a Reader that goes on where marks say.
func read(t *testing.T, s kafka.Spec, marks map[kafka.Partition]kafka.Mark) *reading {
	t.Helper()
	x := &reading{t: t, marks: marks, got: map[kafka.Partition][]string{}}
	if x.marks == nil {
		x.marks = map[kafka.Partition]kafka.Mark{}
	}
	o := kafka.Options{Marks: func() map[kafka.Partition]kafka.Mark { return marks }}
	if testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	r, err := kafka.Open(s, o)
	if err != nil {
		t.Fatal(err)
	}
	x.r = r
	t.Cleanup(x.close)
	return x
}

func (x *reading) close() {
	if err := x.r.Close(); err != nil {
		x.t.Error(err)
	}
}

// next takes in one batch.
func (x *reading) next() {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b, err := x.r.Next(ctx)
	if err != nil {
		x.t.Fatalf("%v; status %+v", err, x.r.Status())
	}
	x.take(b)
}

func (x *reading) take(b *kafka.Batch) {
	x.t.Helper()
	if b.Gap != nil {
		x.gaps = append(x.gaps, fmt.Sprintf("%s %s %d-%d", b.Partition, b.Gap.Why, b.Gap.From, b.Gap.To))
	}
	was := x.marks[b.Partition]
	for i := range b.Len() {
		if b.Lines[i].Offset < was.Offset {
			x.t.Errorf("%s@%d comes after %d", b.Partition, b.Lines[i].Offset, was.Offset)
		}
		was.Offset = b.Lines[i].Offset + 1
		x.got[b.Partition] = append(x.got[b.Partition], fmt.Sprintf("%d %s", b.Lines[i].Offset, b.Value(i)))
	}
	x.marks[b.Partition] = b.Next
	x.r.Release(b)
}

// until takes in batches until f says that it is enough.
func (x *reading) until(f func() bool) {
	x.t.Helper()
	for !f() {
		x.next()
	}
}

// want compares what came of a partition, waiting for as much.
func (x *reading) want(topic string, partition int32, want ...string) {
	x.t.Helper()
	p := kafka.Partition{Topic: topic, ID: partition}
	x.until(func() bool { return len(x.got[p]) >= len(want) })
	if got := x.got[p]; !slices.Equal(got, want) {
		x.t.Errorf("%s: got %q, want %q", p, got, want)
	}
}

// records makes n of them.
func records(from, n int) (all []kafkatest.Record) {
	for i := range n {
		all = append(all, kafkatest.Record{Time: int64(1_700_000_000_000 + from + i), Key: fmt.Appendf(nil, "k%d", i%3), Value: fmt.Appendf(nil, "v%d", from+i)})
	}
	return all
}

// lines is what records gives when it stands at an offset.
func lines(offset, from, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%d v%d", offset+i, from+i))
	}
	return all
}

func TestCompressions(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("packed", 3)
		all := []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}
		n := 0
		var want []string
		for range 3 {
			for _, how := range all {
				a.Write("packed", 1, kafkatest.Batch{Compression: how, Records: records(n, 100)})
				want = append(want, lines(n, n, 100)...)
				n += 100
			}
		}
		x := read(t, spec(c, "packed"), nil)
		x.want("packed", 1, want...)
	})
}
