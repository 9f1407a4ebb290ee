package server

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kelpie/ids"
	"kelpie/journal"
)

// plain remembers ids the obvious way.
type plain struct {
	all  []ids.Entry // in the log
	span int64
	most int
}

// find returns the offset of the newest event with an id that is known at a time; -1 if there is none.
func (p *plain) find(id ids.ID, now int64) int64 {
	kept := p.all[max(0, len(p.all)-p.most):]
	for i := len(kept) - 1; i >= 0; i-- {
		if kept[i].ID == id && kept[i].At > now-p.span {
			return int64(kept[i].Place)
		}
	}
	return -1
}

// TestKnown lets posts of few ids come and go, some of them not to the log, and compares with the obvious way.
func TestKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span, most := rapid.Int64Range(1, 200).Draw(t, "span"), rapid.IntRange(1, 40).Draw(t, "most")
		k := newKnown(time.Duration(span)*time.Millisecond, most)
		p := &plain{span: span, most: most}
		now, offset := int64(1000), int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "posts") {
			now += rapid.Int64Range(0, 20).Draw(t, "later")
			results := make([]result, rapid.IntRange(1, 9).Draw(t, "events"))
			for i := range results {
				results[i].id = ids.ID{Lo: rapid.Uint64Range(0, 30).Draw(t, "id") * 16} // 0: none; many at the same place of the index
			}
			c := &claim{done: make(chan struct{})}
			lines := k.reserve(c, results, now)
			first := map[ids.ID]int32{}
			for i := range results {
				checkReserved(t, &results[i], p, c, first, now)
			}
			var err error
			if rapid.Bool().Draw(t, "fails") {
				err = errors.New("no room")
			}
			k.settle(c, journal.Appended{First: offset, Time: now}, err)
			if err == nil {
				for i := range results {
					if r := &results[i]; r.status == reserved && r.id != (ids.ID{}) {
						p.all = append(p.all, ids.Entry{ID: r.id, Place: uint64(offset + int64(r.line)), At: now})
					}
				}
				offset += int64(lines)
			}
		}
		for i, x := range k.way.slots {
			if k.way.count > 0 || x.claim != nil {
				t.Fatalf("%d ids are on their way for ever, one of them in slot %d", k.way.count, i)
			}
		}
		agree(t, k, p, now)
		again := newKnown(time.Duration(span)*time.Millisecond, most)
		again.load([][]ids.Entry{p.all[len(p.all)/2:], p.all[:len(p.all)/2]})
		agree(t, again, p, now)
	})
}

// checkReserved checks what became of one event of a post.
func checkReserved(t *rapid.T, r *result, p *plain, c *claim, first map[ids.ID]int32, now int64) {
	line, again := first[r.id]
	want := p.find(r.id, now)
	switch {
	case r.id == (ids.ID{}):
		if r.status != reserved {
			t.Fatalf("an event without id is %d", r.status)
		}
	case again:
		if r.status != underway || r.by != c || r.line != line {
			t.Fatalf("an id that stands twice in a post is %+v", r)
		}
	case want >= 0:
		if r.status != duplicate || r.at != want {
			t.Fatalf("%v is %+v, want a duplicate of %d", r.id, r, want)
		}
	default:
		if r.status != reserved {
			t.Fatalf("%v is %+v and is not known", r.id, r)
		}
		first[r.id] = r.line
	}
}

// agree compares all ids, and how far back they are known.
func agree(t *rapid.T, k *known, p *plain, now int64) {
	for lo := range uint64(31) {
		id := ids.ID{Lo: lo * 16}
		got := int64(-1)
		if e := k.recent.Find(id); e != nil && e.At > now-p.span && lo > 0 {
			got = int64(e.Place)
		}
		if want := p.find(id, now); got != want {
			t.Fatalf("%v is at %d, want %d", id, got, want)
		}
	}
	span := k.stats(now).Span.Milliseconds()
	if span > p.span {
		t.Fatalf("a span of %d ms", span)
	}
	for i, e := range p.all { // of what the span reaches nothing is forgotten
		if e.At > now-span && i < len(p.all)-p.most {
			t.Fatalf("the span is %d ms, but an id of %d ms ago is forgotten", span, now-e.At)
		}
	}
}
