package server

import (
	"testing"
	"time"
)

// TestPace measures a stream of a hundred events a second, and then a pause.
func TestPace(t *testing.T) {
	var p pace
	now, events := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC), int64(5000)
	f := func(wantRate float64, wantKnown bool) {
		t.Helper()
		if x, known := p.perSecond(now, events); known != wantKnown || x != wantRate {
			t.Errorf("%v: %v %v, want %v %v", now, x, known, wantRate, wantKnown)
		}
	}
	f(0, false)
	p.note(now, events)
	f(0, false)
	for range 40 {
		for range 5 {
			now, events = now.Add(time.Second), events+100
			f(100, true)
		}
		p.note(now, events)
	}
	if most := int(paceOver/paceEvery) + 1; len(p.seen) > most {
		t.Errorf("%d measurements are kept, more than %d", len(p.seen), most)
	}
	now = now.Add(25 * time.Second)
	f(100*float64(55)/80, true) // a note is kept until the next one
	for range 12 {
		now = now.Add(paceEvery)
		p.note(now, events)
	}
	f(0, true)
	events = 0 // a count that goes back says nothing
	f(0, false)
}
