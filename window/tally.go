package window

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"kelpie/event"
)

// Tally is a multiset of small integers that many functions of a series are read from: what comes and goes costs as much
// as there are different values, whatever their number. All that it says depends on the set alone, not on the order in
// which values came. The zero Tally is empty.
type Tally struct {
	counts  []Tallied // sorted by value, none with 0 times
	n       int64
	sum     int64
	squares [2]uint64 // of 128 bits, low half first
	off     []Tallied // scratch
}

// Tallied is a value and how often it is there.
type Tallied struct{ Value, Times int64 }

// TallyMax is the greatest size of a value in a Tally; there may be up to 2^20 values.
const TallyMax = 1 << 31

// Tallies returns v as a Tally takes it; ok is false for what is no integer, or too large.
func Tallies(v event.Value) (n int64, ok bool) {
	return v.N, v.Kind == event.Int && -TallyMax <= v.N && v.N <= TallyMax
}

// N returns how many values there are.
func (t *Tally) N() int64 { return t.n }

// Different returns how many different values there are.
func (t *Tally) Different() int { return len(t.counts) }

// Add puts v in so many times; fewer than 0 take it out, which must be there as often.
func (t *Tally) Add(v, times int64) {
	if times == 0 {
		return
	}
	i, found := slices.BinarySearchFunc(t.counts, v, func(c Tallied, v int64) int { return cmp.Compare(c.Value, v) })
	switch {
	case !found:
		t.counts = slices.Insert(t.counts, i, Tallied{v, times})
	case t.counts[i].Times+times == 0:
		t.counts = slices.Delete(t.counts, i, i+1)
	default:
		t.counts[i].Times += times
	}
	t.n += times
	t.sum += v * times
	size := uint64(max(v, -v))
	hi, lo := bits.Mul64(size*size, uint64(max(times, -times)))
	var carry uint64
	if times > 0 {
		t.squares[0], carry = bits.Add64(t.squares[0], lo, 0)
		t.squares[1], _ = bits.Add64(t.squares[1], hi, carry)
	} else {
		t.squares[0], carry = bits.Sub64(t.squares[0], lo, 0)
		t.squares[1], _ = bits.Sub64(t.squares[1], hi, carry)
	}
}

// Reset empties the tally and keeps its memory.
func (t *Tally) Reset() { *t = Tally{counts: t.counts[:0], off: t.off[:0]} }

// Size returns about how many bytes it takes.
func (t *Tally) Size() int { return 16 * (cap(t.counts) + cap(t.off)) }

// Sum returns the sum of the values.
func (t *Tally) Sum() int64 { return t.sum }

// Min and Max return the least and the greatest value; there must be one.
func (t *Tally) Min() int64 { return t.counts[0].Value }
func (t *Tally) Max() int64 { return t.counts[len(t.counts)-1].Value }

// Mean returns the mean, rounded once; there must be a value.
func (t *Tally) Mean() float64 { return float64(t.sum) / float64(t.n) }

// Stddev returns the standard deviation of the sample, ok false for fewer than two values. n·Σx² - (Σx)² is exact.
func (t *Tally) Stddev() (s float64, ok bool) {
	if t.n < 2 {
		return 0, false
	}
	n := uint64(t.n)
	hi, lo := bits.Mul64(t.squares[0], n)
	hi += t.squares[1] * n
	size := uint64(max(t.sum, -t.sum))
	h, l := bits.Mul64(size, size)
	lo, borrow := bits.Sub64(lo, l, 0)
	hi, _ = bits.Sub64(hi, h, borrow)
	spread := float64(float64(hi)*0x1p64) + float64(lo)
	return math.Sqrt(spread / (float64(t.n) * float64(t.n-1))), true
}

// Quantile returns what the aggregate Quantile(q) says of the values; there must be one.
func (t *Tally) Quantile(q float64) float64 { return quantileOf(t.counts, t.n, q, 1) }

// quantileOf interpolates between the ranks of sorted values, each of which stands for itself divided by unit.
func quantileOf(counts []Tallied, n int64, q, unit float64) float64 {
	below, above, share := rankOf(q, int(n))
	return interpolate(float64(atRank(counts, int64(below)))/unit, float64(atRank(counts, int64(above)))/unit, share)
}

func atRank(counts []Tallied, k int64) int64 {
	for _, c := range counts {
		if k < c.Times {
			return c.Value
		}
		k -= c.Times
	}
	return 0 // no such rank
}

// Deviations returns the median of the values, and the median and the mean of their distances from it; there must be a
// value. All are exact but for the last division.
func (t *Tally) Deviations() (median, mad, mean float64) {
	median = t.Quantile(0.5)
	twice := int64(2 * median) // the median of integers is one, or lies half between two
	sum := int64(0)
	t.off = t.off[:0]
	for _, c := range t.counts {
		d := 2*c.Value - twice
		d = max(d, -d)
		sum += d * c.Times
		t.off = append(t.off, Tallied{d, c.Times})
	}
	slices.SortFunc(t.off, func(a, b Tallied) int { return cmp.Compare(a.Value, b.Value) })
	return median, quantileOf(t.off, t.n, 0.5, 2), float64(sum) / 2 / float64(t.n)
}
