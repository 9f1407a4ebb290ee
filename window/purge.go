package window

// Purge removes the entries that belong to no feed any more, and returns how many there were. The places in at, counted
// in entries, are moved along. The log must be masked.
func (l *Log) Purge(at []int) (removed int) {
	was := append([]int(nil), at...)
	var garbage uint32
	n := 0
	for i := range l.N {
		if l.Mask(i)&^Forgotten != 0 {
			if n < i {
				copy(l.at(n), l.at(i))
			}
			n++
			continue
		}
		if l.LogLayout.Heap {
			garbage += uint32(l.text(i))
		}
		for k := range at {
			if i < was[k] {
				at[k]--
			}
		}
	}
	if l.LogLayout.Heap && garbage > 0 {
		le.PutUint32(l.Heap[4:], le.Uint32(l.Heap[4:])+garbage)
	}
	removed = l.N - n
	l.N = n
	return removed
}
