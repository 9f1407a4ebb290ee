package state

import "math/bits"

// slabs hands out byte slots by size class from pages that hold no pointers. Slots are named by 32-bit locations;
// what is larger than the largest class has an allocation of its own.
type slabs struct {
	classes [numClasses]class
	huge    [][]byte
	free    []uint32 // free places in huge
	bytes   int64    // of slots in use
	single  int      // bytes of pages with allocations of their own
	region  []byte   // where the next pages are cut from
}

const (
	minShift   = 6  // the smallest slot has 64 bytes
	maxShift   = 15 // the largest has 32 KiB
	numClasses = (maxShift-minShift)*4 + 1
	hugeClass  = numClasses
	classBits  = 6
	pageSize   = 1 << 18
	regionSize = 8 << 20
)

type class struct {
	size  int
	shift uint // a page has 1<<shift slots
	pages [][]byte
	n     int // slots ever used
	free  []uint32
}

// classOf returns the smallest class with slots of at least n bytes: four classes per power of two.
func classOf(n int) int {
	if n <= 1<<minShift {
		return 0
	}
	if n > 1<<maxShift {
		return hugeClass
	}
	shift := bits.Len(uint(n-1)) - 1 // 2^shift < n <= 2^(shift+1)
	step := 1 << (shift - 2)
	quarter := (n - 1<<shift + step - 1) / step
	return (shift-minShift)*4 + quarter
}

func classSize(c int) int {
	base := 1 << (minShift + c/4)
	return base + c%4*(base/4)
}

func (s *slabs) alloc(n int) uint32 {
	c := classOf(n)
	if c == hugeClass {
		return s.allocHuge(n)
	}
	k := &s.classes[c]
	if k.size == 0 {
		k.size = classSize(c)
		k.shift = uint(bits.Len(uint(pageSize/k.size)) - 1)
	}
	s.bytes += int64(k.size)
	if f := len(k.free); f > 0 {
		i := k.free[f-1]
		k.free = k.free[:f-1]
		return i<<classBits | uint32(c)
	}
	if k.n == len(k.pages)<<k.shift {
		k.pages = append(k.pages, s.page(k.size<<k.shift))
	}
	k.n++
	return uint32(k.n-1)<<classBits | uint32(c)
}

// page returns memory for a page of n bytes. Only a state of some size takes it from regions that are so large that the
// kernel can back them by huge pages.
func (s *slabs) page(n int) []byte {
	if s.single < regionSize {
		s.single += n
		return make([]byte, n)
	}
	if len(s.region) < n {
		s.region = make([]byte, regionSize)
		adviseHuge(s.region)
	}
	p := s.region[:n:n]
	s.region = s.region[n:]
	return p
}

func (s *slabs) allocHuge(n int) uint32 {
	n += n / 4
	s.bytes += int64(n)
	b := make([]byte, n)
	if f := len(s.free); f > 0 {
		i := s.free[f-1]
		s.free = s.free[:f-1]
		s.huge[i] = b
		return i<<classBits | hugeClass
	}
	s.huge = append(s.huge, b)
	return uint32(len(s.huge)-1)<<classBits | hugeClass
}

func (s *slabs) at(loc uint32) []byte {
	c, i := loc&(1<<classBits-1), int(loc>>classBits)
	if c == hugeClass {
		return s.huge[i]
	}
	k := &s.classes[c]
	off := i & (1<<k.shift - 1) * k.size
	return k.pages[i>>k.shift][off : off+k.size : off+k.size]
}

func (s *slabs) release(loc uint32) {
	c, i := loc&(1<<classBits-1), loc>>classBits
	if c == hugeClass {
		s.bytes -= int64(len(s.huge[i]))
		s.huge[i] = nil
		s.free = append(s.free, i)
		return
	}
	k := &s.classes[c]
	s.bytes -= int64(k.size)
	k.free = append(k.free, i)
}
