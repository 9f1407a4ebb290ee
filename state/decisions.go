package state

import "bytes"

// SetDecision keeps what was decided about the event at an offset of the log, so that the same question gets the same
// answer.
func (b *Batch) SetDecision(offset int64, v []byte) {
	b.key = appendSeq(b.key[:0], kindDecision, uint64(offset))
	b.note(b.b.Set(b.key, v, nil))
}

// DeleteDecisions forgets what was decided about events before an offset.
func (b *Batch) DeleteDecisions(before int64) {
	b.note(b.b.DeleteRange([]byte{kindDecision}, appendSeq(nil, kindDecision, uint64(before)), nil))
}

// KeepMade keeps a DecisionMade, which stands at an offset of the log, until it has been copied.
func (b *Batch) KeepMade(offset int64, v []byte) {
	b.key = appendSeq(b.key[:0], kindMade, uint64(offset))
	b.note(b.b.Set(b.key, v, nil))
	b.made = true
}

// DeleteMade forgets the DecisionMade before an offset.
func (b *Batch) DeleteMade(before int64) {
	b.note(b.b.DeleteRange([]byte{kindMade}, appendSeq(nil, kindMade, uint64(before)), nil))
}

// Made calls f with what KeepMade has kept from an offset on, in the order of the log, until f returns false. The value
// belongs to f.
func (s *Store) Made(from int64, f func(offset int64, v []byte) (bool, error)) error {
	return s.scan([]byte{kindMade}, appendSeq(nil, kindMade, uint64(from)), func(k, v []byte) (bool, error) {
		at, ok := parseSeq(k)
		if !ok {
			return false, damaged("decision made", k)
		}
		return f(int64(at), bytes.Clone(v))
	})
}

// MadeReady returns a channel that holds a token whenever something has been kept by KeepMade since it was last received
// from. It is for one goroutine.
func (s *Store) MadeReady() <-chan struct{} { return s.made }

// Decision returns what is kept of the event at an offset; nil if nothing is.
func (s *Store) Decision(offset int64) ([]byte, error) {
	return s.get(appendSeq(nil, kindDecision, uint64(offset)), nil)
}

// Decisions calls f with what is kept, in the order of the log, until f returns false. The value belongs to f.
func (s *Store) Decisions(f func(offset int64, v []byte) (bool, error)) error {
	return s.scan([]byte{kindDecision}, nil, func(k, v []byte) (bool, error) {
		at, ok := parseSeq(k)
		if !ok {
			return false, damaged("decision", k)
		}
		return f(int64(at), bytes.Clone(v))
	})
}
