package main

import (
	"errors"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/state"
)

// durableStudy folds with durable state: what has changed is committed at the pace of engine.Service, in another
// goroutine, positions, alerts and what is to be sent in the same batch. Commits are not synced, which is enough behind a log that is.
func durableStudy(l *lab) ([]row, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	all, err := l.turns(l.Runs, l.durableJob(in))
	if err != nil {
		return nil, err
	}
	return []row{rateRow("the same with durable state, commits every 50 ms or rarer (engine.Pace), not synced", all[0], 1e6)}, nil
}

// durableJob folds an input, each time from an empty state.
func (l *lab) durableJob(in *input) *job {
	var k *keeper
	return &job{
		in: in,
		before: func() error {
			dir, err := l.folder("state")
			if err == nil {
				k, err = openKeeper(dir, foundingRules, l.Cores)
			}
			return err
		},
		run: func() error {
			if err := k.fold(in.data); err != nil {
				return err
			}
			return k.settle()
		},
		after: func() error { return k.close() },
	}
}

// keeper folds, and commits as engine.Service does, without a log.
type keeper struct {
	store  *state.Store
	engine *engine.Engine
	book   *alert.Book
	spec   state.Spec
	rows   int64 // bytes of rows that may be in memory

	part    int   // that events are of
	read    int64 // lines so far
	pace    engine.Pace
	since   time.Time // when the first change was made that has not been flushed
	pending bool      // a commit is under way
	commits chan commit
	done    chan commit
}

// commit is a batch with what is to be told of it when it has been committed.
type commit struct {
	*engine.Pending
	epoch        uint64 // of the book
	began, ended time.Time
	err          error
}

// openKeeper opens a state, new or not.
func openKeeper(dir, rules string, shards int) (*keeper, error) {
	k := &keeper{spec: state.DefaultSpec(), pace: engine.Pace{Gather: state.DefaultSpec().Commit}, commits: make(chan commit), done: make(chan commit, 1)}
	var blocks int64
	k.rows, blocks = k.spec.Memory()
	var err error
	if k.store, err = state.Open(dir, state.Options{Cache: blocks, Seed: 1}); err != nil {
		return nil, err
	}
	if k.engine, err = recoverEngine(k.store, rules, shards); err != nil {
		return nil, errors.Join(err, k.store.Close())
	}
	k.book = alert.NewBook(k.store)
	k.part = k.engine.Partition(position)
	k.read = max(k.engine.Next(k.part)-1, 0)
	go k.commitAll()
	return k, nil
}

// recoverEngine returns an engine that goes on where a store stands.
func recoverEngine(s *state.Store, rules string, shards int) (*engine.Engine, error) {
	units, err := engine.LoadUnits(s)
	if err != nil {
		return nil, err
	}
	p, err := plan(rules, units)
	if err != nil {
		return nil, err
	}
	return engine.Recover(p, units, s, engine.Options{Shards: shards})
}

// commitAll commits what it is given, in its own goroutine.
func (k *keeper) commitAll() {
	for c := range k.commits {
		c.err = k.store.Commit(c.Batch, false)
		c.ended = time.Now()
		k.done <- c
	}
	close(k.done)
}

// fold folds lines.
func (k *keeper) fold(data []byte) error {
	return newFeed(data, k.read).each(func(b *engine.Batch) error {
		b.Partition = k.part
		k.read += int64(len(b.Lines))
		return k.step(b)
	})
}

// step folds a batch, and begins a commit when it is time.
func (k *keeper) step(b *engine.Batch) error {
	fx, err := k.engine.Step(b)
	if err != nil {
		return err
	}
	if err := note(k.book, fx.Changes); err != nil {
		return err
	}
	select {
	case c := <-k.done:
		if err := k.committed(c); err != nil {
			return err
		}
	default:
	}
	if k.since.IsZero() {
		k.since = time.Now()
	}
	if k.pending || time.Until(k.pace.Due(k.since, false)) > 0 {
		return nil
	}
	return k.flush()
}

// flush begins a commit.
func (k *keeper) flush() (err error) {
	k.since, k.pending = time.Time{}, true
	c := commit{began: time.Now()}
	c.Pending = k.engine.Flush()
	if c.epoch, err = k.book.Flush(c.Batch); err != nil {
		return err
	}
	k.commits <- c
	return nil
}

// committed notes the end of a commit.
func (k *keeper) committed(c commit) error {
	k.pending = false
	if c.err != nil {
		return c.err
	}
	k.pace.Ended(c.began, c.ended)
	k.engine.Committed(c.Pending)
	k.book.Committed(c.epoch)
	k.engine.Trim(k.rows)
	return nil
}

// settle commits all that has changed and waits for it.
func (k *keeper) settle() error {
	if k.pending {
		if err := k.committed(<-k.done); err != nil {
			return err
		}
	}
	if err := k.flush(); err != nil {
		return err
	}
	return k.committed(<-k.done)
}

func (k *keeper) close() error {
	close(k.commits)
	for range k.done {
	}
	return k.store.Close()
}

// note tells a book what became of alerts.
func note(book *alert.Book, changes []engine.Change) error {
	for i := range changes {
		c := &changes[i]
		values := make([]alert.Value, len(c.Values))
		for k, v := range c.Values {
			values[k] = alert.Value{Name: v.Name, Value: v.Value, Approx: v.Approx, Inexact: v.Inexact}
		}
		var err error
		switch c.Kind {
		case engine.Opened:
			book.Open(alert.Alert{ID: c.ID, Rule: c.Rule.Name, Key: c.Key, Severity: c.Rule.Severity, Opened: c.Opened, Message: c.Message,
				Opener: alert.Opener{Event: c.EventID, Position: c.Position, Window: c.Window}, Values: values})
		case engine.Updated:
			err = book.Update(c.ID, c.At, c.Updates, values, c.Message)
		case engine.Resolved:
			err = book.Resolve(c.ID, c.At, alert.Reason(c.Reason))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
