//go:build !unix

package main

import "os"

// mapFile reads a file: here it is not mapped.
func mapFile(name string) (b []byte, unmap func() error, err error) {
	b, err = os.ReadFile(name)
	return b, func() error { return nil }, err
}
