package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// leader is the goroutine that reads the partitions that one broker leads.
type leader struct {
	r      *Reader
	id     int32
	addr   string
	ctx    context.Context
	cancel context.CancelFunc
	work   chan struct{} // a token: there may be something to do

	conn     *conn
	dec      decoder
	failures int   // of connections, one after the other
	fetches  int64 // so far
}

// lead begins to read what a broker leads.
func (r *Reader) lead(id int32, addr string) *leader {
	l := &leader{r: r, id: id, addr: addr, work: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(r.ctx)
	l.dec = decoder{m: &r.memory, committed: r.spec.Isolation == ReadCommitted, unpack: unpacker{most: int(r.spec.Fetch.Batch)}}
	r.wg.Go(l.run)
	return l
}

// run works until the leader leads nothing of ours any more.
func (l *leader) run() {
	defer l.dec.unpack.close()
	defer func() { l.conn.close() }()
	for l.ctx.Err() == nil {
		jobs, wait, held := l.jobs()
		if len(jobs) == 0 {
			l.idle(wait)
			continue
		}
		if err := l.do(jobs, held); err != nil {
			l.fail(err)
		}
	}
}

func (l *leader) jobs() ([]job, time.Duration, bool) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return l.r.jobsLocked(l.id, time.Now())
}

// idle waits for something to do.
func (l *leader) idle(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-l.work:
	case <-timer.C:
	case <-l.ctx.Done():
	}
}

// do goes through the jobs once. Its error is that of the connection.
func (l *leader) do(jobs []job, held bool) error {
	if l.conn == nil {
		c, err := l.r.client.d.dial(l.ctx, l.addr)
		if err != nil {
			return err
		}
		l.conn = c
	}
	fetches := jobs[:0:0]
	for _, j := range jobs {
		if j.todo == nothing {
			fetches = append(fetches, j)
		} else if err := l.find(j); err != nil {
			return err
		}
	}
	if len(fetches) == 0 {
		return nil
	}
	return l.fetch(fetches, held || len(fetches) < len(jobs))
}

// fail waits a while, after the connection broke.
func (l *leader) fail(err error) {
	l.conn.close()
	l.conn = nil
	if l.ctx.Err() != nil {
		return
	}
	l.failures++
	var timeout net.Error
	// That a connection was closed after a while without traffic, or at the end of a login's life, is no news.
	if l.failures > 1 || errors.As(err, &timeout) && timeout.Timeout() {
		stage := working
		if l.fetches == 0 {
			stage = asking
		}
		l.r.problem(l.addr, l.r.client.d.explain(stage, l.addr, err).Error())
	}
	token(l.r.look)
	if l.failures > 1 {
		sleep(l.ctx, backoff(l.failures))
	}
}

// succeed says that the broker answers.
func (l *leader) succeed() {
	if l.failures > 0 {
		l.failures = 0
	}
	l.r.well(l.addr)
}

// soon is how long a broker may wait for records while partitions that are not asked for may be asked for again at any
// moment.
const soon = 20 * time.Millisecond

// mostAtOnce bounds one answer, bytes: with a larger one the records would leave the processor's cache before they are
// decoded.
const mostAtOnce = 4 << 20

// fetch asks for the records of partitions and delivers them.
func (l *leader) fetch(jobs []job, held bool) error {
	s := fetchSpec{wait: l.r.spec.Fetch.Wait, most: mostAtOnce, committed: l.dec.committed}
	if held {
		s.wait = min(s.wait, soon)
	}
	want := make([]wanted, len(jobs))
	by := make(map[Partition]job, len(jobs))
	for i, j := range jobs {
		want[i] = wanted{j.part.Partition, j.epoch, j.from(), j.most}
		by[j.part.Partition] = j
		s.most = max(s.most, j.most)
	}
	page := l.r.memory.page()
	defer l.r.memory.drop(page)
	answer, all, err := l.conn.fetch(l.ctx, s, want, page.b)
	l.r.memory.filled(page, answer)
	if err != nil {
		return err
	}
	l.succeed()
	l.count(len(answer))
	for i := range all {
		if j, asked := by[all[i].Partition]; asked {
			l.take(j, &all[i], page)
		}
	}
	return nil
}

func (l *leader) count(bytes int) {
	l.fetches++
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.counts.Fetches++
	l.r.counts.Bytes += int64(bytes)
}

// from returns where a fetch begins.
func (j *job) from() int64 {
	if j.verify {
		return j.mark.Last
	}
	return j.mark.Offset
}

// take delivers what came of one partition.
func (l *leader) take(j job, f *fetched, p *page) {
	if f.err != 0 {
		l.refused(j, f.err)
		return
	}
	mark := j.mark
	if none := (TopicID{}); j.id != none {
		mark.TopicID = j.id // brokers that are newer now, and tell
	}
	f.expands = j.expands
	batches, err := l.dec.decode(f, p, mark, j.from(), j.share)
	expands := l.dec.expansion(j.expands)
	if j.verify {
		var same bool
		if batches, same = l.verified(j, batches); !same {
			return
		}
	}
	taken := l.r.deliver(j, batches, func(p *partition) {
		p.fetched, p.end, p.stable, p.asked = true, f.end, f.stable, time.Now()
		p.verify = p.verify && len(batches) == 0
		p.atLeast, p.expands = 0, expands
		if len(batches) > 0 {
			p.last = l.fetches
		} else if h, whole, err := nextBatch(f.records); !whole && err == nil && len(f.records) >= lengthFrom {
			p.atLeast = int32(min(h.size, largestFetch-1)) // one batch is larger than what was asked for
		}
	})
	if !taken {
		return
	}
	if err != nil {
		l.pause(j)
		l.wrong(j, err.Error())
		return
	}
	l.good(j)
}

// verified compares the first record with what was read of it before, and leaves out what was read. If it is another
// one, the topic is not the one that was read.
func (l *leader) verified(j job, batches []*Batch) (rest []*Batch, same bool) {
	if len(batches) > 0 && batches[0].Len() > 0 && batches[0].Lines[0].Offset == j.mark.Last && batches[0].sum(0) != j.mark.Sum {
		for _, b := range batches {
			l.r.memory.recycle(b)
		}
		l.r.settle(j, func(p *partition) { p.turn++; p.todo, p.verify = beginAnew, false })
		return nil, false
	}
	for _, b := range batches {
		n := 0
		for n < b.Len() && b.Lines[n].Offset < j.mark.Offset {
			n++
		}
		b.Lines, b.fields = b.Lines[n:], b.fields[n:]
		if b.Next.Offset < j.mark.Offset {
			b.Next = j.mark
		}
		rest = append(rest, b)
	}
	return rest, true
}

// refused handles an error that the broker has with one partition.
func (l *leader) refused(j job, code kafkago.Error) {
	switch code {
	case kafkago.OffsetOutOfRange:
		l.r.settle(j, func(p *partition) { p.todo, p.verify = findRange, false })
	case kafkago.NotLeaderForPartition, kafkago.LeaderNotAvailable, kafkago.ReplicaNotAvailable, kafkago.UnknownTopicOrPartition,
		kafkago.FencedLeaderEpoch, kafkago.UnknownLeaderEpoch, kafkago.OffsetNotAvailable:
		// Leaders move. It takes a moment until all brokers know.
		if l.pause(j) > 3 {
			l.wrong(j, fmt.Sprintf("partition %s: %s", j.part.Partition, describe(code)))
		}
		token(l.r.look)
	default:
		l.pause(j)
		l.wrong(j, fmt.Sprintf("partition %s: %s", j.part.Partition, describe(code)))
		token(l.r.look)
	}
}

// pause makes a partition wait, longer each time. It returns how often in a row.
func (l *leader) pause(j job) (failures int) {
	l.r.settle(j, func(p *partition) {
		p.failures++
		p.retry = time.Now().Add(backoff(p.failures - 1))
		failures = p.failures
	})
	return failures
}

// wrong says what is wrong with a partition.
func (l *leader) wrong(j job, what string) {
	l.r.settle(j, func(p *partition) {
		l.r.counts.Failures++
		l.r.problems.set(p.String(), what)
	})
}

// good says that nothing is.
func (l *leader) good(j job) {
	l.r.settle(j, func(p *partition) {
		p.failures = 0
		l.r.problems.clear(p.String())
	})
}
