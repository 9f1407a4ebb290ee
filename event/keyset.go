package event

import "hash/maphash"

// keySet remembers which keys an object has had, for the keys that its shape does not know. It holds those of all
// objects of one document and is used again for the next, so that it allocates only while it grows.
// The hash is seeded, so that nobody can choose keys that collide; no result depends on the seed.
type keySet struct {
	seed  maphash.Seed
	slots []keySlot // open addressing, a power of two; at most half are taken
	taken int
	epoch uint32 // of this document: slots of other epochs are empty
	texts []byte // the keys, one after the other
}

type keySlot struct {
	hash     uint64
	object   uint64
	off, end uint32 // in texts
	epoch    uint32
}

const (
	fewKeys  = 64       // slots at first
	manyKeys = 1 << 12  // slots that are kept even if the next documents need few
	manyText = 64 << 10 // bytes likewise
)

// reset forgets all keys, and the memory for them too if it is much more than they needed.
func (k *keySet) reset() {
	if len(k.slots) > manyKeys && k.taken < len(k.slots)/16 {
		k.slots = nil
	}
	if cap(k.texts) > manyText && len(k.texts) < cap(k.texts)/16 {
		k.texts = nil
	}
	k.taken = 0
	k.texts = k.texts[:0]
	if k.epoch++; k.epoch == 0 {
		clear(k.slots)
		k.epoch = 1
	}
}

// add notes a key of an object and reports whether it is new.
func (k *keySet) add(object uint64, key []byte) bool {
	if 2*(k.taken+1) > len(k.slots) {
		k.grow()
	}
	hash := (maphash.Bytes(k.seed, key) ^ object) * 0x9E3779B97F4A7C15
	slot := k.find(hash, object, key)
	if slot.epoch == k.epoch {
		return false
	}
	off := len(k.texts)
	k.texts = append(k.texts, key...)
	k.taken++
	*slot = keySlot{hash, object, uint32(off), uint32(len(k.texts)), k.epoch}
	return true
}

// find returns the key's slot, or the empty one where it belongs.
func (k *keySet) find(hash, object uint64, key []byte) *keySlot {
	mask := uint64(len(k.slots) - 1)
	for i := hash >> 32; ; i++ {
		s := &k.slots[i&mask]
		if s.epoch != k.epoch || s.hash == hash && s.object == object && string(k.texts[s.off:s.end]) == string(key) {
			return s
		}
	}
}

func (k *keySet) grow() {
	if k.slots == nil {
		k.seed = maphash.MakeSeed()
		k.slots = make([]keySlot, fewKeys)
		return
	}
	old := k.slots
	k.slots = make([]keySlot, 2*len(old))
	mask := uint64(len(k.slots) - 1)
	for _, s := range old {
		if s.epoch != k.epoch {
			continue
		}
		i := s.hash >> 32
		for k.slots[i&mask].epoch == k.epoch {
			i++
		}
		k.slots[i&mask] = s
	}
}
