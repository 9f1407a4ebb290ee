package window

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"kelpie/event"
)

// QuantileSketch stands in for the values of a window beyond the limit up to which percentiles are exact. The value that
// it finds at a rank is at most QuantileError away from the true one, relative to it. The zero QuantileSketch is empty.
//
// It is a DDSketch (Masson, Rim and Lee, VLDB 2019) whose buckets are cut from the float64 itself: sign, exponent and six
// bits of the mantissa, 64 buckets to every doubling. So a bucket needs no logarithm, is the same on every processor, and
// no bucket is ever joined with another: sketch and bytes depend on the values alone, not on their order or on how they
// were merged. Values below 2^-1022 in size count as 0.
type QuantileSketch struct {
	buckets    []bucket // sorted by index
	total      uint64
	least, top float64 // the least and the greatest value
}

// bucket is an index, in the order of the values it stands for, and how many there are.
type bucket struct {
	index int32
	count uint64
}

// QuantileError is the greatest relative error of a QuantileSketch: half a bucket.
const QuantileError = 1.0 / 128

const (
	mantissaCut   = 52 - 6
	leastNormal   = 1 << 6       // bucket of 2^-1022; smaller ones are 0
	largestBucket = 0x7ff<<6 - 1 // of the largest float64
	sketchVersion = 1            // of the bytes
	halfBucket    = uint64(1) << (mantissaCut - 1)
)

var errSketch = errors.New("window: damaged sketch")

// Len returns how many values were added.
func (s *QuantileSketch) Len() uint64 { return s.total }

// Add adds one value, which must be finite.
func (s *QuantileSketch) Add(x float64) {
	s.widen(x, x)
	s.addTo(bucketOf(x))
	s.total++
}

// Merge adds all values of other.
func (s *QuantileSketch) Merge(other *QuantileSketch) {
	if other.total == 0 {
		return
	}
	s.widen(other.least, other.top)
	i := 0
	for _, b := range other.buckets {
		for i < len(s.buckets) && s.buckets[i].index < b.index {
			i++
		}
		s.addAt(i, b)
	}
	s.total += other.total
}

// Quantile is Quantile(q) over the values that the sketch finds in place of the true ones; missing if it is empty.
func (s *QuantileSketch) Quantile(q float64) event.Value {
	if s.total == 0 {
		return event.Value{}
	}
	below, above, share := rankOf(q, int(s.total))
	return event.FloatValue(interpolate(s.at(uint64(below)), s.at(uint64(above)), share))
}

// Reset empties the sketch and keeps its memory.
func (s *QuantileSketch) Reset() { *s = QuantileSketch{buckets: s.buckets[:0]} }

// AppendBinary appends the sketch's bytes: version, number of values, least and greatest (if there are any), number of
// buckets, then for each the distance of its index from the one before and its count. It returns no error.
func (s *QuantileSketch) AppendBinary(dst []byte) ([]byte, error) {
	dst = append(dst, sketchVersion)
	dst = binary.AppendUvarint(dst, s.total)
	if s.total == 0 {
		return dst, nil
	}
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.least))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.top))
	dst = binary.AppendUvarint(dst, uint64(len(s.buckets)))
	before := int32(-largestBucket - 1)
	for _, b := range s.buckets {
		dst = binary.AppendUvarint(dst, uint64(b.index-before))
		dst = binary.AppendUvarint(dst, b.count)
		before = b.index
	}
	return dst, nil
}

// UnmarshalBinary replaces the sketch by the one whose bytes AppendBinary made; bytes that cannot be such are an error,
// and leave it empty.
func (s *QuantileSketch) UnmarshalBinary(data []byte) error {
	s.Reset()
	r := reader{data: data}
	if r.byte() != sketchVersion {
		return errSketch
	}
	total := r.uvarint()
	if total > 0 {
		s.least, s.top = math.Float64frombits(r.word()), math.Float64frombits(r.word())
		s.readBuckets(&r)
	}
	if r.failed || len(r.data) > 0 || s.total != total || !s.isSound() {
		s.Reset()
		return errSketch
	}
	return nil
}

func (s *QuantileSketch) readBuckets(r *reader) {
	index := int64(-largestBucket - 1)
	for n := r.uvarint(); n > 0 && !r.failed; n-- {
		step, count := r.uvarint(), r.uvarint()
		if step == 0 || step > 2*largestBucket+1 || count == 0 || count > math.MaxInt64-s.total {
			r.failed = true
			return
		}
		if index += int64(step); index > largestBucket {
			r.failed = true
			return
		}
		s.buckets = append(s.buckets, bucket{int32(index), count})
		s.total += count
	}
}

// isSound reports whether least and greatest belong to the first and last bucket.
func (s *QuantileSketch) isSound() bool {
	if s.total == 0 {
		return true
	}
	return s.least <= s.top && bucketOf(s.least) == s.buckets[0].index && bucketOf(s.top) == s.buckets[len(s.buckets)-1].index
}

func (s *QuantileSketch) widen(least, top float64) {
	if s.total == 0 {
		s.least, s.top = least, top
		return
	}
	s.least, s.top = min(s.least, least), max(s.top, top)
}

func (s *QuantileSketch) addTo(index int32) {
	i, _ := slices.BinarySearchFunc(s.buckets, index, func(b bucket, index int32) int { return cmp.Compare(b.index, index) })
	s.addAt(i, bucket{index, 1})
}

// addAt adds a bucket at i, where it belongs.
func (s *QuantileSketch) addAt(i int, b bucket) {
	if i < len(s.buckets) && s.buckets[i].index == b.index {
		s.buckets[i].count += b.count
		return
	}
	s.buckets = slices.Insert(s.buckets, i, b)
}

// at returns the value that stands for the one with rank k.
func (s *QuantileSketch) at(k uint64) float64 {
	for _, b := range s.buckets {
		if k < b.count {
			return min(max(middleOf(b.index), s.least), s.top)
		}
		k -= b.count
	}
	return s.top
}

// bucketOf returns the index of x's bucket: 0 for 0, and below 0 for what is negative.
func bucketOf(x float64) int32 {
	index := int32(math.Float64bits(math.Abs(x)) >> mantissaCut)
	switch {
	case index < leastNormal:
		return 0
	case x < 0:
		return -index
	}
	return index
}

// middleOf returns the middle of a bucket.
func middleOf(index int32) float64 {
	switch {
	case index == 0:
		return 0
	case index < 0:
		return -middleOf(-index)
	}
	return math.Float64frombits(uint64(index)<<mantissaCut | halfBucket)
}

// reader reads the bytes of a sketch; after the first failure all that it reads is 0.
type reader struct {
	data   []byte
	failed bool
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.failed = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) word() uint64 {
	if len(r.data) < 8 {
		r.failed = true
		r.data = nil
		return 0
	}
	w := binary.LittleEndian.Uint64(r.data)
	r.data = r.data[8:]
	return w
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.failed = true
		r.data = nil
		return 0
	}
	r.data = r.data[n:]
	return x
}
