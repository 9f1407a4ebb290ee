//go:build !unix

package main

import "os"

// mapFile reads a whole file: here there is no mapping.
func mapFile(name string) ([]byte, error) { return os.ReadFile(name) }
