package server

import (
	"kelpie/alert"
	"kelpie/journal"
	"kelpie/state"
)

// strip is how the service itself does, as each page shows it.
type strip struct {
	Phase     string
	Well      bool
	Rate      string // events a second; "" is not known yet
	Events    int64  // that were folded since the start
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
	x.Events = foldedOf(f)
	if perSecond, ok := s.pace.perSecond(now, x.Events); ok {
		x.Rate = countText(int64(perSecond + 0.5))
	}
	if f.Engine == nil {
		return x
	}
	if lag := now.UnixMilli() - f.Engine.Watermark; f.Engine.Watermark != state.NoTime && lag < longLag {
		x.Lag = spanText(lag)
	} else if f.Engine.Watermark != state.NoTime {
		x.Past = f.Engine.Watermark
	}
	return x
}
