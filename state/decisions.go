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
