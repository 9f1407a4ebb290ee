package server

import (
	"slices"
	"sync"
	"time"

	"kelpie/journal"
)

// known remembers the ids of events that came lately, so that what is sent again is not appended again. It holds what the
// log holds: the newest ids, in the order of the log, of the last while by append time; after a restart it is read from
// there. Beside them are the ids that are on their way to the log.
type known struct {
	span int64 // how long an id is remembered, ms of append time; 0: not at all
	most int

	mu     sync.Mutex
	way    way     // on their way
	ring   []entry // the oldest is at head; it grows to most
	head   int
	count  int
	index  []uint64 // open addressing, a power of two, at most half full: see slotOf
	capped int64    // append time of the newest entry that had to go before its time; 0: none
	warm   uint64   // what touch has read: nobody needs it
}

// entry is an id in the log.
type entry struct {
	id     idHash
	offset int64
	at     int64 // append time, ms
}

// claim holds the ids of a post until it is known what becomes of it.
type claim struct {
	ids  []claimed
	one  [1]claimed    // the memory of ids where that is enough
	done chan struct{} // closed when at and err are there
	at   journal.Appended
	err  error
}

type claimed struct {
	id   idHash
	line int32
}

func newKnown(span time.Duration, most int) *known {
	return &known{span: span.Milliseconds(), most: most}
}

// reserve claims the ids of the results that are todo, at a time (ms): each becomes reserved, with its line in the post
// that is to come, or underway, or duplicate. It returns how many lines the post has.
func (k *known) reserve(c *claim, results []result, now int64) (lines int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.count > 0 {
		for i := range results {
			k.touch(results[i].id)
		}
	}
	for i := range results {
		r := &results[i]
		if r.status != todo {
			continue
		}
		if r.id != (idHash{}) && k.span > 0 {
			if w := k.way.find(r.id); w != nil {
				r.status, r.by, r.line = underway, w.claim, w.line
				continue
			}
			if e := k.find(r.id); e != nil && e.at > now-k.span {
				r.status, r.at = duplicate, e.offset
				continue
			}
			k.way.add(waiting{r.id, c, int32(lines)})
			if c.ids == nil {
				c.ids = slices.Grow(c.one[:0], len(results)-i)
			}
			c.ids = append(c.ids, claimed{r.id, int32(lines)})
		}
		r.status, r.line = reserved, int32(lines)
		lines++
	}
	return lines
}

// settle ends a claim: its ids are in the log now, or, with an error, are nobody's. Claims that come to the log are settled
// in its order.
func (k *known) settle(c *claim, at journal.Appended, err error) {
	k.mu.Lock()
	if err == nil {
		k.touchAll(c.ids)
	}
	for _, x := range c.ids {
		k.way.remove(x.id)
		if err == nil {
			k.add(entry{x.id, at.First + int64(x.line), at.Time})
		}
	}
	k.mu.Unlock()
	c.at, c.err = at, err
	close(c.done)
}

// add takes in the newest id.
func (k *known) add(e entry) {
	for k.count > 0 && k.ring[k.head].at <= e.at-k.span {
		k.drop()
	}
	if k.count == k.most {
		k.capped = k.ring[k.head].at
		k.drop()
	}
	if k.count == len(k.ring) {
		k.grow()
	}
	slot := k.wrap(k.head + k.count)
	k.ring[slot] = e
	k.count++
	k.index[k.probe(e.id)] = slotOf(slot, e.id)
}

// wrap returns the slot of the ring that a number from 0 to twice its length stands for.
func (k *known) wrap(i int) int {
	if i >= len(k.ring) {
		i -= len(k.ring)
	}
	return i
}

// slotOf is what the index has of an entry: its slot in the ring, plus one, and behind it half of the id's other half, so
// that most of what is not looked for can be told from the index alone.
func slotOf(slot int, id idHash) uint64 { return id.Hi<<32 | uint64(slot+1) }

// find returns the newest entry of an id, nil if there is none.
func (k *known) find(id idHash) *entry {
	if k.count == 0 {
		return nil
	}
	if x := k.index[k.probe(id)]; x != 0 {
		return &k.ring[uint32(x)-1]
	}
	return nil
}

// probe returns where the index has an id, or would have it.
func (k *known) probe(id idHash) int {
	mask := len(k.index) - 1
	for i := int(id.Lo) & mask; ; i = (i + 1) & mask {
		x := k.index[i]
		if x == 0 || uint32(x>>32) == uint32(id.Hi) && k.ring[uint32(x)-1].id == id {
			return i
		}
	}
}

// touch reads where the index would have an id: reading many of them first, none of which waits for another, is faster
// than one after the other when they are needed.
func (k *known) touch(id idHash) { k.warm ^= k.index[int(id.Lo)&(len(k.index)-1)] }

// touchAll touches what adding ids needs.
func (k *known) touchAll(ids []claimed) {
	if k.count == 0 {
		return
	}
	for i, x := range ids {
		k.touch(x.id)
		if k.count+i >= k.most && i < k.count {
			k.touch(k.ring[k.wrap(k.head+i)].id)
		}
	}
}

// drop forgets the oldest entry. If its id has come again the index has the newer one.
func (k *known) drop() {
	oldest := k.head
	if i := k.probe(k.ring[oldest].id); uint32(k.index[i]) == uint32(oldest+1) {
		k.remove(i)
	}
	k.head = k.wrap(k.head + 1)
	k.count--
}

// remove takes a slot out of the index, and moves up what would not be found any more.
func (k *known) remove(i int) {
	mask := len(k.index) - 1
	for j := i; ; {
		k.index[i] = 0
		for {
			j = (j + 1) & mask
			x := k.index[j]
			if x == 0 {
				return
			}
			if home := int(k.ring[uint32(x)-1].id.Lo) & mask; (j-home)&mask >= (j-i)&mask {
				k.index[i], i = x, j
				break
			}
		}
	}
}

// grow makes room for more entries.
func (k *known) grow() {
	size := min(max(1024, 2*len(k.ring)), k.most)
	ring := make([]entry, size)
	for i := range k.count {
		ring[i] = k.ring[k.wrap(k.head+i)]
	}
	k.ring, k.head = ring, 0
	slots := 1
	for slots < 2*size {
		slots *= 2
	}
	k.index = make([]uint64, slots)
	for i := range k.count {
		k.index[k.probe(ring[i].id)] = slotOf(i, ring[i].id)
	}
}

// KnownStats says how far back ids are known.
type KnownStats struct {
	IDs  int
	Span time.Duration // of append time: the setting, or less if so many ids came that the oldest had to go
}

// stats returns how far back ids are known at a time (ms).
func (k *known) stats(now int64) KnownStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	span := k.span
	if k.capped > now-span {
		span = now - k.capped
	}
	return KnownStats{k.count, time.Duration(span) * time.Millisecond}
}
