package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// study is something to measure. It runs in a process of its own.
type study struct {
	name string
	run  func(*lab) ([]row, error)
}

// studies are all that there are, in the order of the table.
var studies = []study{
	{"fold", foldStudy},
	{"durable", durableStudy},
	{"logged", loggedStudy},
	{"http-batch", postedBatches},
	{"http-single", postedSingles},
	{"decisions", decisionsStudy},
	{"told", toldStudy},
	{"hour", hourStudy},
	{"keys", keysStudy},
	{"rules", rulesStudy},
	{"window", windowStudy},
	{"steady", steadyStudy},
	{"recovery", recoveryStudy},
	{"kafka", kafkaStudy},
}

// sizes say how much is measured.
type sizes struct {
	Events    int64 // of the streams of most studies
	Customers int   // of the same
	Keys      int   // that the state holds before keys measures
	Recovered int   // keys that the state holds before recovery measures
	Decisions int   // that are asked for a second, in the study of that name
	Runs      int   // samples of each
	Cores     int   // and shards
}

var (
	fullSizes  = sizes{Events: 1_000_000, Customers: 100_000, Keys: 5_000_000, Recovered: 1_000_000, Decisions: 20_000, Runs: 5, Cores: 2}
	quickSizes = sizes{Events: 100_000, Customers: 10_000, Keys: 200_000, Recovered: 100_000, Decisions: 20_000, Runs: 3, Cores: 2}
)

// part returns a share of the events, at least some.
func (s *sizes) part(share float64) int64 {
	return max(int64(math.Round(float64(s.Events)*share)), 1000)
}

// lab is where a study works.
type lab struct {
	sizes
	dir      string // for events, states and logs
	profiler profiler
}

// folder returns a new, empty folder.
func (l *lab) folder(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o777)
}

// report runs a study and returns its rows.
func (l *lab) report(s *study) ([]row, error) {
	l.profiler.name = s.name
	rows, err := s.run(l)
	if err == nil {
		err = l.profiler.allocations()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return rows, nil
}
