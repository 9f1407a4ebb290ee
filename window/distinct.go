package window

import (
	"github.com/zeebo/xxh3"

	"kelpie/event"
)

// distinctAggregate counts different values, which are compared as keys are: by text, so that 1 and "1" are one value.
// What cannot be a key is not counted.
type distinctAggregate struct{ foldOnly }

func (distinctAggregate) Name() string { return "distinct" }

func (distinctAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var seen Counter
	var text [64]byte
	for _, v := range vals {
		if key, ok := event.AppendKey(text[:0], v); ok {
			seen.Add(HashKey(key))
		}
	}
	return event.IntValue(int64(seen.Len())), true
}

// Hash is the 128-bit hash of a key's text. Two different texts of honest origin never share one in practice.
type Hash struct{ Hi, Lo uint64 }

// HashKey hashes a key's text (event.AppendKey) with XXH3. The hash is the same on every machine and in every release.
func HashKey(key []byte) Hash {
	h := xxh3.Hash128(key)
	return Hash{Hi: h.Hi, Lo: h.Lo}
}
