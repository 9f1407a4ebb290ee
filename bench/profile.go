package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profiler writes profiles of the timed parts of a study, if it has a folder for them: NAME.1.cpu and so on, which
// pprof takes together, and NAME.allocs.
type profiler struct {
	dir, name string
	n         int
}

// begin begins a CPU profile and returns what ends it.
func (p *profiler) begin() (end func() error, err error) {
	if p.dir == "" {
		return func() error { return nil }, nil
	}
	p.n++
	f, err := os.Create(filepath.Join(p.dir, fmt.Sprintf("%s.%d.cpu", p.name, p.n)))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// allocations writes what the process has allocated so far.
func (p *profiler) allocations() error {
	if p.dir == "" {
		return nil
	}
	f, err := os.Create(filepath.Join(p.dir, p.name+".allocs"))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
