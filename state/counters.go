package state

import "encoding/json"

// counters are the numbers that only grow, committed with what they count.
type counters struct {
	Outbox   uint64            `json:"outbox"`    // sequence number of the newest message
	Rejected uint64            `json:"rejected"`  // events ever refused; also the newest one's sequence number
	ByReason map[string]uint64 `json:"by_reason"` // events ever refused, by reason
}

func (s *Store) loadCounters() error {
	c := &s.numbering.counters
	c.ByReason = map[string]uint64{}
	v, err := s.get(appendNamed(nil, kindMeta, metaCounters), nil)
	if err != nil || v == nil {
		return err
	}
	if err := json.Unmarshal(v, c); err != nil {
		return fatal("read counters", err)
	}
	if c.ByReason == nil {
		c.ByReason = map[string]uint64{}
	}
	s.released.Store(c.Outbox)
	return nil
}

// numberedCounters puts the counters as they are now into the batch.
func (s *Store) numberedCounters(b *Batch) {
	v, err := json.Marshal(&s.numbering.counters)
	if err != nil {
		b.note(err)
		return
	}
	b.setMeta(kindMeta, metaCounters, v)
}
