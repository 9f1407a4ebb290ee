package main

import (
	"encoding/json"
	"errors"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// sample is one timed run.
type sample struct {
	Events int
	Wall   time.Duration
	CPU    time.Duration // of the process, user and system
	Allocs uint64
	Peak   int64 // bytes resident at most, without the mapped input; 0: not known
	Yard   float64
}

// rate returns events a second.
func (s *sample) rate() float64 { return float64(s.Events) / s.Wall.Seconds() }

// yardstick times json.Valid on the first events of an input, on one core, and returns events a second.
func yardstick(in *input) (float64, error) {
	n, at := 0, 0
	begin := time.Now()
	for n < 200_000 && at < len(in.data) {
		end := at + indexLine(in.data[at:])
		if !json.Valid(in.data[at:end]) {
			return 0, errors.New("the generated events are no JSON")
		}
		n, at = n+1, end+1
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}

// timed measures f, which folds all events of in, between two runs of the yardstick.
func timed(in *input, events int, f func() error) (s sample, err error) {
	before, err := yardstick(in)
	if err != nil {
		return s, err
	}
	debug.FreeOSMemory()
	resetPeak()
	var m0, m1 runtime.MemStats
	runtime.ReadMemStats(&m0)
	stop := startProfile()
	cpu, begin := cpuTime(), time.Now()
	err = f()
	s.Wall, s.CPU = time.Since(begin), cpuTime()-cpu
	stop()
	runtime.ReadMemStats(&m1)
	s.Events, s.Allocs = events, m1.Mallocs-m0.Mallocs
	if p := peak(); p > 0 {
		s.Peak = p - int64(len(in.data))
	}
	if err != nil {
		return s, err
	}
	after, err := yardstick(in)
	s.Yard = (before + after) / 2
	return s, err
}

// median returns the sample with the median of a figure.
func median(samples []sample, figure func(*sample) float64) float64 {
	var xs []float64
	for i := range samples {
		xs = append(xs, figure(&samples[i]))
	}
	slices.Sort(xs)
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}
