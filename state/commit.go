package state

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Commit makes all that the batch holds true at once, and empties it. With sync it returns when the commit will
// survive a crash of the machine; without, a crash may lose it, and then also every commit after it. When it
// fails, the error is ErrFatal, the batch is lost and so is the store: nobody knows whether it was written.
func (s *Store) Commit(b *Batch, sync bool) error {
	if s.readOnly {
		return fmt.Errorf("state: commit: %w", ErrReadOnly)
	}
	if err := s.Err(); err != nil {
		return err
	}
	if b.err != nil {
		return b.err
	}
	messages, silences := len(b.outbox) > 0, b.silences
	var err error
	if messages || len(b.rejected) > 0 {
		err = s.commitNumbered(b, sync)
	} else {
		err = s.apply(b, sync)
	}
	if err != nil {
		return err
	}
	b.Reset()
	if silences {
		s.silenced.Add(1)
	}
	if messages || silences {
		select {
		case s.ready <- struct{}{}:
		default: // somebody has been woken already
		}
	}
	return nil
}

// commitNumbered gives messages and refused events their numbers, in the order in which they were added.
func (s *Store) commitNumbered(b *Batch, sync bool) error {
	n := &s.numbering
	n.Lock()
	defer n.Unlock()
	s.numberMessages(b)
	s.numberRejected(b)
	s.numberedCounters(b)
	if b.err != nil {
		return b.err
	}
	return s.apply(b, sync)
}

// apply is the commit point: before it, nothing of the batch is there; after it, all of it.
func (s *Store) apply(b *Batch, sync bool) error {
	opts := pebble.NoSync
	if sync {
		opts = pebble.Sync
	}
	full := b.b
	err := s.health.attempt("commit", func() error { return full.Commit(opts) })
	if err != nil {
		b.b = new(pebble.Batch) // the other one may still be in Pebble's hands
		return s.health.fail("commit", err)
	}
	return nil
}
