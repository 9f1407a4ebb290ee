//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// mapFile maps a file into memory, outside the heap: events that a benchmark holds ready must not put off the garbage
// collections of the product.
func mapFile(name string) (b []byte, unmap func() error, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	b, err = syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %q: %w", name, err)
	}
	return b, func() error { return syscall.Munmap(b) }, nil
}
