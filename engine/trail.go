package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"kelpie/source"
	"kelpie/state"
)

// trailMark is how the fold stood at some offset of the log, but for its rows: from there on windows can be filled that were
// not kept, with the watermark and the partitions as they were. The state keeps marks, the closer together the younger.
type trailMark struct {
	At     int64            `json:"at"`    // offset in the log below which everything had been read
	Check  state.Checkpoint `json:"check"` // without the rules
	Layout layout           `json:"layout"`
}

// newest is the newest event time before the mark.
func (k *trailMark) newest() int64 { return k.Check.Newest }

// from returns the offset from which on the log is needed to go on from the mark.
func (k *trailMark) from() int64 {
	from := int64(state.Never)
	for _, p := range k.Check.Partitions {
		if p.Stream == source.LogStream {
			from = min(from, p.Next)
		}
	}
	return from
}

// How far marks are apart, at least: in event time, and in time itself.
const (
	trailEvery = 10 * time.Second
	trailApart = time.Second
)

// trailNote begins the names of the notes that hold marks; the offset follows.
const trailNote = "trail/"

func (k *trailMark) name() string { return fmt.Sprintf("%s%016x", trailNote, k.At) }

// trail is what the loop knows of the marks: when each was made, oldest first.
type trail struct {
	marks []trailPoint
	made  time.Time // the newest one, by the clock
}

// trailPoint is where a mark is.
type trailPoint struct{ at, newest int64 }

// readTrail returns the marks that a store has, oldest first.
func readTrail(s *state.Store) (all []trailMark, err error) {
	notes, err := s.Notes(trailNote)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		var k trailMark
		if err := json.Unmarshal(n.Value, &k); err != nil {
			return nil, fmt.Errorf("engine: the note %s: %w", n.Name, err)
		}
		all = append(all, k)
	}
	return all, nil
}

// loadTrail finds the marks of the store.
func (l *loop) loadTrail() error {
	all, err := readTrail(l.s.o.Store)
	for i := range all {
		l.trail.marks = append(l.trail.marks, trailPoint{all[i].At, all[i].newest()})
	}
	return err
}

// markTrail adds a mark to a batch, if it is time for one, and takes out those that have come too close together for their
// age, and those that the log does not reach any more.
func (l *loop) markTrail(b *state.Batch) error {
	t, e := &l.trail, l.engine
	now := l.now()
	if l.s.o.Warm == nil || e.newest == none || now.Sub(t.made) < trailApart {
		return nil
	}
	if n := len(t.marks); n > 0 && e.newest < t.marks[n-1].newest+trailEvery.Milliseconds() {
		return nil
	}
	k := trailMark{At: e.readUpTo(), Check: e.checkpoint(), Layout: l.layout}
	k.Check.Rules = ""
	v, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("engine: a mark of the trail: %w", err)
	}
	b.SetNote(k.name(), v)
	t.made = now
	t.marks = append(t.marks, trailPoint{k.At, k.newest()})
	l.thinTrail(b)
	return nil
}

// thinTrail takes a mark out if its neighbours are closer together than an eighth of their age.
func (l *loop) thinTrail(b *state.Batch) {
	t := &l.trail
	first, newest := l.s.o.Log.FirstOffset(), l.engine.newest
	kept := t.marks[:0:0]
	for i, p := range t.marks {
		gone := p.at < first
		if i > 0 && i < len(t.marks)-1 && len(kept) > 0 {
			after := t.marks[i+1]
			gone = gone || after.newest-kept[len(kept)-1].newest < (newest-after.newest)/8
		}
		if gone {
			b.DeleteNote((&trailMark{At: p.at}).name())
		} else {
			kept = append(kept, p)
		}
	}
	t.marks = kept
}
