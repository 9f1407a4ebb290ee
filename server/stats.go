package server

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"kelpie/engine"
)

// stats are the server's figures.
type stats struct {
	connections, turnedAway      atomic.Int64
	accepted, refused, duplicate atomic.Int64 // events
	appended                     histogram
	decisions                    decisionStats
}

// Stats are what a server has done since it began, for its metrics.
type Stats struct {
	Connections int64            // that are open
	TurnedAway  int64            // connections, because there were too many
	Accepted    int64            // events that became durable
	Refused     int64            // events
	Duplicates  int64            // events that were known already
	Appended    engine.Histogram // seconds from reading a body until its events were durable
	Memory      int64            // bytes that the bodies of requests take
	Known       KnownStats
	Decisions   DecisionStats
	Routes      []RouteStats
}

// RouteStats are the answers to requests of one route.
type RouteStats struct {
	Name  string        // method and path
	Codes map[int]int64 // by status
	Took  engine.Histogram
}

// Stats returns the figures as they are.
func (s *Server) Stats() Stats {
	all := Stats{
		Connections: s.stats.connections.Load(), TurnedAway: s.stats.turnedAway.Load(),
		Accepted: s.stats.accepted.Load(), Refused: s.stats.refused.Load() - s.o.Refused, Duplicates: s.stats.duplicate.Load(),
		Appended: s.stats.appended.read(), Memory: s.memory.taken.Load(),
		Known:     s.known.stats(s.o.Now().UnixMilli()),
		Decisions: s.stats.decisions.read(),
	}
	for _, r := range append(slices.Clone(s.routes), &s.other) {
		x := RouteStats{Name: r.name(), Codes: map[int]int64{}, Took: r.took.read()}
		for code := range r.codes {
			if n := r.codes[code].Load(); n > 0 {
				x.Codes[code] = n
			}
		}
		all.Routes = append(all.Routes, x)
	}
	return all
}

// histogram is an engine.Histogram that any goroutine may add to.
type histogram struct {
	counts [16]atomic.Int64 // by bucket; what is larger than all of them is in the one behind
	sum    atomic.Uint64    // bits of a float64, seconds
}

var buckets = engine.Buckets()

func (h *histogram) observe(d time.Duration) {
	x, i := d.Seconds(), 0
	for i < len(buckets) && x > buckets[i] {
		i++
	}
	h.counts[i].Add(1)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+x)) {
			return
		}
	}
}

func (h *histogram) read() engine.Histogram {
	r := engine.Histogram{Counts: make([]int64, len(buckets)), Sum: math.Float64frombits(h.sum.Load())}
	for i := range buckets {
		r.Counts[i] = h.counts[i].Load()
		r.Count += r.Counts[i]
	}
	r.Count += h.counts[len(buckets)].Load()
	return r
}
