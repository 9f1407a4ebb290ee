package event

// keySet remembers which keys an object has had.
type keySet struct {
	seen map[seenKey]bool
}

type seenKey struct {
	object uint64
	key    string
}

func (k *keySet) reset() { k.seen = map[seenKey]bool{} }

func (k *keySet) add(object uint64, key []byte) bool {
	id := seenKey{object, string(key)}
	if k.seen[id] {
		return false
	}
	k.seen[id] = true
	return true
}
