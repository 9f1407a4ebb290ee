package engine

import (
	"encoding/binary"
	"fmt"

	"kelpie/ids"
	"kelpie/state"
)

// Ids are stored in chunks, in the order in which they came: what a commit adds is a chunk, and a chunk of which every id is
// forgotten is deleted. So a commit writes what is new, and the rest stays where it is. The checkpoint says which ids are
// known, and belongs to the same commit.

const (
	chunkSmall = 256      // a chunk of fewer ids is written anew with those that follow
	chunkMost  = 16 << 10 // ids
	idSize     = 16       // bytes of an id in a chunk; behind it stand time and place, as differences
)

// seenRef is which ids of a source a checkpoint knows.
type seenRef struct {
	Source string `json:"source"`
	Head   uint64 `json:"head"` // number of the oldest
	Next   uint64 `json:"next"` // number of the one to come
	Capped *int64 `json:"capped,omitempty"`
}

// saveIDs adds to a batch what has become of ids since the last one.
func (e *Engine) saveIDs(b *state.Batch) {
	for _, s := range e.seen {
		s.save(b)
	}
	for _, source := range e.unseen {
		b.ForgetIDs(source)
	}
	e.unseen = nil
}

func (s *seen) save(b *state.Batch) {
	head := s.head()
	for len(s.chunks) > 0 && (len(s.chunks) > 1 && s.chunks[1] <= head || s.saved <= head) {
		b.DeleteIDs(s.Name, s.chunks[0])
		s.chunks = s.chunks[1:]
	}
	if s.saved == s.next {
		return
	}
	first := s.saved
	if n := len(s.chunks); n > 0 && s.saved-s.chunks[n-1] < chunkSmall {
		first = s.chunks[n-1]
		if first < head { // its oldest ids are forgotten
			b.DeleteIDs(s.Name, first)
		}
		s.chunks = s.chunks[:n-1]
	}
	for first = max(first, head); first < s.next; first += chunkMost {
		b.SetIDs(s.Name, first, s.chunk(first, min(first+chunkMost, s.next)))
		s.chunks = append(s.chunks, first)
	}
	s.saved = s.next
}

// chunk returns the ids with the numbers from..to as they are stored; they are the caller's until the next call.
func (s *seen) chunk(from, to uint64) []byte {
	v, head := s.scratch[:0], s.head()
	var before ids.Entry
	for n := from; n < to; n++ {
		x := s.recent.Nth(int(n - head))
		v = le.AppendUint64(le.AppendUint64(v, x.ID.Hi), x.ID.Lo)
		v = binary.AppendVarint(v, x.At-before.At)
		v = binary.AppendVarint(v, int64(x.Place-before.Place))
		before = *x
	}
	s.scratch = v
	return v
}

// seenRefs returns what a checkpoint says of ids.
func (e *Engine) seenRefs() (all []seenRef) {
	for _, s := range e.seen {
		r := seenRef{Source: s.Name, Head: s.head(), Next: s.next}
		if s.capped != none {
			r.Capped = &s.capped
		}
		all = append(all, r)
	}
	return all
}

// recoverIDs reads the ids that a checkpoint knows. Those of sources whose ids nobody wants to know any more go with the next
// commit.
func (e *Engine) recoverIDs(all []seenRef) error {
	for _, r := range all {
		k := e.seenBy(r.Source)
		if k == 0 {
			e.unseen = append(e.unseen, r.Source)
			continue
		}
		s := e.seen[k-1]
		s.next = r.Head
		if r.Capped != nil {
			s.capped = *r.Capped
		}
		s.recent.Reserve(int(min(r.Next-r.Head, uint64(s.IDs))))
		if err := e.store.IDs(r.Source, s.restore); err != nil {
			return err
		}
		if s.next != r.Next {
			return fmt.Errorf("engine: checkpoint: of the source %s the ids up to number %d are known, and those up to %d are stored", r.Source, r.Next, s.next)
		}
		s.saved = s.next
	}
	return nil
}

// restore takes in a chunk.
func (s *seen) restore(first uint64, v []byte) error {
	s.chunks = append(s.chunks, first)
	var last ids.Entry
	for n := first; len(v) > 0; n++ {
		var ok bool
		if last, v, ok = nextID(last, v); !ok {
			return fmt.Errorf("engine: ids of the source %s from number %d on are damaged", s.Name, first)
		}
		if n == s.next { // those before it are forgotten
			s.add(last)
		}
	}
	return nil
}

// nextID reads an id that stands behind another one in a chunk.
func nextID(before ids.Entry, v []byte) (x ids.Entry, rest []byte, ok bool) {
	if len(v) < idSize {
		return x, nil, false
	}
	x.ID = ids.ID{Hi: le.Uint64(v), Lo: le.Uint64(v[8:])}
	at, n := binary.Varint(v[idSize:])
	if n <= 0 {
		return x, nil, false
	}
	v = v[idSize+n:]
	place, n := binary.Varint(v)
	if n <= 0 {
		return x, nil, false
	}
	x.At, x.Place = before.At+at, before.Place+uint64(place)
	return x, v[n:], true
}
