package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kelpie/source"
	"kelpie/state"
)

const (
	syncEvery   = 10 * time.Second // commits that tell nobody are synced now and then, so that little is folded again
	retainEvery = time.Minute      // how often the log is looked at for what may go
)

// committer commits batches, one at a time and in order, while the loop goes on.
type committer struct {
	s    *Service
	todo chan *commit
	done chan *commit
}

// commit is one commit from its flush to its end.
type commit struct {
	pending *Pending
	book    uint64 // epoch of the alerts
	sync    bool
	retain  int64 // the log may be shortened up to this offset; -1: leave it
	asked   []*request
	moved   map[source.Partition][]byte // marks of streams
	began   time.Time                   // its flush
	ended   time.Time
	took    time.Duration // without the flush
	err     error
}

func newCommitter(s *Service) *committer {
	return &committer{s: s, todo: make(chan *commit), done: make(chan *commit, 1)}
}

func (m *committer) close() { close(m.todo) }

// run commits until the loop has ended.
func (m *committer) run() error {
	for c := range m.todo {
		flushed := m.s.o.Clock.Now()
		c.err = m.s.o.Store.Commit(c.pending.Batch, c.sync)
		c.ended = m.s.o.Clock.Now()
		c.took = c.ended.Sub(flushed)
		if c.err == nil && c.retain >= 0 {
			m.shorten(c.retain)
		}
		m.done <- c
	}
	return nil
}

// shorten removes what the log need not keep any more. The state that does not need it is on the disk.
func (m *committer) shorten(low int64) {
	removed, err := m.s.o.Log.Retain(low)
	if err != nil {
		m.s.o.Logger.Error("kelpie: the log could not be shortened", "error", err)
	}
	if removed > 0 {
		m.s.o.Logger.Info("kelpie: log shortened", "segments", removed, "first", m.s.o.Log.FirstOffset())
	}
}

// settle takes in a commit that has ended, and begins one if it is due, see Pace: synced if somebody is to be told.
func (l *loop) settle() error {
	if l.busy {
		select {
		case c := <-l.commits.done:
			if err := l.committed(c); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	urgent := l.book.Urgent() || l.retain || len(l.asked) > 0
	if !urgent && !l.changed {
		return nil
	}
	now, due := l.now(), l.pace.Due(l.since, urgent)
	if wait := due.Sub(now); wait > 0 {
		if l.alarm == nil || due.Before(l.alarmAt) {
			l.alarm, l.alarmAt = l.s.o.Clock.After(wait), due
		}
		return nil
	}
	return l.commit(urgent || now.Sub(l.synced) >= syncEvery)
}

// commit flushes what has changed and begins to commit it, synced also if somebody waits for it. No other commit is under
// way.
func (l *loop) commit(sync bool) error {
	began := l.now()
	sync = sync || len(l.asked) > 0
	p := l.engine.Flush()
	epoch, err := l.book.Flush(p.Batch)
	if err != nil {
		return err
	}
	if err := l.s.decisions.flush(p.Batch, epoch); err != nil {
		return err
	}
	if l.retain {
		if err := errors.Join(l.forgetDecisions(p.Batch), l.forgetAlerts(p.Batch)); err != nil {
			return err
		}
	}
	for i := range l.rejected {
		r := &l.rejected[i]
		p.Batch.Reject(state.Rejected{Position: r.Position, Reason: r.Reason, Detail: r.Detail, Offset: r.Offset, Raw: r.Raw})
	}
	for _, d := range l.made {
		p.Batch.KeepMade(d.offset, d.payload)
	}
	clear(l.made)
	clear(l.rejected)
	l.made, l.rejected, l.refusals, l.changes = l.made[:0], l.rejected[:0], 0, 0
	if l.retain {
		l.keepQuiet()
	}
	if err := errors.Join(l.putArmed(p.Batch), l.markTrail(p.Batch)); err != nil {
		return err
	}
	if err := l.noted.put(p.Batch); err != nil {
		return err
	}
	c := &commit{pending: p, book: epoch, sync: sync, retain: -1, asked: l.asked, moved: l.moved, began: began}
	l.asked, l.moved = nil, map[source.Partition][]byte{}
	if l.retain && sync {
		c.retain, l.retain = l.engine.neededFrom(), false
		if l.filler != nil { // a crash before the rules have begun fills the windows again
			c.retain = min(c.retain, l.filler.From)
		}
	}
	if sync {
		l.synced = l.now()
	}
	l.loose = !sync
	l.changed, l.busy = false, true
	l.commits.todo <- c
	return nil
}

// await waits for the commit that is under way, if there is one.
func (l *loop) await() error {
	if !l.busy {
		return nil
	}
	return l.committed(<-l.commits.done)
}

// committed takes in a commit that has ended.
func (l *loop) committed(c *commit) error {
	if l.busy = false; c.err != nil {
		return fmt.Errorf("engine: commit: %w", c.err)
	}
	l.pace.Ended(c.began, c.ended)
	l.engine.Committed(c.pending)
	l.book.Committed(c.book)
	l.s.decisions.committed(c.book)
	for _, r := range c.asked {
		close(r.committed)
	}
	l.tellStreams(c.moved)
	l.tally.committed(c)
	l.tally.sentUpTo(l.s.o.Store.LastMessage(), l.now())
	l.publish()
	return nil
}

// notes are what the service remembers beside the engine's checkpoint, committed with it.
type notes struct {
	Newest int64 `json:"newest"` // the newest event time, ms
	Read   int64 `json:"read"`   // the append time of that event, ms
	layout       // of the log, as it says last

	Quiet map[string]Quiet `json:"quiet,omitempty"` // by rule, as of the last minute
	Rules string           `json:"rules,omitempty"` // version of the rules that the log names last, "" if it names none

	stored []byte
}

// serviceNote is the name of the notes in the store.
const serviceNote = "service"

// load reads the notes of a store.
func (n *notes) load(s *state.Store) error {
	b, err := s.Note(serviceNote)
	if err != nil {
		return err
	}
	n.Newest, n.stored = none, b
	if b == nil {
		return nil
	}
	if err := json.Unmarshal(b, n); err != nil {
		return fmt.Errorf("engine: the service's notes: %w", err)
	}
	return nil
}

// put adds the notes to a batch, if they have changed.
func (n *notes) put(b *state.Batch) error {
	v, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("engine: the service's notes: %w", err)
	}
	if !bytes.Equal(v, n.stored) {
		b.SetNote(serviceNote, v)
		n.stored = v
	}
	return nil
}
