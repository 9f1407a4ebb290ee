package main

import (
	"context"
	"errors"
	"io"
	"time"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/state"
)

// loggedStudy runs the whole service: what is read is appended to the log and synced, then folded, then committed.
// Nobody is told of alerts; they are committed with what is to be sent.
func loggedStudy(l *lab) ([]row, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	var s *served
	all, err := l.turns(l.Runs, &job{
		in: in,
		before: func() error {
			dir, err := l.folder("service")
			if err == nil {
				s, err = openServed(dir, foundingRules, l.Cores)
			}
			return err
		},
		run:   func() error { return s.run(newMemorySource(in.data)) },
		after: func() error { return s.close() },
	})
	if err != nil {
		return nil, err
	}
	return []row{rateRow("the same behind the embedded log, which is synced first", all[0], 0.7e6)}, nil
}

// served is what a service works on.
type served struct {
	log     *journal.Log
	store   *state.Store
	options engine.ServiceOptions
}

// openServed opens log and state in dir.
func openServed(dir, rules string, shards int) (*served, error) {
	set, err := loadRules(rules)
	if err != nil {
		return nil, err
	}
	log, err := journal.Open(dir+"/log", journal.Options{})
	if err != nil {
		return nil, err
	}
	rows, blocks := state.DefaultSpec().Memory()
	store, err := state.Open(dir+"/state", state.Options{Cache: blocks})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &served{log, store, engine.ServiceOptions{
		Log: log, Store: store, Dispatcher: silence{}, Event: event.Spec{}, Time: timeSpec, Rules: set,
		Shards: shards, Memory: rows, Commit: state.DefaultSpec().Commit, UntilEnd: true, Clock: clock{},
	}}, nil
}

// run runs the service until the source has ended and everything has been committed.
func (s *served) run(src source.Source) error {
	o := s.options
	o.Inputs = []engine.Input{{Name: "memory", Once: true, Open: func(func(string) (journal.Progress, bool)) (source.Source, error) {
		return src, nil
	}}}
	return engine.NewService(o).Run(context.Background())
}

func (s *served) close() error { return errors.Join(s.store.Close(), s.log.Close()) }

// clock is the machine's.
type clock struct{}

func (clock) Now() time.Time                         { return time.Now() }
func (clock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// silence is a dispatcher that tells nobody.
type silence struct{}

func (silence) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (silence) Drain(context.Context) error   { return nil }
func (silence) Finish(context.Context) error  { return nil }

// memorySource is a source of lines in memory.
type memorySource struct {
	cutter cutter
	batch  engine.Batch
	free   chan *source.Batch // to be used again
}

func newMemorySource(data []byte) *memorySource {
	return &memorySource{cutter: cutter{data: data}, free: make(chan *source.Batch, 16)}
}

// Fetch implements source.Source.
func (m *memorySource) Fetch(context.Context) (*source.Batch, error) {
	base := m.cutter.at
	if !m.cutter.next(&m.batch) {
		return nil, io.EOF
	}
	b := &source.Batch{}
	select {
	case b = <-m.free:
	default:
	}
	lines := b.Lines[:0]
	for _, l := range m.batch.Lines {
		lines = append(lines, source.Line{Start: l.Start, End: l.End, Offset: l.Offset})
	}
	*b = source.Batch{
		Kind: journal.Event, Stream: position.Stream, Position: position.Kind, Buf: m.batch.Buf, Lines: lines,
		Origin: journal.Source{Name: position.Stream, Ident: "bench"}, Base: int64(base),
		Next: journal.Mark{Offset: int64(m.cutter.at), Line: m.cutter.line},
	}
	return b, nil
}

// Release implements source.Source.
func (m *memorySource) Release(b *source.Batch) {
	select {
	case m.free <- b:
	default:
	}
}

// Close implements source.Source.
func (m *memorySource) Close() error { return nil }
