package main

import (
	"bytes"
	"os"
	"strconv"
)

// resetPeak makes the kernel forget the highest resident size so far.
func resetPeak() {
	// Where this is not allowed the peak is that of the whole process, which is more, never less.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200)
}

// peak returns the highest resident size in bytes, 0 if it is not known.
func peak() int64 { return statusBytes("VmHWM:") }

// statusBytes returns a figure of the process's status.
func statusBytes(name string) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, b, ok := bytes.Cut(b, []byte(name))
	f := bytes.Fields(b)
	if !ok || len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(f[0]), 10, 64)
	return n << 10
}
