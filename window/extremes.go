package window

import (
	"slices"

	"kelpie/event"
)

// Extremes finds the least (MinQueue) or the greatest (MaxQueue) number of a window that slides. It keeps only values
// that can still become the answer: those with none at the same place or later that is as good. So in order of
// (time, seq) they get worse, the answer is in front, and a value costs amortised O(1), out of order O(log n) and a move.
type Extremes struct {
	entries []extreme // from head on, in order of (time, seq)
	head    int
	better  func(v, than event.Value) bool
}

// extreme is a number and where it stands in the stream.
type extreme struct {
	time int64
	seq  uint64
	v    event.Value
}

// MinQueue returns an empty queue for the least number.
func MinQueue() *Extremes { return &Extremes{better: isBelow} }

// MaxQueue returns an empty queue for the greatest number.
func MaxQueue() *Extremes { return &Extremes{better: isAbove} }

// Len returns how many values are kept, which is at most how many were put in and not popped.
func (q *Extremes) Len() int { return len(q.entries) - q.head }

// Insert puts a number in; what is none is ignored. Places (time, seq) are different, and may come in any order.
func (q *Extremes) Insert(time int64, seq uint64, v event.Value) {
	if !v.IsNumber() {
		return
	}
	at := len(q.entries)
	if at > q.head && !q.entries[at-1].isBefore(time, seq) {
		at = q.search(time, seq)
		if at < len(q.entries) && !q.better(v, q.entries[at].v) {
			return
		}
	}
	worse := at
	for worse > q.head && !q.better(q.entries[worse-1].v, v) {
		worse--
	}
	e := extreme{time, seq, event.Value{N: v.N, Kind: v.Kind, Scale: v.Scale}}
	if worse == at {
		q.entries = slices.Insert(q.entries, at, e)
		return
	}
	q.entries[worse] = e
	q.entries = slices.Delete(q.entries, worse+1, at)
}

// PopThrough forgets all values whose time is at most time.
func (q *Extremes) PopThrough(time int64) {
	for q.head < len(q.entries) && q.entries[q.head].time <= time {
		q.head++
	}
	if 2*q.head >= len(q.entries) {
		q.entries = slices.Delete(q.entries, 0, q.head)
		q.head = 0
	}
}

// Value returns the least or greatest number, as it came, missing if there is none. As with min and max, exact is false
// if it is a Float.
func (q *Extremes) Value() (v event.Value, exact bool) {
	if q.Len() == 0 {
		return event.Value{}, true
	}
	return extremeValue(q.entries[q.head].v)
}

// Reset empties the queue and keeps its memory.
func (q *Extremes) Reset() {
	q.entries = q.entries[:0]
	q.head = 0
}

// search returns the first entry that is not before (time, seq).
func (q *Extremes) search(time int64, seq uint64) int {
	low, high := q.head, len(q.entries)
	for low < high {
		mid := int(uint(low+high) / 2)
		if q.entries[mid].isBefore(time, seq) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func (e extreme) isBefore(time int64, seq uint64) bool {
	return e.time < time || e.time == time && e.seq < seq
}
