package kafka

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"kelpie/source/kafka/kafkatest"
)

// transaction is one that a fake's log holds.
type transaction struct {
	producer, first int64 // first is -1 while it has no records
	records         []string
}

// fill writes batches of all kinds to a partition, and returns "offset value" of what read committed lets through.
func (f *fake) fill(p Partition, batches int) (want []string) {
	l := f.logs[p]
	if l == nil {
		l = &fakeLog{}
		f.logs[p] = l
		if _, has := f.ids[p.Topic]; !has {
			f.ids[p.Topic] = TopicID{byte(len(f.ids) + 1)}
		}
	}
	producers := []*transaction{{producer: 1, first: -1}, {producer: 2, first: -1}, {producer: 3, first: -1}}
	for range batches {
		x := producers[f.rng.IntN(len(producers))]
		switch f.rng.IntN(10) {
		case 0: // all of a batch is gone
			l.add(kafkatest.Batch{Last: l.end() + f.rng.Int64N(5)})
		case 1, 2:
			if x.first >= 0 {
				want = append(want, f.finish(l, x)...)
			}
		case 3, 4, 5:
			b := f.batch(l.end(), p)
			b.Attributes, b.Producer = transactionBit, x.producer
			if x.first < 0 {
				x.first = b.Base
			}
			x.records = append(x.records, texts(b)...)
			l.add(b)
		default:
			b := f.batch(l.end(), p)
			want = append(want, texts(b)...)
			l.add(b)
		}
	}
	for _, x := range producers {
		if x.first >= 0 {
			want = append(want, f.finish(l, x)...)
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		var i, j int64
		_, _ = fmt.Sscan(a, &i)
		_, _ = fmt.Sscan(b, &j)
		return int(i - j)
	})
	return want
}

// batch returns one with holes.
func (f *fake) batch(base int64, p Partition) kafkatest.Batch {
	b := kafkatest.Batch{Base: base, Compression: compress.Compression(f.rng.IntN(5))}
	for offset := base + f.rng.Int64N(3); len(b.Records) < 1+f.rng.IntN(4); offset += 1 + f.rng.Int64N(3) {
		text := fmt.Sprintf("%s-%d-%s", p, offset, strings.Repeat("x", f.rng.IntN(500)))
		b.Records = append(b.Records, kafkatest.Record{Offset: offset, Time: 1000 + offset, Key: []byte("k"), Value: []byte(text)})
	}
	b.Last = b.Records[len(b.Records)-1].Offset + f.rng.Int64N(3)
	return b
}

func texts(b kafkatest.Batch) (all []string) {
	for _, r := range b.Records {
		all = append(all, fmt.Sprintf("%d %s", r.Offset, r.Value))
	}
	return all
}

func (l *fakeLog) add(b kafkatest.Batch) {
	b.Base, b.Epoch = l.end(), int32(len(l.epochs))
	b.Last = max(b.Last, b.Base)
	encoded := b.Encode()
	if n := len(b.Records); n > 0 {
		b.Last = max(b.Last, b.Records[n-1].Offset)
	}
	l.batches = append(l.batches, fakeBatch{b.Base, b.Last, encoded})
}

// finish commits or aborts a transaction, and returns its records if they count.
func (f *fake) finish(l *fakeLog, x *transaction) (want []string) {
	marker := byte(f.rng.IntN(2))
	at := l.end()
	l.add(kafkatest.Batch{Producer: x.producer, Attributes: transactionBit | controlBit, Records: []kafkatest.Record{{
		Offset: at, Key: []byte{0, 0, 0, marker}, Value: []byte{0, 0, 0, 0, 0, 0},
	}}})
	if marker == byte(commit) {
		want = x.records
	} else {
		l.aborted = append(l.aborted, fakeAborted{abortedTransaction{x.producer, x.first}, at})
	}
	x.first, x.records = -1, nil
	return want
}

// chaos is a reader of a fake in which things go wrong, and who does not give everything back at once.
type chaos struct {
	t     *testing.T
	f     *fake
	rng   *rand.Rand
	s     Spec
	r     *Reader
	marks map[Partition]Mark
	got   map[Partition][]string
	gaps  map[Partition][]Gap
	held  []*Batch
	said  [][]string // what held says
}

func newChaos(t *testing.T, f *fake, seed uint64, s Spec) *chaos {
	c := &chaos{t: t, f: f, rng: rand.New(rand.NewPCG(seed, 2)), s: s, marks: map[Partition]Mark{}, got: map[Partition][]string{}, gaps: map[Partition][]Gap{}}
	c.open()
	return c
}

func (c *chaos) open() {
	c.r = c.f.reader(c.s, Options{Marks: func() map[Partition]Mark { return c.marks }})
}

func (c *chaos) close() {
	if err := c.r.Close(); err != nil {
		c.t.Error(err)
	}
	c.held, c.said = nil, nil
}

// next waits for a batch, at first without giving back what is held.
func (c *chaos) next() (*Batch, error) {
	for _, wait := range []time.Duration{time.Second, 10 * time.Minute} {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		b, err := c.r.Next(ctx)
		cancel()
		if err == nil {
			return b, nil
		}
		c.release(0)
	}
	return nil, context.DeadlineExceeded
}

// release gives back batches, the oldest first, but for so many.
func (c *chaos) release(keep int) {
	for len(c.held) > keep {
		if now := batchTexts(c.held[0]); !slices.Equal(now, c.said[0]) {
			c.t.Errorf("%s: the memory of a batch was used again before it was released", c.held[0].Partition)
		}
		c.r.Release(c.held[0])
		c.held, c.said = c.held[1:], c.said[1:]
	}
}

// step takes one batch; it returns false if none comes.
func (c *chaos) step() bool {
	b, err := c.next()
	if err != nil {
		c.t.Errorf("%v: %+v", err, c.r.Status())
		return false
	}
	if b.Gap != nil {
		c.gaps[b.Partition] = append(c.gaps[b.Partition], *b.Gap)
	}
	text := batchTexts(b)
	c.got[b.Partition] = append(c.got[b.Partition], text...)
	if next := c.marks[b.Partition]; b.Gap == nil && b.Next.Offset < next.Offset {
		c.t.Errorf("%s: from %d back to %d", b.Partition, next.Offset, b.Next.Offset)
	}
	c.marks[b.Partition] = b.Next
	c.held, c.said = append(c.held, b), append(c.said, text)
	c.release(c.rng.IntN(6))
	return true
}

func batchTexts(b *Batch) (all []string) {
	for i := range b.Len() {
		all = append(all, fmt.Sprintf("%d %s", b.Lines[i].Offset, b.Value(i)))
	}
	return all
}

// disturb moves leaders, ends brokers and starts them again, and starts the reader anew.
func (c *chaos) disturb() {
	c.f.mu.Lock()
	id := c.rng.Int32N(c.f.brokers)
	switch c.rng.IntN(20) {
	case 0:
		clear(c.f.dead)
	case 1:
		clear(c.f.dead)
		c.f.dead[id] = true
		for _, conn := range c.f.open {
			_ = conn.Close()
		}
		c.f.open = nil
	}
	for _, p := range slices.SortedFunc(maps.Keys(c.f.logs), Partition.Compare) {
		l := c.f.logs[p]
		if c.rng.IntN(10) == 0 || c.f.dead[l.leader] {
			for l.leader = c.rng.Int32N(c.f.brokers); c.f.dead[l.leader]; {
				l.leader = (l.leader + 1) % c.f.brokers
			}
			l.epoch++
			l.epochs = append(l.epochs, l.end())
		}
	}
	c.f.mu.Unlock()
	if c.rng.IntN(20) == 0 {
		c.close()
		c.open()
	}
}

// TestChaos reads topics of all kinds of batches from brokers that hang, hang up, lie, move and damage what they send. Each
// record that read committed lets through comes once, in order, and nothing else does.
func TestChaos(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(seed)
			f.brokers, f.faults, f.oldest = 3, 0.05, seed%5 == 0
			want := map[Partition][]string{}
			for i := range int32(6) {
				p := Partition{fmt.Sprintf("t%d", i%2), i / 2}
				want[p] = f.fill(p, 100)
				f.logs[p].leader = i % 3
			}
			s := Spec{Topics: []string{"t0", "/t1.*/"}, Fetch: Fetch{Buffer: 1 << 20, Partition: 2 << 10, Refresh: 200 * time.Millisecond}, Connection: Connection{Timeout: time.Second}}
			c := newChaos(t, f, seed, s)
			all := func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				for p, l := range f.logs {
					if c.marks[p].Offset < l.end() {
						return false
					}
				}
				return true
			}
			for steps := 0; !all() && c.step(); steps++ {
				if steps < 1000 {
					c.disturb()
				}
			}
			for p, lines := range want {
				if !slices.Equal(c.got[p], lines) {
					t.Errorf("seed %d: %s: got %d records, want %d: %s", seed, p, len(c.got[p]), len(lines), difference(c.got[p], lines))
				}
			}
			if len(c.gaps) > 0 {
				t.Errorf("seed %d: gaps %v", seed, c.gaps)
			}
			c.close()
			f.close()
		})
	}
}

func difference(got, want []string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			if i < len(got) {
				return fmt.Sprintf("%d is %.40s, want %.40s", i, got[i], want[i])
			}
			return fmt.Sprintf("%d is missing: %.40s", i, want[i])
		}
	}
	return "more"
}
