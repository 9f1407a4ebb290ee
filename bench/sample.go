package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// sample is one timed run.
type sample struct {
	events    int
	wall      time.Duration
	cpu       time.Duration // of all threads
	allocs    uint64        // objects
	peak      int64         // bytes in memory at most, without the events themselves; 0: not known
	yardstick measure       // the mean of before and after
}

// measure is how fast the yardstick was.
type measure struct {
	rate float64 // events a second
	cpu  float64 // µs per event; 0: not known
}

// job is what a sample is taken of. What comes before and after it is not timed.
type job struct {
	in     *input
	events int // 0: those of in
	before func() error
	run    func() error
	after  func() error
}

// turns takes n samples of each job, one after the other in turn.
func (l *lab) turns(n int, jobs ...*job) ([][]sample, error) {
	all := make([][]sample, len(jobs))
	for range n {
		for i, j := range jobs {
			s, err := l.sample(j)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], s)
		}
	}
	return all, nil
}

// sample runs a job once.
func (l *lab) sample(j *job) (s sample, err error) {
	if j.before != nil {
		if err := j.before(); err != nil {
			return s, err
		}
	}
	before, err := takeYardstick(j.in)
	if err != nil {
		return s, err
	}
	if err := l.time(j, &s); err != nil {
		return s, err
	}
	if s.events = j.events; s.events == 0 {
		s.events = j.in.count
	}
	after, err := takeYardstick(j.in)
	s.yardstick = measure{(before.rate + after.rate) / 2, (before.cpu + after.cpu) / 2}
	if err == nil && j.after != nil {
		err = j.after()
	}
	return s, err
}

// time fills in what is measured while the job runs.
func (l *lab) time(j *job, s *sample) error {
	debug.FreeOSMemory()
	forgetPeak()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	end, err := l.profiler.begin()
	if err != nil {
		return err
	}
	cpu, begin := cpuTime(), time.Now()
	err = j.run()
	s.wall, s.cpu = time.Since(begin), cpuTime()-cpu
	err = errors.Join(err, end())
	runtime.ReadMemStats(&after)
	s.allocs = after.Mallocs - before.Mallocs
	if p := peak(); p > 0 {
		s.peak = p - int64(j.in.size)
	}
	return err
}

// yardstickEvents is how many events the yardstick is timed on at most.
const yardstickEvents = 200_000

// takeYardstick times json.Valid on the first events of an input, on one core.
func takeYardstick(in *input) (measure, error) {
	var lines [][]byte
	for rest := in.data; len(rest) > 0 && len(lines) < yardstickEvents; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		lines = append(lines, line)
	}
	cpu, begin := cpuTime(), time.Now()
	for _, line := range lines {
		if !json.Valid(line) {
			return measure{}, fmt.Errorf("an event is no JSON: %s", line)
		}
	}
	n := float64(len(lines))
	return measure{n / time.Since(begin).Seconds(), micros(cpuTime()-cpu) / n}, nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// rate is events a second.
func rate(s *sample) float64 { return float64(s.events) / s.wall.Seconds() }

// perEvent is wall time per event, in ns.
func perEvent(s *sample) float64 { return float64(s.wall.Nanoseconds()) / float64(s.events) }

// perEventCPU is the time of all cores per event, in µs.
func perEventCPU(s *sample) float64 { return micros(s.cpu) / float64(s.events) }

// timesYardstickCPU is the same as a multiple of the yardstick's.
func timesYardstickCPU(s *sample) float64 {
	if s.yardstick.cpu == 0 {
		return 0 // not known
	}
	return perEventCPU(s) / s.yardstick.cpu
}

// seconds is wall time.
func seconds(s *sample) float64 { return s.wall.Seconds() }

// spread is the median of a figure, with the lowest and the highest.
type spread struct{ Low, Mid, High float64 }

// over returns the spread of a figure over samples.
func over(samples []sample, figure func(*sample) float64) spread {
	xs := make([]float64, len(samples))
	for i := range samples {
		xs[i] = figure(&samples[i])
	}
	return spreadOf(xs)
}

func spreadOf(xs []float64) spread {
	slices.Sort(xs)
	n := len(xs)
	return spread{xs[0], (xs[(n-1)/2] + xs[n/2]) / 2, xs[n-1]}
}

// ratios returns the spread of a figure as a multiple of the same figure of other samples, taken in turn.
func ratios(samples, base []sample, figure func(*sample) float64) spread {
	xs := make([]float64, len(samples))
	for i := range samples {
		xs[i] = figure(&samples[i]) / figure(&base[i])
	}
	return spreadOf(xs)
}
