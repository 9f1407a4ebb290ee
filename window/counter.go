package window

// Counter is a multiset of hashes that knows how many different ones it holds: what an exact distinct count over a
// sliding window needs. The zero Counter is empty. It holds no pointers but its one table, and once grown does not
// allocate.
//
// The table is open addressing with linear probing, at most three quarters full; removal moves later entries of the run
// back, so there are no tombstones.
type Counter struct {
	slots []counted // a power of two, or none
	len   int
}

// counted is one hash and how often it is there; 0 times is a free slot.
type counted struct {
	hash  Hash128
	times uint64
}

// Len returns how many different hashes there are.
func (c *Counter) Len() int { return c.len }

// Add adds one h and reports whether it is the first.
func (c *Counter) Add(h Hash128) (first bool) {
	if 4*(c.len+1) > 3*len(c.slots) {
		c.grow()
	}
	s := c.find(h)
	if s.times == 0 {
		s.hash = h
		c.len++
	}
	s.times++
	return s.times == 1
}

// Count returns how often h is there.
func (c *Counter) Count(h Hash128) uint64 {
	if c.len == 0 {
		return 0
	}
	return c.find(h).times
}

// Remove takes one h away and reports whether it was the last; of an absent h nothing is taken.
func (c *Counter) Remove(h Hash128) (last bool) {
	if c.len == 0 {
		return false
	}
	i := c.index(h)
	s := &c.slots[i]
	switch s.times {
	case 0:
		return false
	case 1:
		c.len--
		c.free(i)
		return true
	}
	s.times--
	return false
}

// Reset empties the counter and keeps its table.
func (c *Counter) Reset() {
	clear(c.slots)
	c.len = 0
}

// find returns the slot that holds h, or the free one where it belongs. The table is not full.
func (c *Counter) find(h Hash128) *counted { return &c.slots[c.index(h)] }

func (c *Counter) index(h Hash128) int {
	mask := len(c.slots) - 1
	for i := int(h.Lo) & mask; ; i = (i + 1) & mask {
		if s := &c.slots[i]; s.times == 0 || s.hash == h {
			return i
		}
	}
}

// free empties slot i and moves back whatever of the run behind it would no longer be found.
func (c *Counter) free(i int) {
	mask := len(c.slots) - 1
	for j := (i + 1) & mask; c.slots[j].times != 0; j = (j + 1) & mask {
		home := int(c.slots[j].hash.Lo) & mask
		if (j-home)&mask >= (j-i)&mask { // i lies on the way from home to j
			c.slots[i] = c.slots[j]
			i = j
		}
	}
	c.slots[i] = counted{}
}

func (c *Counter) grow() {
	old := c.slots
	c.slots = make([]counted, max(16, 2*len(old)))
	for _, s := range old {
		if s.times != 0 {
			*c.find(s.hash) = s
		}
	}
}
