//go:build !linux

package main

func resetPeak() {}

// peak is known on Linux only.
func peak() int64 { return 0 }
