package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/state"
)

// service is the loop of the service: fold, and now and then commit what has changed, in another goroutine.
type service struct {
	store  *state.Store
	engine *engine.Engine
	book   *alert.Book
	rows   int64 // bytes of rows in memory

	begun   time.Time // when the last commit was begun
	commits chan commit
	done    chan commit
	waiting bool // a commit is under way
	err     error

	count, written int
}

type commit struct {
	pending *engine.Pending
	epoch   uint64
	err     error
}

// openService opens a state in dir, new or not, and an engine over it.
func openService(dir, yaml string, shards int) (*service, error) {
	rows, blocks := state.DefaultSpec().Memory()
	store, err := state.Open(dir, state.Options{Cache: blocks, Seed: 1})
	if err != nil {
		return nil, err
	}
	s := &service{store: store, rows: rows, book: alert.NewBook(store)}
	if err := s.recover(yaml, shards); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s.commits, s.done = make(chan commit), make(chan commit, 1)
	go func() {
		for c := range s.commits {
			c.err = store.Commit(c.pending.Batch, false)
			s.done <- c
		}
		close(s.done)
	}()
	return s, nil
}

func (s *service) recover(yaml string, shards int) error {
	units, err := engine.LoadUnits(s.store)
	if err != nil {
		return err
	}
	p, err := plan(yaml, units)
	if err != nil {
		return err
	}
	s.engine, err = engine.Recover(p, units, s.store, engine.Options{Shards: shards})
	return err
}

// step folds a batch, and commits when it is time.
func (s *service) step(b *engine.Batch) error {
	fx, err := s.engine.Step(b)
	if err != nil {
		return err
	}
	if err := s.note(fx.Changes); err != nil {
		return err
	}
	if s.waiting {
		select {
		case c := <-s.done:
			if err := s.committed(c); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	if time.Since(s.begun) < state.DefaultSpec().Commit {
		return nil
	}
	return s.flush()
}

// flush begins a commit.
func (s *service) flush() error {
	s.begun = time.Now()
	c := commit{pending: s.engine.Flush()}
	var err error
	if c.epoch, err = s.book.Flush(c.pending.Batch); err != nil {
		return err
	}
	s.count, s.written = s.count+1, s.written+c.pending.Rows
	s.waiting = true
	s.commits <- c
	return nil
}

func (s *service) committed(c commit) error {
	s.waiting = false
	if c.err != nil {
		return c.err
	}
	s.engine.Committed(c.pending)
	s.book.Committed(c.epoch)
	s.engine.Trim(s.rows)
	return nil
}

// note takes what became of alerts.
func (s *service) note(changes []engine.Change) error {
	for i := range changes {
		c := &changes[i]
		var err error
		switch c.Kind {
		case engine.Opened:
			s.book.Open(opened(c))
		case engine.Updated:
			err = s.book.Update(c.ID, c.At, c.Updates, nil, c.Message)
		case engine.Resolved:
			err = s.book.Resolve(c.ID, c.At, alert.Reason(c.Reason))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func opened(c *engine.Change) alert.Alert {
	a := alert.Alert{ID: c.ID, Rule: c.Rule.Name, Key: c.Key, Opened: c.Opened, Message: c.Message,
		Opener: alert.Opener{Event: c.EventID, Position: c.Position, Window: c.Window}}
	for _, v := range c.Values {
		a.Values = append(a.Values, alert.Value{Name: v.Name, Value: v.Value})
	}
	return a
}

// finish commits what is left.
func (s *service) finish() error {
	for range 2 {
		if s.waiting {
			if err := s.committed(<-s.done); err != nil {
				return err
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
	return s.committed(<-s.done)
}

func (s *service) close() error {
	close(s.commits)
	for range s.done {
	}
	return s.store.Close()
}

// fold folds all of data with durable state.
func (s *service) fold(data []byte) error {
	part := s.engine.Partition(position)
	f := feedLines(data)
	defer f.stop()
	for b := range f.full {
		b.Partition = part
		if err := s.step(b); err != nil {
			return err
		}
		f.free <- b
	}
	return s.finish()
}

// foldLogged appends all of data to a log first, and folds what is durable there.
func (s *service) foldLogged(dir string, data []byte) (err error) {
	log, err := journal.Open(dir, journal.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	part := s.engine.Partition(event.Position{Stream: source.LogStream, Kind: event.LogPosition})
	b := &engine.Batch{Partition: part}
	in := source.Ingest{Source: &memory{lines: lines{data: data}, free: make(chan *source.Batch, 16)}, Log: log,
		Durable: func(from *source.Batch) error {
			b.Buf, b.Lines = from.Buf, b.Lines[:0]
			for _, l := range from.Lines {
				b.Lines = append(b.Lines, engine.Line{Start: l.Start, End: l.End, Offset: l.Offset, Appended: from.Appended})
			}
			return s.step(b)
		}}
	if err := in.Run(context.Background()); err != nil {
		return err
	}
	return s.finish()
}

// memory is a source of lines in memory.
type memory struct {
	lines lines
	free  chan *source.Batch
	batch engine.Batch
}

// Fetch implements source.Source.
func (m *memory) Fetch(context.Context) (*source.Batch, error) {
	from, line := m.lines.at, m.lines.line
	if !m.lines.next(&m.batch) {
		return nil, io.EOF
	}
	var b *source.Batch
	select {
	case b = <-m.free:
	default:
		b = &source.Batch{}
	}
	*b = source.Batch{Kind: journal.Event, Stream: position.Stream, Position: position.Kind, Buf: m.batch.Buf, Lines: b.Lines[:0]}
	for _, l := range m.batch.Lines {
		b.Lines = append(b.Lines, source.Line{Start: l.Start, End: l.End, Offset: l.Offset})
	}
	b.Origin, b.Base = journal.Source{Name: position.Stream, Ident: "bench"}, int64(from)
	b.Next = journal.Mark{Offset: int64(m.lines.at), Line: line + int64(len(b.Lines))}
	return b, nil
}

// Release implements source.Source.
func (m *memory) Release(b *source.Batch) {
	select {
	case m.free <- b:
	default:
	}
}

// Close implements source.Source.
func (m *memory) Close() error { return nil }

// fresh returns an empty folder of that name.
func fresh(dir, name string) (string, error) {
	dir = filepath.Join(dir, name)
	return dir, os.RemoveAll(dir)
}
