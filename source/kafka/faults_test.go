package kafka

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"kelpie/source/kafka/kafkatest"
)

// simple fills a partition with so many records, ten in a batch, and returns them.
func (f *fake) simple(p Partition, n int) (want []string) {
	l := f.logs[p]
	if l == nil {
		l = &fakeLog{}
		f.logs[p], f.ids[p.Topic] = l, TopicID{1}
	}
	for range n / 10 {
		b := kafkatest.Batch{Base: l.end()}
		for i := range int64(10) {
			b.Records = append(b.Records, kafkatest.Record{Offset: b.Base + i, Time: 1000, Value: fmt.Appendf(nil, "%s in epoch %d", f.says, l.epoch)})
		}
		want = append(want, texts(b)...)
		l.add(b)
	}
	return want
}

// elect makes a broker leader of a partition that has only the first so many records.
func (f *fake) elect(p Partition, kept int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.logs[p]
	for l.end() > kept {
		l.batches = l.batches[:len(l.batches)-1]
	}
	for i := range l.epochs {
		l.epochs[i] = min(l.epochs[i], kept)
	}
	l.epoch++
	l.epochs = append(l.epochs, kept)
}

// change changes the logs while brokers may be asked.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

var t0 = Partition{Topic: "t"}

// faulty runs f with a fake that has 100 records, of which a reader has read all.
func faulty(t *testing.T, f func(t *testing.T, k *fake, c *chaos)) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake(1)
		want := k.simple(t0, 100)
		c := newChaos(t, k, 1, Spec{Topics: []string{"t"}, Fetch: Fetch{Buffer: 1 << 20, Refresh: time.Second}, Connection: Connection{Timeout: time.Second}})
		c.until(func() bool { return len(c.got[t0]) == 100 })
		if !slices.Equal(c.got[t0], want) {
			t.Errorf("at first: %q", c.got[t0])
		}
		f(t, k, c)
		c.close()
		k.close()
	})
}

func (c *chaos) until(f func() bool) {
	for !f() && c.step() {
	}
}

// TestTruncated has a leader without the last records that were read: while it is read, while nobody does, with others in
// their place, and with fewer.
func TestTruncated(t *testing.T) {
	for _, away := range []bool{false, true} {
		for _, after := range []int{0, 20, 100} {
			faulty(t, func(t *testing.T, k *fake, c *chaos) {
				if away {
					c.close()
				}
				k.elect(t0, 70)
				want := slices.Clone(c.got[t0])
				k.change(func() { want = append(want, k.simple(t0, after)...) })
				if away {
					c.open()
				}
				c.until(func() bool { return len(c.gaps[t0]) > 0 && len(c.got[t0]) >= len(want) })
				if fmt.Sprint(c.gaps[t0]) != "[{70 100 truncated}]" || !slices.Equal(c.got[t0], want) {
					t.Errorf("away %v, %d after: gaps %v, got %q", away, after, c.gaps, c.got[t0][100:])
				}
			})
		}
	}
}

// TestMadeAnewUnseen has a topic of brokers that do not tell topics apart, which is made anew while nobody reads: with
// other records where the last one was read, and with fewer.
func TestMadeAnewUnseen(t *testing.T) {
	for _, after := range []int{10, 200} {
		faulty(t, func(t *testing.T, k *fake, c *chaos) {
			c.close()
			m := c.marks[t0]
			m.TopicID = TopicID{}
			c.marks[t0] = m
			want := slices.Clone(c.got[t0])
			k.change(func() {
				k.oldest, k.says = true, "others"
				k.logs[t0] = &fakeLog{}
				want = append(want, k.simple(t0, after)...)
			})
			c.open()
			c.until(func() bool { return len(c.gaps[t0]) > 0 && len(c.got[t0]) >= len(want) })
			if fmt.Sprint(c.gaps[t0]) != "[{100 100 recreated}]" || !slices.Equal(c.got[t0], want) {
				t.Errorf("%d after: gaps %v, got %q", after, c.gaps, c.got[t0][100:])
			}
		})
	}
}

// TestRetentionPasses removes what was not read, and more of it when the reader has just found out.
func TestRetentionPasses(t *testing.T) {
	faulty(t, func(t *testing.T, k *fake, c *chaos) {
		c.close()
		want := slices.Clone(c.got[t0])
		k.change(func() {
			want = append(want, k.simple(t0, 100)[50:]...)
			k.logs[t0].start, k.logs[t0].batches = 150, k.logs[t0].batches[15:]
		})
		c.open()
		c.until(func() bool { return len(c.got[t0]) >= len(want) })
		if fmt.Sprint(c.gaps[t0]) != "[{100 150 retention}]" || !slices.Equal(c.got[t0], want) {
			t.Errorf("gaps %v, got %q", c.gaps, c.got[t0][100:])
		}
	})
}

// TestOutage has brokers that are away for an hour: one line says so and one that they are back, and in between it is in
// the status. What came meanwhile is read.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake(1)
		k.simple(t0, 10)
		var log bytes.Buffer
		r := k.reader(Spec{Topics: []string{"t"}}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		read := func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			for n := 0; n < 10; {
				b, err := r.Next(ctx)
				if err != nil {
					t.Fatalf("%v: %+v", err, r.Status())
				}
				n += b.Len()
				r.Release(b)
			}
		}
		read()
		k.change(func() {
			k.dead[0] = true
			for _, c := range k.open {
				_ = c.Close()
			}
		})
		time.Sleep(time.Hour)
		if s := r.Status(); s.Ready || len(s.Problems) != 2 || !strings.Contains(s.Problems[0].What, "nobody listens there") || time.Since(s.Problems[0].Since) < 59*time.Minute {
			t.Errorf("after an hour: %+v", s)
		}
		k.change(func() { k.simple(t0, 10); k.dead[0] = false })
		read()
		time.Sleep(10 * time.Second)
		if s := r.Status(); !s.Ready {
			t.Errorf("at the end: %+v", s)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		k.close()
		if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) > 6 {
			t.Errorf("%d lines:\n%s", len(lines), log.String())
		}
	})
}

// TestBackPressure reads from one who gives nothing back, and from one who holds a partition back. Records that are packed
// count for what they are unpacked.
func TestBackPressure(t *testing.T) {
	t.Run("plain", func(t *testing.T) { backPressure(t, compress.None) })
	t.Run("packed", func(t *testing.T) { backPressure(t, compress.Zstd) })
}

func backPressure(t *testing.T, how compress.Compression) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake(1)
		t1 := Partition{"t", 1}
		for _, p := range []Partition{t0, t1} {
			k.logs[p], k.ids["t"] = &fakeLog{}, TopicID{1}
			for range 400 {
				k.logs[p].add(kafkatest.Batch{Base: k.logs[p].end(), Compression: how, Records: []kafkatest.Record{{Offset: k.logs[p].end(), Value: make([]byte, 10_000)}}})
			}
		}
		r := k.reader(Spec{Topics: []string{"t"}, Fetch: Fetch{Buffer: 1 << 20}}, Options{})
		var held []*Batch
		take := func() (bytes int) {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				b, err := r.Next(ctx)
				cancel()
				if err != nil {
					return bytes
				}
				bytes += len(b.Buf)
				held = append(held, b)
			}
		}
		if n := take(); n < 500_000 || n > 1<<20 {
			t.Errorf("%d bytes wait, want about the buffer's 1 MiB", n)
		}
		for _, b := range held {
			r.Release(b)
		}
		held = nil
		r.Pause(t1, true)
		before := len(held)
		take()
		for _, b := range held[before:] {
			if b.Partition == t1 {
				t.Errorf("a partition that was paused is read")
			}
			r.Release(b)
		}
		held = nil
		r.Pause(t1, false)
		take()
		if !slices.ContainsFunc(held, func(b *Batch) bool { return b.Partition == t1 }) {
			t.Errorf("a partition that was paused is not read again")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		k.close()
	})
}
