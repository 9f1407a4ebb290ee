package event

// typeTable finds an event type's index in Schema.Types. It is open addressing over a hash that costs two loads:
// the types come from the rules, so nobody can choose them to collide.
type typeTable struct {
	slots []typeSlot // a power of two; at most half are taken
}

type typeSlot struct {
	name  string
	index int32 // -1 if the slot is empty
}

func newTypeTable(types []string) *typeTable {
	size := 8
	for size < 2*len(types) {
		size *= 2
	}
	t := &typeTable{make([]typeSlot, size)}
	for i := range t.slots {
		t.slots[i].index = -1
	}
	for i, name := range types {
		if s := t.slot([]byte(name), 0, len(name)); s.index < 0 {
			*s = typeSlot{name, int32(i)}
		}
	}
	return t
}

// find returns the index of the type b[off:end], or -1.
func (t *typeTable) find(b []byte, off, end int) int32 { return t.slot(b, off, end).index }

// slot returns the slot of that type, or the empty one where it belongs.
func (t *typeTable) slot(b []byte, off, end int) *typeSlot {
	mask := uint64(len(t.slots) - 1)
	for i := typeHash(b, off, end) >> 32; ; i++ {
		s := &t.slots[i&mask]
		if s.index < 0 || s.name == string(b[off:end]) {
			return s
		}
	}
}

func typeHash(b []byte, off, end int) uint64 {
	n := end - off
	var first, last uint64
	switch {
	case n >= 8:
		first, last = load(b, off), load(b, end-8)
	case off+8 <= len(b):
		first = load(b, off) & (1<<(8*n) - 1)
	default:
		first = lastWord(b[:end], off)
	}
	h := (first ^ uint64(n)) * 0x9E3779B97F4A7C15
	return (h ^ h>>32 ^ last) * 0xD6E8FEB86659FD93
}
