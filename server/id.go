package server

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"kelpie/event"
)

// idHash stands for an event's id. The zero idHash is that of an event without one.
type idHash xxh3.Uint128

// hash returns the hash of what identifies the decoded event: its id; of a CloudEvent its source and id. What it is can be
// told from the event alone, so that the log gives it back after a restart.
func (d *decoder) hash() idHash {
	id := d.rec.ID()
	if id == "" {
		return idHash{}
	}
	d.key = d.key[:0]
	if version, source := d.rec.Value(specVersion), d.rec.Value(cloudSource); version.Kind == event.String && source.Kind == event.String {
		d.key = binary.AppendUvarint(append(d.key, 'c'), uint64(len(source.S)))
		d.key = append(d.key, source.S...)
	} else {
		d.key = append(d.key, 'i')
	}
	d.key = append(d.key, id...)
	h := xxh3.Hash128(d.key)
	if h.Hi == 0 && h.Lo == 0 {
		h.Lo = 1
	}
	return idHash(h)
}
