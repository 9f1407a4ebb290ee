package ids

// Recent holds the newest ids, up to a number of them, in the order in which they were added. For how long one is held is
// for its owner to say, by Drop. It is not safe for concurrent use.
type Recent struct {
	most  int
	ring  []Entry // the oldest is at head; it grows to most
	head  int
	count int
	index []uint64 // open addressing, a power of two, at most half full: see slotOf
	warm  uint64   // what Touch has read: nobody needs it
}

// Entry is an id that was added.
type Entry struct {
	ID    ID
	Place uint64 // where its event is, in its owner's words
	At    int64  // when it was added, as its owner counts; ms
}

// NewRecent returns one without ids that holds at most so many, at least one.
func NewRecent(most int) *Recent { return &Recent{most: max(1, most)} }

// Len returns how many ids are held.
func (r *Recent) Len() int { return r.count }

// Full reports whether the oldest id goes with the next Add.
func (r *Recent) Full() bool { return r.count == r.most }

// Oldest returns the entry that was added first of those that are held. There must be one; it is valid until the next Add.
func (r *Recent) Oldest() *Entry { return &r.ring[r.head] }

// Nth returns the entry that was added n after the oldest one, n < Len. It is valid until the next Add.
func (r *Recent) Nth(n int) *Entry { return &r.ring[r.wrap(r.head+n)] }

// Add takes in an id, as the newest one. If an entry of the same id is held, the new one is found in its place.
func (r *Recent) Add(e Entry) {
	if r.Full() {
		r.Drop()
	}
	if r.count == len(r.ring) {
		r.grow(max(1024, 2*len(r.ring)))
	}
	slot := r.wrap(r.head + r.count)
	r.ring[slot] = e
	r.count++
	r.index[r.probe(e.ID)] = slotOf(slot, e.ID)
}

// wrap returns the slot of the ring that a number from 0 to twice its length stands for.
func (r *Recent) wrap(i int) int {
	if i >= len(r.ring) {
		i -= len(r.ring)
	}
	return i
}

// slotOf is what the index has of an entry: its slot in the ring, plus one, and behind it half of the id's other half, so
// that most of what is not looked for can be told from the index alone.
func slotOf(slot int, id ID) uint64 { return id.Hi<<32 | uint64(slot+1) }

// Find returns the newest entry of an id, nil if there is none. It is valid until the next Add.
func (r *Recent) Find(id ID) *Entry {
	if r.count == 0 {
		return nil
	}
	if x := r.index[r.probe(id)]; x != 0 {
		return &r.ring[uint32(x)-1]
	}
	return nil
}

// probe returns where the index has an id, or would have it.
func (r *Recent) probe(id ID) int {
	mask := len(r.index) - 1
	for i := int(id.Lo) & mask; ; i = (i + 1) & mask {
		x := r.index[i]
		if x == 0 || uint32(x>>32) == uint32(id.Hi) && r.ring[uint32(x)-1].ID == id {
			return i
		}
	}
}

// Touch reads where the index would have an id: reading many of them first, none of which waits for another, is faster
// than one after the other when they are needed.
func (r *Recent) Touch(id ID) {
	if r.count > 0 {
		r.warm ^= r.index[int(id.Lo)&(len(r.index)-1)]
	}
}

// TouchAdd touches what the Add of an id needs, before which n others come.
func (r *Recent) TouchAdd(n int, id ID) {
	r.Touch(id)
	if r.count+n >= r.most && n < r.count {
		r.Touch(r.Nth(n).ID)
	}
}

// Drop forgets the oldest entry; there must be one. If its id has come again, the newer entry is still found.
func (r *Recent) Drop() {
	oldest := r.head
	if i := r.probe(r.ring[oldest].ID); uint32(r.index[i]) == uint32(oldest+1) {
		r.remove(i)
	}
	r.head = r.wrap(r.head + 1)
	r.count--
}

// remove takes a slot out of the index, and moves up what would not be found any more.
func (r *Recent) remove(i int) {
	mask := len(r.index) - 1
	for j := i; ; {
		r.index[i] = 0
		for {
			j = (j + 1) & mask
			x := r.index[j]
			if x == 0 {
				return
			}
			if home := int(r.ring[uint32(x)-1].ID.Lo) & mask; (j-home)&mask >= (j-i)&mask {
				r.index[i], i = x, j
				break
			}
		}
	}
}

// Reserve makes room for so many entries in all.
func (r *Recent) Reserve(n int) {
	if n > len(r.ring) {
		r.grow(n)
	}
}

// grow makes room for so many entries, if there may be as many.
func (r *Recent) grow(size int) {
	size = min(size, r.most)
	ring := make([]Entry, size)
	for i := range r.count {
		ring[i] = *r.Nth(i)
	}
	r.ring, r.head = ring, 0
	slots := 1
	for slots < 2*size {
		slots *= 2
	}
	r.index = make([]uint64, slots)
	for i := range r.count {
		r.index[r.probe(ring[i].ID)] = slotOf(i, ring[i].ID)
	}
}
