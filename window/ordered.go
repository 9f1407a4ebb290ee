package window

import (
	"slices"

	"kelpie/event"
)

// Ordered is a multiset of float64s in order, for exact percentiles over sliding windows of up to some ten thousand
// values. The zero Ordered is empty. NaN must not be put in.
//
// The values lie in sorted chunks, which themselves are in order. No chunk is empty, none has more than orderedChunk
// values, and two neighbours never fit into half a chunk together, so that there are few of them: an operation costs a
// search among the chunks and a move within one. Emptied chunks are used again.
type Ordered struct {
	chunks [][]float64
	spare  [][]float64 // empty ones that still have room
	len    int
}

const orderedChunk = 256

// Len returns how many values there are.
func (o *Ordered) Len() int { return o.len }

// Insert puts one x in.
func (o *Ordered) Insert(x float64) {
	o.len++
	if len(o.chunks) == 0 {
		o.chunks = append(o.chunks, append(o.take(), x))
		return
	}
	i := min(o.chunkOf(x), len(o.chunks)-1)
	if len(o.chunks[i]) == orderedChunk {
		o.split(i)
		if last := len(o.chunks[i]) - 1; x > o.chunks[i][last] {
			i++
		}
	}
	at, _ := slices.BinarySearch(o.chunks[i], x)
	o.chunks[i] = slices.Insert(o.chunks[i], at, x)
}

// Delete takes one x out and reports whether there was one.
func (o *Ordered) Delete(x float64) bool {
	i := o.chunkOf(x)
	if i == len(o.chunks) {
		return false
	}
	at, found := slices.BinarySearch(o.chunks[i], x)
	if !found {
		return false
	}
	o.chunks[i] = slices.Delete(o.chunks[i], at, at+1)
	o.len--
	switch {
	case len(o.chunks[i]) == 0:
		o.drop(i)
	case i+1 < len(o.chunks) && len(o.chunks[i])+len(o.chunks[i+1]) <= orderedChunk/2:
		o.join(i)
	case i > 0 && len(o.chunks[i-1])+len(o.chunks[i]) <= orderedChunk/2:
		o.join(i - 1)
	}
	return true
}

// Select returns the value with rank k, from 0 to Len-1.
func (o *Ordered) Select(k int) float64 {
	for _, c := range o.chunks {
		if k < len(c) {
			return c[k]
		}
		k -= len(c)
	}
	return 0 // no such rank
}

// Quantile returns what Quantile(q) would fold from the values.
func (o *Ordered) Quantile(q float64) event.Value {
	if o.len == 0 {
		return event.Value{}
	}
	below, above, share := rankOf(q, o.len)
	return event.FloatValue(interpolate(o.Select(below), o.Select(above), share))
}

// Reset empties the multiset and keeps its memory.
func (o *Ordered) Reset() {
	for i := len(o.chunks) - 1; i >= 0; i-- {
		o.drop(i)
	}
	o.len = 0
}

// chunkOf returns the first chunk whose greatest value is not below x; there may be none.
func (o *Ordered) chunkOf(x float64) int {
	low, high := 0, len(o.chunks)
	for low < high {
		mid := int(uint(low+high) / 2)
		if c := o.chunks[mid]; c[len(c)-1] < x {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// split moves the upper half of chunk i to a chunk of its own.
func (o *Ordered) split(i int) {
	half := len(o.chunks[i]) / 2
	upper := append(o.take(), o.chunks[i][half:]...)
	o.chunks[i] = o.chunks[i][:half]
	o.chunks = slices.Insert(o.chunks, i+1, upper)
}

// join moves the values of chunk i+1 to chunk i.
func (o *Ordered) join(i int) {
	o.chunks[i] = append(o.chunks[i], o.chunks[i+1]...)
	o.drop(i + 1)
}

func (o *Ordered) drop(i int) {
	o.spare = append(o.spare, o.chunks[i][:0])
	o.chunks = slices.Delete(o.chunks, i, i+1)
}

func (o *Ordered) take() []float64 {
	if n := len(o.spare); n > 0 {
		c := o.spare[n-1]
		o.spare = o.spare[:n-1]
		return c
	}
	return nil
}
