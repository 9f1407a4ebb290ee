package server

import (
	"context"
	"sync"
	"time"

	"kelpie/engine"
)

// pace knows how many events had been folded at the last few moments, and so how many there are a second: the one rate
// that status and console show.
type pace struct {
	mu   sync.Mutex
	seen []folded // the oldest first
}

// folded says how many events had been folded at a time.
type folded struct {
	at     time.Time
	events int64
}

const (
	paceEvery = 5 * time.Second // how often it is noted what has been folded
	paceOver  = time.Minute     // over how long a rate is taken, at most
	paceLeast = time.Second     // and at least
)

// sample notes how much has been folded, now and then, until ctx is done.
func (s *Server) sample(ctx context.Context) {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	for {
		s.pace.note(s.o.Now(), foldedOf(s.o.Service.Figures()))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func foldedOf(f *engine.Figures) (n int64) {
	for _, in := range f.Inputs {
		n += in.Folded
	}
	return n
}

// note keeps that so many events had been folded, and forgets what is too long ago.
func (p *pace) note(now time.Time, events int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.seen) > 0 && now.Sub(p.seen[0].at) >= paceOver {
		p.seen = p.seen[1:]
	}
	p.seen = append(p.seen, folded{now, events})
}

// perSecond returns the rate over the last minute, or for as long as is known, if so many events have been folded by now.
// It is not known in the first second.
func (p *pace) perSecond(now time.Time, events int64) (rate float64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return 0, false
	}
	passed, more := now.Sub(p.seen[0].at), events-p.seen[0].events
	if passed < paceLeast || more < 0 {
		return 0, false
	}
	return float64(more) / passed.Seconds(), true
}
