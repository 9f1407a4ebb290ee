//go:build unix

package source

import (
	"os"
	"syscall"
)

// place returns where the file system keeps a file.
func place(info os.FileInfo) (device, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), uint64(s.Ino) //nolint:unconvert // their types differ between systems
	}
	return 0, 0
}
