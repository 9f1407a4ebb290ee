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
	silences, refused, made := b.silences, len(b.rejected) > 0, b.made
	if err := s.commit(b, sync); err != nil {
		return err
	}
	b.Reset()
	if refused {
		wake(s.refused)
	}
	if made {
		wake(s.made)
	}
	if silences {
		s.silenced.Add(1)
		s.wakeSenders()
	}
	return nil
}

func (s *Store) commit(b *Batch, sync bool) error {
	if len(b.outbox) > 0 || len(b.rejected) > 0 {
		return s.commitNumbered(b, sync)
	}
	last := uint64(0)
	if sync { // it takes along what was committed before
		last = s.LastMessage()
	}
	if err := s.apply(b, sync); err != nil {
		return err
	}
	s.release(last)
	return nil
}

// release lets the messages up to one be sent: a crash does not take them away any more.
func (s *Store) release(last uint64) {
	for old := s.released.Load(); last > old; old = s.released.Load() {
		if s.released.CompareAndSwap(old, last) {
			s.wakeSenders()
			s.wakeWatchers()
		}
	}
}

func (s *Store) wakeSenders() { wake(s.ready) }

// wake puts a token into a channel.
func wake(ready chan struct{}) {
	select {
	case ready <- struct{}{}:
	default: // there is one
	}
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
	if err := s.apply(b, sync); err != nil {
		return err
	}
	if sync {
		s.release(n.counters.Outbox)
	}
	return nil
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
