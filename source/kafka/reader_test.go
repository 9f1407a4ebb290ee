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
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return readLogging(t, s, marks, log)
}

func readLogging(t *testing.T, s kafka.Spec, marks map[kafka.Partition]kafka.Mark, log *slog.Logger) *reading {
	t.Helper()
	x := &reading{t: t, marks: marks, got: map[kafka.Partition][]string{}}
	if x.marks == nil {
		x.marks = map[kafka.Partition]kafka.Mark{}
	}
	r, err := kafka.Open(s, kafka.Options{Log: log, Marks: func() map[kafka.Partition]kafka.Mark { return marks }})
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

// base is the time of the first record: retention removes at once what is older than it keeps.
var base = time.Now().UnixMilli()

// records makes n of them.
func records(from, n int) (all []kafkatest.Record) {
	for i := range n {
		all = append(all, kafkatest.Record{Time: base + int64(from+i), Key: fmt.Appendf(nil, "k%d", i%3), Value: fmt.Appendf(nil, "v%d", from+i)})
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

// TestTransactions has transactions that were committed, aborted, and one that is open: it holds up what is behind it.
func TestTransactions(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("paid", 1)
		good, bad := a.Begin("good"), a.Begin("bad")
		good.Write("paid", 0, records(0, 10)...)
		bad.Write("paid", 0, records(10, 10)...)
		a.Write("paid", 0, kafkatest.Batch{Records: records(20, 5)})
		good.Write("paid", 0, records(25, 5)...)
		bad.End(false)
		good.End(true)
		want := append(lines(0, 0, 10), lines(20, 20, 10)...)
		x := read(t, spec(c, "paid"), nil)
		x.want("paid", 0, want...)
		open := a.Begin("open")
		open.Write("paid", 0, records(100, 3)...)
		a.Write("paid", 0, kafkatest.Batch{Records: records(103, 2)})
		s := spec(c, "paid")
		s.Isolation = kafka.ReadUncommitted
		all := append(lines(0, 0, 30), lines(32, 100, 5)...)
		read(t, s, nil).want("paid", 0, all...)
		want = append(want, lines(32, 100, 5)...)
		p := kafka.Partition{Topic: "paid"}
		if n := len(x.got[p]); n != 20 {
			t.Errorf("%d records although a transaction is open", n)
		}
		open.End(true)
		x.want("paid", 0, want...)
		x.until(func() bool { return x.marks[p].Offset == 38 }) // behind the last marker
	})
}

// TestGoOn stops after each batch and goes on where its mark says.
func TestGoOn(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("long", 2)
		var want []string
		for i := range 20 {
			a.Write("long", 1, kafkatest.Batch{Compression: compress.Compression(i % 5), Records: records(100*i, 100)})
			want = append(want, lines(100*i, 100*i, 100)...)
		}
		s := spec(c, "long")
		s.Fetch.Partition = 16 << 10
		p := kafka.Partition{Topic: "long", ID: 1}
		x := read(t, s, nil)
		for len(x.got[p]) < len(want) {
			y := read(t, s, x.marks)
			y.got = x.got
			y.next()
			y.next()
			y.close()
			x = y
		}
		if !slices.Equal(x.got[p], want) {
			t.Errorf("got %d records, want %d: %q", len(x.got[p]), len(want), x.got[p])
		}
		if len(x.gaps) > 0 {
			t.Errorf("gaps: %q", x.gaps)
		}
	})
}

// TestRetention has records that are removed before they are read, at first and while a Reader is there.
func TestRetention(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("short", 1)
		a.Write("short", 0, kafkatest.Batch{Records: records(0, 100)})
		x := read(t, spec(c, "short"), nil)
		x.want("short", 0, lines(0, 0, 100)...)
		x.close()
		a.Write("short", 0, kafkatest.Batch{Records: records(100, 100)})
		a.DeleteBefore("short", 0, 150)
		y := read(t, spec(c, "short"), x.marks)
		y.want("short", 0, lines(150, 150, 50)...)
		if want := []string{"short/0 retention 100-150"}; !slices.Equal(y.gaps, want) {
			t.Errorf("gaps %q, want %q", y.gaps, want)
		}
	})
}

// TestMadeAnew deletes a topic and makes another one of the same name, while it is read and while nobody does; the new
// one has more records than were read of the old one.
func TestMadeAnew(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("anew", 1)
		a.Write("anew", 0, kafkatest.Batch{Records: records(0, 50)})
		x := read(t, spec(c, "anew"), nil)
		x.want("anew", 0, lines(0, 0, 50)...)
		a.Delete("anew")
		a.Create("anew", 1)
		a.Write("anew", 0, kafkatest.Batch{Records: records(1000, 80)})
		want := append(lines(0, 0, 50), lines(0, 1000, 80)...)
		x.marks = map[kafka.Partition]kafka.Mark{}
		x.want("anew", 0, want...)
		if want := []string{"anew/0 recreated 50-50"}; !slices.Equal(x.gaps, want) {
			t.Errorf("gaps %q, want %q", x.gaps, want)
		}
		x.close()
		a.Delete("anew")
		a.Create("anew", 1)
		a.Write("anew", 0, kafkatest.Batch{Records: records(2000, 100)})
		y := read(t, spec(c, "anew"), x.marks)
		y.marks = map[kafka.Partition]kafka.Mark{}
		y.want("anew", 0, lines(0, 2000, 100)...)
		if want := []string{"anew/0 recreated 80-80"}; !slices.Equal(y.gaps, want) {
			t.Errorf("gaps %q, want %q", y.gaps, want)
		}
		// A broker that does not tell topics apart: the checksum of the last record does.
		m := x.marks
		for p, mark := range m {
			mark.TopicID = kafka.TopicID{}
			m[p] = mark
		}
		z := read(t, spec(c, "anew"), m)
		z.marks = map[kafka.Partition]kafka.Mark{}
		z.want("anew", 0, lines(0, 2000, 100)...)
		if want := []string{"anew/0 recreated 80-80"}; !slices.Equal(z.gaps, want) {
			t.Errorf("gaps %q, want %q", z.gaps, want)
		}
	})
}

// TestCompacted reads a compacted topic, with holes in the middle and at the ends of batches.
func TestCompacted(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("table", 1, "cleanup.policy=compact", "segment.ms=100", "min.cleanable.dirty.ratio=0.01", "delete.retention.ms=100", "max.compaction.lag.ms=100")
		for i := range 10 {
			a.Write("table", 0, kafkatest.Batch{Compression: compress.Compression(i % 5), Records: records(100*i, 100)})
		}
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		var x *reading
		p := kafka.Partition{Topic: "table"}
		for n := 1000; ; n++ { // the active segment is not compacted, and a new one begins with a record
			a.Write("table", 0, kafkatest.Batch{Records: []kafkatest.Record{{Time: time.Now().UnixMilli(), Key: []byte("last"), Value: []byte("v")}}})
			x = read(t, spec(c, "table"), nil)
			x.until(func() bool { return x.marks[p].Offset == int64(n)+1 })
			if len(x.got[p]) < 100 {
				break
			}
			x.close()
			<-tick.C
		}
		if got := x.got[p]; !slices.Equal(got[:3], lines(997, 997, 3)) {
			t.Errorf("got %q", got)
		}
		for from := range int64(1000) { // from within any hole
			if from%97 != 0 {
				continue
			}
			y := read(t, spec(c, "table"), map[kafka.Partition]kafka.Mark{p: {Known: true, Offset: from, Last: -1, Epoch: -1}})
			y.until(func() bool { return len(y.got[p]) >= 3 })
			if got := y.got[p]; !slices.Equal(got[:3], lines(997, 997, 3)) {
				t.Errorf("from %d: got %q", from, got)
			}
			y.close()
		}
	})
}

// TestMorePartitions adds partitions to a topic and topics to a pattern: they are read from their first record, wherever
// the source was told to begin.
func TestMorePartitions(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("grow-a", 1)
		a.Write("grow-a", 0, kafkatest.Batch{Records: records(0, 10)})
		s := spec(c, "/grow-.*/")
		if err := s.Start.UnmarshalText([]byte("latest")); err != nil {
			t.Fatal(err)
		}
		x := read(t, s, nil)
		x.until(func() bool { return x.marks[kafka.Partition{Topic: "grow-a"}].Known })
		a.Write("grow-a", 0, kafkatest.Batch{Records: records(10, 5)})
		x.want("grow-a", 0, lines(10, 10, 5)...)
		a.AddPartitions("grow-a", 3)
		a.Create("grow-b", 2)
		a.Write("grow-a", 2, kafkatest.Batch{Records: records(100, 10)})
		a.Write("grow-b", 1, kafkatest.Batch{Records: records(200, 10)})
		x.want("grow-a", 2, lines(0, 100, 10)...)
		x.want("grow-b", 1, lines(0, 200, 10)...)
		x.want("grow-a", 0, lines(10, 10, 5)...)
	})
}

// TestStartAtTime begins at a time, and at the end where nothing is as new.
func TestStartAtTime(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("timed", 2)
		for i := range 10 {
			a.Write("timed", 0, kafkatest.Batch{Records: records(10*i, 10)})
		}
		a.Write("timed", 1, kafkatest.Batch{Records: records(0, 10)})
		s := spec(c, "timed")
		if err := s.Start.UnmarshalText([]byte(time.UnixMilli(base + 42).UTC().Format(time.RFC3339Nano))); err != nil {
			t.Fatal(err)
		}
		x := read(t, s, nil)
		x.want("timed", 0, lines(42, 42, 58)...)
		x.until(func() bool { return x.marks[kafka.Partition{Topic: "timed", ID: 1}].Known })
		if got := x.marks[kafka.Partition{Topic: "timed", ID: 1}].Offset; got != 10 {
			t.Errorf("partition 1 begins at %d, want its end", got)
		}
	})
}
