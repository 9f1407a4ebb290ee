package server

import (
	"sync"
	"time"

	"kelpie/alert"
	"kelpie/journal"
	"kelpie/state"
)

// strip is how the service itself does, as each page shows it.
type strip struct {
	Phase     string
	Well      bool
	Rate      string // events a second; "" is not known yet
	Events    int64
	Lag       string // how far the watermark is behind the clock; "" is not known
	Past      int64  // the watermark, ms, where events of the past are read and a lag says nothing; else 0
	Receivers []receiverState
	Log       journal.Stats
	State     state.Stats
	At        int64 // when the page was made, ms
}

// longLag is the lag from which on events are those of another time.
const longLag = 48 * 3600 * 1000

// Teller says how those who are told of alerts stand: alert.Dispatcher.
type Teller interface {
	Stats() []alert.ReceiverStats
	RouterStats() alert.RouterStats
}

// receiverState is how one receiver stands. Counts are since the service started.
type receiverState struct {
	Name                       string
	Waiting, Failures, GivenUp int64
}

// receiverStates returns how all receivers stand, those of groups behind the others.
func receiverStates(t Teller) (all []receiverState) {
	for _, r := range t.Stats() {
		all = append(all, receiverState{r.Receiver, r.Waiting, r.Failures, r.GivenUp})
	}
	stats := t.RouterStats()
	for i := range stats.Receivers {
		r := &stats.Receivers[i]
		all = append(all, receiverState{r.Receiver, int64(r.Waiting), r.Failures, r.GivenUp})
	}
	return all
}

// stripNow reads how the service does.
func (s *Server) stripNow() strip {
	problems, _ := s.Problems()
	now := s.o.Now()
	x := strip{Phase: s.o.Service.Phase().String(), Well: len(problems) == 0, At: now.UnixMilli()}
	if s.o.Disk != nil {
		x.Log, x.State = s.o.Disk()
	}
	if s.o.Teller != nil {
		x.Receivers = receiverStates(s.o.Teller)
	}
	f := s.o.Service.Figures()
	if f.Engine == nil {
		return x
	}
	x.Events = int64(f.Engine.Events)
	if perSecond, ok := s.rate.add(now, x.Events); ok {
		x.Rate = countText(int64(perSecond + 0.5))
	}
	if lag := now.UnixMilli() - f.Engine.Watermark; f.Engine.Watermark != state.NoTime && lag < longLag {
		x.Lag = spanText(lag)
	} else if f.Engine.Watermark != state.NoTime {
		x.Past = f.Engine.Watermark
	}
	return x
}

// rate measures how many events a second there are between two pages.
type rate struct {
	mu   sync.Mutex
	seen []measured // the oldest first
}

type measured struct {
	at     time.Time
	events int64
}

// A rate is taken over at least so long, and at most so long.
const (
	rateLeast = time.Second
	rateMost  = 30 * time.Second
)

// add takes a measurement and returns the rate, if there is one to compare with.
func (r *rate) add(now time.Time, events int64) (perSecond float64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.seen) > 1 && now.Sub(r.seen[1].at) >= rateMost/3 {
		r.seen = r.seen[1:]
	}
	if n := len(r.seen); n == 0 || now.Sub(r.seen[n-1].at) >= rateLeast {
		r.seen = append(r.seen, measured{now, events})
	}
	first := r.seen[0]
	passed := now.Sub(first.at)
	if passed < rateLeast || events < first.events {
		return 0, false
	}
	return float64(events-first.events) / passed.Seconds(), true
}
