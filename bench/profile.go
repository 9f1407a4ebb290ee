package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profiles is where profiles of the timed runs are written; "" for none.
var profiles struct {
	dir, study string
	n          int
}

// startProfile begins a CPU profile of a timed run and returns what ends it.
func startProfile() (stop func()) {
	if profiles.dir == "" {
		return func() {}
	}
	name := filepath.Join(profiles.dir, fmt.Sprintf("%s.%d.cpu", profiles.study, profiles.n))
	profiles.n++
	f, err := os.Create(name)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
		}
	}
}

// allocProfile writes what has been allocated so far.
func allocProfile() error {
	if profiles.dir == "" {
		return nil
	}
	f, err := os.Create(filepath.Join(profiles.dir, profiles.study+".allocs"))
	if err != nil {
		return err
	}
	runtime.GC()
	if err := pprof.Lookup("allocs").WriteTo(f, 0); err != nil {
		return err
	}
	return f.Close()
}
