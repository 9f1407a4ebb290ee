package state

import (
	"syscall"
	"unsafe"
)

// hugePage is the size of a huge page, which memory has to be aligned to.
const hugePage = 2 << 20

// adviseHuge asks the kernel to back what of b consists of whole huge pages by such. Rows are read all over the place, and
// without it nearly every access to one of many misses the processor's table of pages, too. A kernel that refuses is no
// reason to do anything else.
func adviseHuge(b []byte) {
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
	if size := (len(b) - skip) &^ (hugePage - 1); size > 0 {
		_ = syscall.Madvise(b[skip:skip+size], syscall.MADV_HUGEPAGE)
	}
}
