package server

import (
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
	way    map[idHash]place // on their way
	ring   []entry          // the oldest is at head; its capacity grows to most
	head   int
	count  int
	index  []uint32 // open addressing: slots of the ring, plus one; a power of two, at most half full
	capped int64    // append time of the newest entry that had to go before its time; 0: none
}

// entry is an id in the log.
type entry struct {
	id     idHash
	offset int64
	at     int64 // append time, ms
}

// place is a line of a claim.
type place struct {
	claim *claim
	line  int32
}

// claim holds the ids of a post until it is known what becomes of it.
type claim struct {
	ids  []claimed
	done chan struct{} // closed when at and err are there
	at   journal.Appended
	err  error
}

type claimed struct {
	id   idHash
	line int32
}

func newKnown(span time.Duration, most int) *known {
	return &known{span: span.Milliseconds(), most: most, way: map[idHash]place{}}
}

// reserve claims the ids of the results that are todo, at a time (ms): each becomes reserved, with its line in the post
// that is to come, or underway, or duplicate. It returns how many lines the post has.
func (k *known) reserve(c *claim, results []result, now int64) (lines int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range results {
		r := &results[i]
		if r.status != todo {
			continue
		}
		if r.id != (idHash{}) && k.span > 0 {
			if w, ok := k.way[r.id]; ok {
				r.status, r.by, r.line = underway, w.claim, w.line
				continue
			}
			if e := k.find(r.id); e != nil && e.at > now-k.span {
				r.status, r.at = duplicate, e.offset
				continue
			}
			k.way[r.id] = place{c, int32(lines)}
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
	for _, x := range c.ids {
		delete(k.way, x.id)
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
	slot := (k.head + k.count) % len(k.ring)
	k.ring[slot] = e
	k.count++
	k.index[k.probe(e.id)] = uint32(slot + 1)
}

// find returns the newest entry of an id, nil if there is none.
func (k *known) find(id idHash) *entry {
	if k.count == 0 {
		return nil
	}
	if slot := k.index[k.probe(id)]; slot > 0 {
		return &k.ring[slot-1]
	}
	return nil
}

// probe returns where the index has an id, or would have it.
func (k *known) probe(id idHash) int {
	mask := len(k.index) - 1
	for i := int(id.Lo) & mask; ; i = (i + 1) & mask {
		if slot := k.index[i]; slot == 0 || k.ring[slot-1].id == id {
			return i
		}
	}
}

// drop forgets the oldest entry. If its id has come again the index has the newer one.
func (k *known) drop() {
	oldest := k.head
	if i := k.probe(k.ring[oldest].id); k.index[i] == uint32(oldest+1) {
		k.remove(i)
	}
	k.head = (k.head + 1) % len(k.ring)
	k.count--
}

// remove takes a slot out of the index, and moves up what would not be found any more.
func (k *known) remove(i int) {
	mask := len(k.index) - 1
	for j := i; ; {
		k.index[i] = 0
		for {
			j = (j + 1) & mask
			slot := k.index[j]
			if slot == 0 {
				return
			}
			if home := int(k.ring[slot-1].id.Lo) & mask; (j-home)&mask >= (j-i)&mask {
				k.index[i], i = slot, j
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
		ring[i] = k.ring[(k.head+i)%len(k.ring)]
	}
	k.ring, k.head = ring, 0
	slots := 1
	for slots < 2*size {
		slots *= 2
	}
	k.index = make([]uint32, slots)
	for i := range k.count {
		k.index[k.probe(ring[i].id)] = uint32(i + 1)
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
