package kafka

import (
	"errors"

	kafkago "github.com/segmentio/kafka-go"
)

// find does what must be done before a partition can be fetched. Its error is that of the connection.
func (l *leader) find(j job) error {
	var err error
	switch j.todo {
	case findStart:
		err = l.findStart(j)
	case checkEnd:
		err = l.checkEnd(j)
	case findRange:
		err = l.findRange(j)
	case beginAnew:
		err = l.beginAnew(j)
	}
	var code kafkago.Error
	if errors.As(err, &code) {
		if code == kafkago.OffsetOutOfRange {
			code = kafkago.Unknown // nobody asked for one
		}
		l.refused(j, code)
		return nil
	}
	return err
}

// place moves a partition to an offset, with the gap that is before it if there is one, and fetches from there on.
func (l *leader) place(j job, m Mark, gap *Gap) {
	b := l.r.memory.batch()
	b.Partition, b.Next, b.Gap = j.part.Partition, m, gap
	b.End, b.Stable = m.Offset, m.Offset
	l.r.deliver(j, []*Batch{b}, func(p *partition) {
		p.todo, p.verify = nothing, false
		if gap != nil {
			l.r.counts.Gaps++
			l.r.log.Warn("kafka: "+gap.Text(p.Partition), "reason", gap.Why.String())
		}
	})
}

// findStart finds where a partition begins of which nothing was read.
func (l *leader) findStart(j job) error {
	at := l.r.spec.Start.timestamp()
	if j.later {
		at = timestampEarliest
	}
	offset, err := l.conn.listOffset(l.ctx, j.part.Partition, j.epoch, at, l.dec.committed)
	if err == nil && offset < 0 { // nothing is as new as that
		offset, err = l.conn.listOffset(l.ctx, j.part.Partition, j.epoch, timestampLatest, l.dec.committed)
	}
	if err != nil {
		return err
	}
	l.place(j, Mark{Known: true, Offset: offset, TopicID: j.id, Epoch: -1, Last: -1}, nil)
	return nil
}

// checkEnd asks whether what was read is in the log still: a leader that was behind when it became one has cut it off.
func (l *leader) checkEnd(j job) error {
	if j.mark.Epoch < 0 || j.epoch < 0 {
		l.r.settle(j, func(p *partition) { p.todo = nothing })
		return nil
	}
	end, err := l.conn.endOfEpoch(l.ctx, j.part.Partition, j.epoch, j.mark.Epoch)
	if err != nil {
		return err
	}
	if end < 0 || end >= j.mark.Offset {
		l.r.settle(j, func(p *partition) { p.todo = nothing })
		return nil
	}
	return l.cut(j, end)
}

// cut goes on where a log ends that was longer. Where nobody knows whether it is the topic that was read, it is taken for
// one that was made again: to read records twice is better than never.
func (l *leader) cut(j job, end int64) error {
	none := TopicID{}
	if j.id == none || j.mark.TopicID == none {
		return l.beginAnew(j)
	}
	l.truncated(j, end)
	return nil
}

// truncated goes on where the log was cut off.
func (l *leader) truncated(j job, end int64) {
	m := Mark{Known: true, Offset: end, TopicID: j.id, Epoch: -1, Last: -1}
	l.place(j, m, &Gap{From: end, To: j.mark.Offset, Why: Truncated})
}

// findRange finds out why an offset is not there.
func (l *leader) findRange(j job) error {
	start, err := l.conn.listOffset(l.ctx, j.part.Partition, j.epoch, timestampEarliest, false)
	if err != nil {
		return err
	}
	end, err := l.conn.listOffset(l.ctx, j.part.Partition, j.epoch, timestampLatest, false)
	if err != nil {
		return err
	}
	at := j.mark.Offset
	switch {
	case at < start:
		m := j.mark
		m.Offset, m.TopicID, m.Last, m.Epoch = start, j.id, -1, -1
		l.place(j, m, &Gap{From: at, To: start, Why: Retention})
	case at > end:
		return l.cut(j, end)
	default:
		l.pause(j)
		l.r.settle(j, func(p *partition) { p.todo = nothing })
	}
	return nil
}

// beginAnew goes to the first record of a topic that was made again.
func (l *leader) beginAnew(j job) error {
	start, err := l.conn.listOffset(l.ctx, j.part.Partition, j.epoch, timestampEarliest, false)
	if err != nil {
		return err
	}
	m := Mark{Known: true, Offset: start, TopicID: j.id, Epoch: -1, Last: -1}
	l.place(j, m, &Gap{From: j.mark.Offset, To: j.mark.Offset, Why: Recreated})
	return nil
}
