package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// schedule says when things are to be sent: so many a second, whatever has become of those before. What is late because
// the service stalls, or because no connection is free, is late from the moment at which it was to be sent: a stall is seen
// by all that should have been sent meanwhile, not by the few that wait.
type schedule struct {
	start time.Time
	every time.Duration
	count int64
	next  atomic.Int64
}

// perSecond returns a schedule of n things in all, which begins soon.
func perSecond(rate float64, n int64) *schedule {
	return &schedule{start: time.Now().Add(100 * time.Millisecond), every: time.Duration(float64(time.Second) / rate), count: n}
}

// run sends what is due, over so many connections: each takes what is next.
func (s *schedule) run(connections int, address string, send func(w *wire, i int64, due time.Time) error) error {
	var all sync.WaitGroup
	errs := make(chan error, connections)
	for range connections {
		all.Go(func() { errs <- s.connection(address, send) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *schedule) connection(address string, send func(w *wire, i int64, due time.Time) error) (err error) {
	w, err := dial(address)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, w.close()) }()
	for {
		i := s.next.Add(1) - 1
		if i >= s.count {
			return nil
		}
		due := s.start.Add(time.Duration(i) * s.every)
		time.Sleep(time.Until(due))
		if err := send(w, i, due); err != nil {
			s.next.Store(s.count) // the others need not go on
			return err
		}
	}
}

// warmUp is the share of what is sent first that is not looked at.
const warmUp = 0.2

// times are how long things took.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// quantiles are what is told of many durations.
type quantiles struct {
	N             int
	P50, P99, Max time.Duration
}

// quantiles returns them of what came behind the first so many.
func (t *times) quantiles(behind int) (q quantiles) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Clone(t.all[min(behind, len(t.all)):])
	if q.N = len(all); q.N == 0 {
		return q
	}
	slices.Sort(all)
	q.P50, q.P99, q.Max = all[q.N/2], all[min(q.N-1, q.N*99/100)], all[q.N-1]
	return q
}

// latencyRow is the row of durations, of which 99 % are to be at most goal.
func latencyRow(what string, s []sample, qs []quantiles, goal time.Duration) row {
	r := commonRow(what, s)
	p50 := spreadOf(each(qs, func(q quantiles) float64 { return ms(q.P50) }))
	p99 := spreadOf(each(qs, func(q quantiles) float64 { return ms(q.P99) }))
	most := spreadOf(each(qs, func(q quantiles) float64 { return ms(q.Max) }))
	r.Figure = fmt.Sprintf("p50 %.2f ms, p99 %.2f ms (%.2f–%.2f), at most %.0f ms", p50.Mid, p99.Mid, p99.Low, p99.High, most.High)
	r.Goal, r.Met = fmt.Sprintf("p99 ≤ %g ms", ms(goal)), p99.Mid <= ms(goal)
	return r
}

func ms(d time.Duration) float64 { return micros(d) / 1000 }

func each[T, F any](all []T, f func(T) F) []F {
	out := make([]F, len(all))
	for i := range all {
		out[i] = f(all[i])
	}
	return out
}

// textRow is a row that says something beside the figures before it.
func textRow(what, text string, s []sample) row {
	r := commonRow(what, s)
	r.Figure, r.CPU, r.Peak, r.Allocs = text, 0, 0, -1
	return r
}
