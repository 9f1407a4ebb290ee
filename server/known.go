package server

import (
	"slices"
	"sync"
	"time"

	"kelpie/ids"
	"kelpie/journal"
)

// known remembers the ids of events that came lately, so that what is sent again is not appended again. It holds what the
// log holds: the newest ids, in the order of the log, of the last while by append time; after a restart it is read from
// there. Beside them are the ids that are on their way to the log.
type known struct {
	span int64 // how long an id is remembered, ms of append time; 0: not at all
	most int

	mu     sync.Mutex
	way    way         // on their way
	recent *ids.Recent // in the log: the place is the offset, the time that of appending
	capped int64       // append time of the newest entry that had to go before its time; 0: none
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
	id   ids.ID
	line int32
}

func newKnown(span time.Duration, most int) *known {
	return &known{span: span.Milliseconds(), most: most, recent: ids.NewRecent(most)}
}

// reserve claims the ids of the results that are todo, at a time (ms): each becomes reserved, with its line in the post
// that is to come, or underway, or duplicate. It returns how many lines the post has.
func (k *known) reserve(c *claim, results []result, now int64) (lines int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range results {
		k.recent.Touch(results[i].id)
	}
	for i := range results {
		r := &results[i]
		if r.status != todo {
			continue
		}
		if r.id != (ids.ID{}) && k.span > 0 {
			if w := k.way.find(r.id); w != nil {
				r.status, r.by, r.line = underway, w.claim, w.line
				continue
			}
			if e := k.recent.Find(r.id); e != nil && e.At > now-k.span {
				r.status, r.at = duplicate, int64(e.Place)
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
		for i, x := range c.ids {
			k.recent.TouchAdd(i, x.id)
		}
	}
	for _, x := range c.ids {
		k.way.remove(x.id)
		if err == nil {
			k.add(ids.Entry{ID: x.id, Place: uint64(at.First + int64(x.line)), At: at.Time})
		}
	}
	k.mu.Unlock()
	c.at, c.err = at, err
	close(c.done)
}

// add takes in the newest id.
func (k *known) add(e ids.Entry) {
	for k.recent.Len() > 0 && k.recent.Oldest().At <= e.At-k.span {
		k.recent.Drop()
	}
	if k.recent.Full() {
		k.capped = k.recent.Oldest().At
	}
	k.recent.Add(e)
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
	return KnownStats{k.recent.Len(), time.Duration(span) * time.Millisecond}
}
