package engine

import (
	"slices"

	"kelpie/event"
	"kelpie/ids"
)

// A producer that does not know whether an event arrived sends it again, and another record of a topic says the same. Of the
// events of a source that have one id the first in the order of the fold is folded; the others move nothing but the place up
// to which the source was read. All of it is decided by what is folded: an id is known until the watermark has passed its
// event's time, or the watermark at which that was folded if it is later, by the span. So a replay says the same, however
// fast it runs, and so do other shards and other cuts.

// Dedupe says that events of a source which come again are known by their ids.
type Dedupe struct {
	Name string // of the source, under which the state keeps the ids
	Span int64  // how long an id is known, ms of event time
	IDs  int    // how many are known at most, the newest
}

// seen are the ids of the events of one source. The fold owns it.
type seen struct {
	Dedupe
	recent *ids.Recent
	slots  [2]int // of ids.Paths in records
	next   uint64 // number of the id to come: ids are numbered from 0, as they come
	capped int64  // time of the newest id that had to go because of others; none if none had

	chunks  []uint64 // in the store: the numbers of their first ids
	saved   uint64   // ids below this number have been flushed
	scratch []byte
	count   repeats
}

// repeats are what a process has counted.
type repeats struct {
	repeated, unnamed int64
	last, lastOf      uint64 // positions of the newest event that came again, and of the one that had come before
}

// recall makes the sets of ids, all of them empty, and adds the fields that identify events to those that are decoded.
func (e *Engine) recall(all []Dedupe) {
	e.schema = e.plan.Schema
	if len(all) == 0 {
		return
	}
	schema := *e.plan.Schema
	schema.Paths = slices.Clone(schema.Paths)
	var slots [2]int
	for i, path := range ids.Paths {
		slots[i] = slices.IndexFunc(schema.Paths, func(p event.Path) bool { return slices.Equal(p, path) })
		if slots[i] < 0 {
			slots[i] = len(schema.Paths)
			schema.Paths = append(schema.Paths, path)
		}
	}
	e.schema = &schema
	for _, d := range all {
		e.seen = append(e.seen, &seen{Dedupe: d, recent: ids.NewRecent(d.IDs), slots: slots, capped: none})
	}
}

// seenBy returns the number of a source's ids in Engine.seen, plus one; 0 if its events are all folded.
func (e *Engine) seenBy(source string) uint32 {
	return uint32(slices.IndexFunc(e.seen, func(s *seen) bool { return s.Name == source }) + 1)
}

// again reports whether an event has come before, as of a watermark that does not count it; if not, its id is known now.
func (s *seen) again(r *event.Record, seq uint64, w int64) bool {
	var id ids.ID
	id, s.scratch = ids.Of(s.scratch, r, r.Value(s.slots[0]), r.Value(s.slots[1]))
	if id == (ids.ID{}) {
		s.count.unnamed++
		return false
	}
	if first := s.recent.Find(id); first != nil && first.Place != seq && !s.forgets(first, w) {
		s.count.repeated++
		s.count.last, s.count.lastOf = seq, first.Place
		return true
	}
	for s.recent.Len() > 0 && s.forgets(s.recent.Oldest(), w) {
		s.recent.Drop()
	}
	s.add(ids.Entry{ID: id, Place: seq, At: max(r.Time, w)})
	return false
}

// forgets reports whether an id is known no more at a watermark.
func (s *seen) forgets(x *ids.Entry, w int64) bool { return w != none && x.At+s.Span <= w }

// add takes in the next id; if there is no room, the oldest goes.
func (s *seen) add(x ids.Entry) {
	if s.recent.Full() {
		s.capped = max(s.capped, s.recent.Oldest().At)
	}
	s.recent.Add(x)
	s.next++
}

// head returns the number of the oldest id that is known.
func (s *seen) head() uint64 { return s.next - uint64(s.recent.Len()) }

// DedupeFigures say how far back the ids of a source are known, and what came again.
type DedupeFigures struct {
	Dedupe
	Known    int    // ids
	Reach    int64  // ms of event time: the Span, or less if so many ids came that the oldest had to go
	Repeated int64  // events that were not folded, since the start
	Unnamed  int64  // events without an id, which are all folded, since the start
	Last     string // where the newest event that came again stands, "" if none did
	LastOf   string // where the event with its id stands that was folded
}

// dedupeFigures returns the figures of all sources whose ids are known.
func (e *Engine) dedupeFigures() []DedupeFigures {
	all := make([]DedupeFigures, len(e.seen))
	for i, s := range e.seen {
		f := DedupeFigures{Dedupe: s.Dedupe, Known: s.recent.Len(), Reach: s.Span, Repeated: s.count.repeated, Unnamed: s.count.unnamed}
		if w := e.clock(); s.capped != none && w != none {
			f.Reach = min(f.Reach, max(0, w-s.capped))
		}
		if f.Repeated > 0 {
			f.Last, f.LastOf = e.position(s.count.last), e.position(s.count.lastOf)
		}
		all[i] = f
	}
	return all
}

// clock returns the watermark as of which the next event is folded.
func (e *Engine) clock() int64 {
	if e.plan.Time.ByTime {
		return e.fold
	}
	return e.w
}

// goOnCounting takes over what an engine that went before has counted.
func (e *Engine) goOnCounting(before *Engine) {
	for _, s := range e.seen {
		if k := before.seenBy(s.Name); k > 0 {
			s.count = before.seen[k-1].count
		}
	}
}
