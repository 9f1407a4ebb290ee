package ids

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"kelpie/event"
)

// ID stands for an event's id: 128 bits of a hash of it. The zero ID is that of an event without one.
type ID xxh3.Uint128

// Paths are the fields that, beside the id, say what an event is: those of a CloudEvent.
var Paths = []event.Path{{"specversion"}, {"source"}}

// Of returns the hash of what identifies a decoded event: its id; of a CloudEvent its source and id. version and source are
// the event's values at Paths. What an event is can be told from the event alone, so that a log gives it back. The scratch
// is returned for the next call.
func Of(scratch []byte, r *event.Record, version, source event.Value) (ID, []byte) {
	id := r.ID()
	if id == "" {
		return ID{}, scratch
	}
	key := scratch[:0]
	if version.Kind == event.String && source.Kind == event.String {
		key = binary.AppendUvarint(append(key, 'c'), uint64(len(source.S)))
		key = append(key, source.S...)
	} else {
		key = append(key, 'i')
	}
	key = append(key, id...)
	h := xxh3.Hash128(key)
	if h.Hi == 0 && h.Lo == 0 {
		h.Lo = 1
	}
	return ID(h), key
}
