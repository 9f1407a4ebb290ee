package server

import "kelpie/ids"

// way is the set of ids that are on their way to the log. The zero way is empty.
type way struct {
	slots []waiting // open addressing, a power of two, at most half full
	count int
}

// waiting is an id that a claim holds, for a line of its post. Without a claim it is an empty slot.
type waiting struct {
	id    ids.ID
	claim *claim
	line  int32
}

// probe returns the slot of an id, or where it would be.
func (w *way) probe(id ids.ID) int {
	mask := len(w.slots) - 1
	for i := int(id.Lo) & mask; ; i = (i + 1) & mask {
		if w.slots[i].claim == nil || w.slots[i].id == id {
			return i
		}
	}
}

// find returns what waits under an id, nil if nothing does.
func (w *way) find(id ids.ID) *waiting {
	if w.count == 0 {
		return nil
	}
	if x := &w.slots[w.probe(id)]; x.claim != nil {
		return x
	}
	return nil
}

// add puts in an id that is not there.
func (w *way) add(x waiting) {
	if 2*w.count >= len(w.slots) {
		old := w.slots
		w.slots = make([]waiting, max(64, 2*len(old)))
		for _, x := range old {
			if x.claim != nil {
				w.slots[w.probe(x.id)] = x
			}
		}
	}
	w.slots[w.probe(x.id)] = x
	w.count++
}

// remove takes out an id that is there, and moves up what would not be found any more.
func (w *way) remove(id ids.ID) {
	mask := len(w.slots) - 1
	i := w.probe(id)
	for j := (i + 1) & mask; w.slots[j].claim != nil; j = (j + 1) & mask {
		if home := int(w.slots[j].id.Lo) & mask; (j-home)&mask >= (j-i)&mask {
			w.slots[i], i = w.slots[j], j
		}
	}
	w.slots[i] = waiting{}
	w.count--
}
