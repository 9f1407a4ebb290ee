package state

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// SetIDs keeps a chunk of the ids of a source's events, under the number of the first one. The value is the caller's again
// when SetIDs returns.
func (b *Batch) SetIDs(source string, first uint64, v []byte) {
	b.key = appendIDs(b.key[:0], source, first)
	b.packed = le.AppendUint32(append(b.packed[:0], v...), uint32(xxh3.Hash(v)))
	b.note(b.b.Set(b.key, b.packed, nil))
}

// DeleteIDs deletes a chunk of ids.
func (b *Batch) DeleteIDs(source string, first uint64) {
	b.key = appendIDs(b.key[:0], source, first)
	b.note(b.b.Delete(b.key, nil))
}

// ForgetIDs deletes all ids of a source's events.
func (b *Batch) ForgetIDs(source string) {
	start := appendIDsOf(nil, source)
	b.note(b.b.DeleteRange(start, after(bytes.Clone(start)), nil))
}

// IDs calls f with the chunks of the ids of a source's events, in order of number, until f returns an error, which IDs
// returns. The value is f's until it returns.
func (s *Store) IDs(source string, f func(first uint64, v []byte) error) error {
	prefix := appendIDsOf(nil, source)
	return s.scan(prefix, nil, func(k, v []byte) (bool, error) {
		if len(k) != len(prefix)+8 {
			return false, damaged("ids", k)
		}
		v, ok := unseal(v)
		if !ok {
			return false, damaged("ids", k)
		}
		return true, f(be.Uint64(k[len(prefix):]), v)
	})
}
