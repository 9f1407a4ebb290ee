//go:build !linux

package state

// adviseHuge does nothing where huge pages are not asked for.
func adviseHuge([]byte) {}
