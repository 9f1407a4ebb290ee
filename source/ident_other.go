//go:build !unix

package source

import "os"

// place returns where the file system keeps a file: here only its first bytes tell files apart.
func place(os.FileInfo) (device, inode uint64) { return 0, 0 }
