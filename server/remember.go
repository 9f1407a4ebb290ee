package server

import (
	"context"
	"errors"
	"io"
	"slices"

	"kelpie/ids"
	"kelpie/journal"
)

// origins are the log's names for sources whose events have ids that are not taken twice.
var origins = []string{Input, "decisions"}

func isOrigin(name string) bool { return slices.Contains(origins, name) }

// remember reads from the log which ids are known. Until it has, nothing is taken.
func (s *Server) remember(ctx context.Context) {
	defer s.loaded.Store(true)
	if s.known.span == 0 {
		return
	}
	began := s.o.Now()
	m := memory{log: s.o.Log, decoder: s.decoders.get()}
	defer s.decoders.put(m.decoder)
	err := m.read(ctx, int64(s.known.most), began.UnixMilli()-s.known.span)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.o.Logger.Error("kelpie: what was posted before may be taken again: its ids cannot be read", "error", err)
	}
	s.known.load(m.parts)
	s.o.Logger.Debug("kelpie: ids of earlier events read", "ids", s.known.stats(began.UnixMilli()).IDs, "took", s.o.Now().Sub(began))
}

// load takes in what the log says: parts of it, the newest first.
func (k *known) load(parts [][]ids.Entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, part := range slices.Backward(parts) {
		for _, e := range part {
			k.add(e)
		}
	}
}

// memory reads ids from the log.
type memory struct {
	log     Log
	decoder *decoder
	parts   [][]ids.Entry // the newest part of the log first
	damage  error         // that was passed over
}

// read reads more than so many ids, the newest, if there are so many; or all that were appended at or after since (ms).
func (m *memory) read(ctx context.Context, most, since int64) error {
	upTo, have := int64(-1), int64(0)
	for records := most + 1; ; records *= 2 { // some records have no id
		from, err := m.log.Newest(ctx, origins, records, since)
		if err != nil {
			return err
		}
		if from == upTo {
			return m.damage
		}
		part, err := m.part(ctx, from, upTo)
		m.parts = append(m.parts, part)
		if have += int64(len(part)); err != nil || have > most {
			return errors.Join(err, m.damage)
		}
		upTo = from
	}
}

// part reads the ids of the records from an offset on, up to another one; -1: to the end of the log.
func (m *memory) part(ctx context.Context, from, upTo int64) (all []ids.Entry, err error) {
	r := m.log.NewReader(from)
	r.Only(origins...)
	defer func() { err = errors.Join(err, r.Close()) }()
	var b journal.Block
	for upTo < 0 || r.Offset() < upTo {
		err := r.Next(ctx, &b)
		var bad *journal.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case errors.As(err, &bad) && bad.Next > r.Offset():
			m.damage = err
			r.MoveTo(bad.Next)
			continue
		case err != nil:
			return all, err
		case upTo >= 0 && b.First >= upTo:
			return all, nil
		}
		all = m.block(&b, all)
	}
	return all, nil
}

// block adds the ids of the records of a block.
func (m *memory) block(b *journal.Block, all []ids.Entry) []ids.Entry {
	i := 0
	for _, run := range b.Runs {
		lines := b.Lines[i : i+run.Count]
		i += run.Count
		if run.Kind != journal.Event || !isOrigin(run.Source.Name) {
			continue
		}
		for _, l := range lines {
			if m.decoder.Decode(b.Buf[l.Start:l.End], &m.decoder.rec) != nil {
				continue // it was an event under another configuration
			}
			if id := m.decoder.hash(); id != (ids.ID{}) {
				all = append(all, ids.Entry{ID: id, Place: uint64(l.Offset), At: b.Appended})
			}
		}
	}
	return all
}
