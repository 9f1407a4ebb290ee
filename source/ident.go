package source

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"
)

// identLength is how many of a file's first bytes tell it from others, if it has as many.
const identLength = 1024

// ident says which file it is: where the file system keeps it, and how it begins. A file that has grown since is still
// the same one.
type ident struct {
	device, inode uint64
	length        int // bytes that sum is of
	sum           uint64
}

// String writes the ident as it is stored beside the records in the log.
func (i ident) String() string {
	return fmt.Sprintf("%x:%x:%d:%016x", i.device, i.inode, i.length, i.sum)
}

func parseIdent(s string) (i ident, ok bool) {
	n, err := fmt.Sscanf(s, "%x:%x:%d:%x", &i.device, &i.inode, &i.length, &i.sum)
	return i, err == nil && n == 4 && i.length >= 0 && i.length <= identLength
}

// identify finds out which file it is.
func identify(file io.ReaderAt, info os.FileInfo) (ident, error) {
	i := ident{}
	i.device, i.inode = place(info)
	head, err := readHead(file, identLength)
	i.length, i.sum = len(head), xxh3.Hash(head)
	return i, err
}

// readHead returns the first bytes, at most n.
func readHead(file io.ReaderAt, n int) ([]byte, error) {
	b := make([]byte, n)
	m, err := file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:m], nil
}

// sameFile reports whether a file is the one that a stored ident is about: it begins with the same bytes, and it is kept
// at the same place, or has so many first bytes that this cannot be chance. (Device numbers may change when a machine
// starts, and files are moved.)
func sameFile(file io.ReaderAt, info os.FileInfo, stored string) (bool, error) {
	want, ok := parseIdent(stored)
	if !ok {
		return false, nil
	}
	head, err := readHead(file, want.length)
	if err != nil || len(head) < want.length || xxh3.Hash(head) != want.sum {
		return false, err
	}
	device, inode := place(info)
	return want.length == identLength || device == want.device && inode == want.inode, nil
}
