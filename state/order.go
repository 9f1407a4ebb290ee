package state

import (
	"cmp"
	"math/bits"
	"slices"
)

// dirtyRow is a row that a Flush writes.
type dirtyRow struct {
	hash uint64
	id   uint32
}

// sortDirty puts the dirty rows in the order of their hashes, each once.
func (s *Rows) sortDirty() {
	s.unsorted = s.unsorted[:0]
	for _, id := range s.dirty {
		if m := &s.meta[id]; m.live && m.epoch == s.epoch {
			s.unsorted = append(s.unsorted, dirtyRow{m.hash, id})
		}
	}
	s.order = slices.Grow(s.order[:0], len(s.unsorted))[:len(s.unsorted)]
	s.buckets = sortRows(s.order, s.unsorted, s.buckets)
	s.order = slices.Compact(s.order) // what was deleted and made again in one epoch is there twice
}

// sortRows sorts rows into dst, which has as many. Hashes are spread evenly, so as many buckets as there are rows, by the
// high bits, hold few rows each. buckets is scratch, and returned.
func sortRows(dst, rows []dirtyRow, buckets []uint32) []uint32 {
	if len(rows) == 0 {
		return buckets
	}
	low, high := rows[0].hash, rows[0].hash
	for i := range rows {
		low, high = min(low, rows[i].hash), max(high, rows[i].hash)
	}
	shift := max(bits.Len64(high-low)-bits.Len(uint(len(rows))), 0)
	n := int((high-low)>>shift) + 1
	buckets = slices.Grow(buckets[:0], n+1)[:n+1]
	clear(buckets)
	for i := range rows {
		buckets[(rows[i].hash-low)>>shift+1]++
	}
	for i := range n {
		buckets[i+1] += buckets[i]
	}
	for _, r := range rows {
		at := &buckets[(r.hash-low)>>shift]
		dst[*at] = r
		*at++
	}
	from := uint32(0)
	for _, to := range buckets[:n] { // each has moved to where its bucket ends
		if to > from+1 {
			slices.SortFunc(dst[from:to], func(a, b dirtyRow) int {
				return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.id, b.id))
			})
		}
		from = to
	}
	return buckets
}

// flushGroup is of how many rows the cache misses overlap when they are written.
const flushGroup = 16

// approach reads here and there from rows that are about to be written, so that their bytes come into the cache.
func (s *Rows) approach(group []dirtyRow) {
	var locs [flushGroup]uint32
	for i, d := range group {
		locs[i] = s.meta[d.id].loc
	}
	b := s.touched
	for i := range group {
		row := s.mem.at(locs[i])
		for at := 0; at < min(len(row), 512); at += 64 {
			b += row[at]
		}
	}
	s.touched = b
}
