package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// timer says that something in a row may be due.
type timer struct {
	due   int64
	hash  uint64 // of the row's key
	id    uint32 // of the row, if it is still in memory; else the hash finds it
	dim   uint16 // index into the plan's dims
	check uint16 // state.RowCheck of the key
}

// nowhere is the id of a row that is not in memory.
const nowhere = ^uint32(0)

// timers is a calendar of what has an exact time. What is due within the days that the watermark has reached stands in
// near, a binary heap by due time; what comes later waits in the list of its day, which costs next to nothing to fill,
// so that the heap stays small however much is due some time. What only wants to be forgotten some time later waits in
// coarse buckets of its own.
type timers struct {
	near  []timer
	days  map[int64]*dayList
	seen  [256]*dayList // lately, by the low bits of their days
	order []int64       // the days, a heap
	old   []*dayList    // to be used again
	bound int64         // nothing is due before it

	buckets map[int64][]timer
	first   int64 // no bucket before it
	spare   [][]timer
	out     []timer
}

// dayList is what is due on one day, in no order.
type dayList struct {
	day  int64
	list []timer
}

const (
	dayShift    = 14      // a day has 16,384 ms
	bucketWidth = 240_000 // ms
)

func newTimers() *timers {
	return &timers{days: map[int64]*dayList{}, bound: state.Never, buckets: map[int64][]timer{}, first: state.Never}
}

// reach reports whether something is due at watermark w; it is the first one of near then.
func (t *timers) reach(w int64) bool {
	if w < t.bound || w == state.Never {
		return false
	}
	t.open(w)
	return t.bound <= w
}

// open moves the days that begin by w to near.
func (t *timers) open(w int64) {
	for len(t.order) > 0 && t.order[0] <= w>>dayShift {
		day := heapPop(&t.order)
		d := t.days[day]
		delete(t.days, day)
		for _, x := range d.list {
			t.enter(x)
		}
		d.day, d.list = state.Never, d.list[:0]
		t.old = append(t.old, d)
	}
	t.setBound()
}

func (t *timers) setBound() {
	t.bound = state.Never
	if len(t.near) > 0 {
		t.bound = t.near[0].due
	}
	if len(t.order) > 0 {
		t.bound = min(t.bound, t.order[0]<<dayShift)
	}
}

// next returns when something is due first, state.Never if nothing is.
func (t *timers) next() int64 {
	due := int64(state.Never)
	if len(t.near) > 0 {
		due = t.near[0].due
	}
	if len(t.order) > 0 {
		for _, x := range t.days[t.order[0]].list {
			due = min(due, x.due)
		}
	}
	return due
}

// push files x.
func (t *timers) push(x timer) {
	if x.due == state.Never {
		return
	}
	day := x.due >> dayShift
	if len(t.near) > 0 && day <= t.near[0].due>>dayShift {
		t.enter(x)
		t.bound = min(t.bound, t.near[0].due)
		return
	}
	seen := &t.seen[day&int64(len(t.seen)-1)]
	d := *seen
	if d == nil || d.day != day {
		d = t.dayOf(day)
		*seen = d
	}
	d.list = append(d.list, x)
}

// dayOf returns the list of a day, a new one if there is none.
func (t *timers) dayOf(day int64) *dayList {
	d := t.days[day]
	if d != nil {
		return d
	}
	if n := len(t.old); n > 0 {
		d = t.old[n-1]
		t.old = t.old[:n-1]
	} else {
		d = &dayList{}
	}
	d.day = day
	t.days[day] = d
	heapPush(&t.order, day)
	t.bound = min(t.bound, day<<dayShift)
	return d
}

// enter puts x into near.
func (t *timers) enter(x timer) {
	h := append(t.near, x)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if h[p].due <= x.due {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = x
	t.near = h
}

// pop takes the first one of near out.
func (t *timers) pop() timer {
	h := t.near
	top, n := h[0], len(h)-1
	x := h[n]
	h = h[:n]
	for i := 0; n > 0; {
		c := 2*i + 1
		if c+1 < n && h[c+1].due < h[c].due {
			c++
		}
		if c >= n || x.due <= h[c].due {
			h[i] = x
			break
		}
		h[i] = h[c]
		i = c
	}
	t.near = h
	t.setBound()
	return top
}

func heapPush(heap *[]int64, x int64) {
	h := append(*heap, x)
	for i := len(h) - 1; i > 0 && h[(i-1)/2] > h[i]; i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	*heap = h
}

func heapPop(heap *[]int64) int64 {
	h := *heap
	top, n := h[0], len(h)-1
	h[0] = h[n]
	h = h[:n]
	for i, c := 0, 1; c < n; i, c = c, 2*c+1 {
		if c+1 < n && h[c+1] < h[c] {
			c++
		}
		if h[i] <= h[c] {
			break
		}
		h[i], h[c] = h[c], h[i]
	}
	*heap = h
	return top
}

// later files x for some time after its due.
func (t *timers) later(x timer) {
	k := window.Floor(x.due, bucketWidth)/bucketWidth + 1
	b := t.buckets[k]
	if n := len(t.spare); b == nil && n > 0 {
		b = t.spare[n-1]
		t.spare = t.spare[:n-1]
	}
	t.buckets[k] = append(b, x)
	t.first = min(t.first, k)
}

// passed takes the buckets that lie before time w.
func (t *timers) passed(w int64) []timer {
	if len(t.buckets) == 0 || t.first > w/bucketWidth {
		return nil
	}
	next := int64(state.Never)
	out := t.out[:0]
	for k, b := range t.buckets {
		if k <= w/bucketWidth {
			out = append(out, b...)
			t.spare = append(t.spare, b[:0])
			delete(t.buckets, k)
		} else {
			next = min(next, k)
		}
	}
	t.first, t.out = next, out
	return out
}
