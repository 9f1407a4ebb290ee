package engine

import (
	"cmp"
	"slices"

	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// point is a place on the time line where there is a value, or one that stands for many.
type point struct {
	t      int64
	weight int
	entry  int // -1: of a pane
}

// foldable marks the entries that are to be folded, none from before a time, and reports whether there are any.
func (sh *shard) foldable(s *scope, f *fact, row *state.Row, l *window.Log, from, w int64) bool {
	p := f.panes(row)
	lo := l.SearchTime(from)
	if f.sess != nil {
		return sh.heavySessions(f, row, l, p)
	}
	n := 0
	for i := lo; i < l.N; i++ {
		if l.Mask(i)&f.bit != 0 {
			n++
		}
	}
	if n <= sh.big.values {
		return false
	}
	if f.kind == seriesScan || f.Window.Kind == rules.Tumbling {
		sh.heavyBuckets(s, f, row, l, p, lo, w)
	} else {
		sh.heavyWindows(s, f, l, p, lo, from)
	}
	return slices.Contains(sh.big.folding.fold, true)
}

// heavySessions marks the entries of sessions that have more values than the limit, and those without a value.
func (sh *shard) heavySessions(f *fact, row *state.Row, l *window.Log, p panes) (any bool) {
	x := &sh.big.folding
	spans := window.Spans{Block: row.Block(f.sess.unit), Width: f.sess.width}
	for k := range spans.N() {
		from, to := spans.Start(k), spans.Last(k)+1
		heavy := f.touched(p, from, to, true, false)
		for n, i := 0, l.SearchTime(from); !heavy && i < l.N && l.Time(i) < to; i++ {
			if l.Mask(i)&f.bit != 0 && f.holds(l, i) {
				n++
				heavy = n > sh.big.values
			}
		}
		for i := l.SearchTime(from); i < l.N && l.Time(i) < to; i++ {
			if l.Mask(i)&f.bit != 0 && (heavy || !f.holds(l, i)) {
				x.fold[i], any = true, true
			}
		}
	}
	return any
}

// heavyBuckets marks the entries of buckets, or tumbling windows, that have more values than the limit, all entries of
// those that are kept as their values from now on, and entries without a value, which only tell that there were events.
func (sh *shard) heavyBuckets(s *scope, f *fact, row *state.Row, l *window.Log, p panes, lo int, w int64) {
	x := &sh.big.folding
	each := f.Window.Each
	for i := lo; i < l.N; {
		start := s.align.Start(l.Time(i), each)
		end := s.align.Shift(start, each, 1)
		hi := i
		var n [2]int // all that forgotten entries are seen with, and what the others are
		for ; hi < l.N && l.Time(hi) < end; hi++ {
			if l.Mask(hi)&f.bit != 0 && f.holds(l, hi) {
				n[0]++
				n[1] += 1 - int(f.forgotten(l, hi))
			}
		}
		heavy := [2]bool{n[0] > sh.big.values || f.touched(p, start, end, true, false), n[1] > sh.big.values || f.touched(p, start, end, false, false)}
		closed := f.freezes(s) && s.closed(start, each, each, w)
		any := false
		for ; i < hi; i++ {
			if l.Mask(i)&f.bit != 0 && (closed || !f.holds(l, i) || heavy[1-f.forgotten(l, i)]) {
				x.fold[i], any = true, true
			}
		}
		if closed && any {
			rough := sh.rough
			sh.rough = false
			v := sh.bucketOf(f, row, l, start, max(start, sh.since[f.id]), end, true)
			x.frozen = append(x.frozen, frozenBucket{start, v, sh.rough, l.Time(i - 1)})
			sh.rough = rough
		}
	}
}

// heavyWindows marks the entries of which every window that holds them has more values than the limit: no window is
// older than from. Windows that see nothing forgotten look at the other entries alone. Entries without a value are
// marked, too, where every window has as many events.
func (sh *shard) heavyWindows(s *scope, f *fact, l *window.Log, p panes, lo int, from int64) {
	length := f.Window.Over
	if s.zone != "" && f.Window.Kind != rules.Sliding {
		length /= 2 // days are shorter sometimes
	}
	again := s.judgesAgain() && f.of == nil
	for _, events := range []bool{false, true} {
		sh.mark(f, l, p, lo, from, length, events, false)
		if again {
			sh.mark(f, l, p, lo, from, length, events, true)
		}
	}
}

// mark is heavyWindows for entries that are forgotten, or for the others; with events for those without a value.
func (sh *shard) mark(f *fact, l *window.Log, p panes, lo int, from, length int64, events, forgotten bool) {
	sh.onLine(f, l, p, lo, events, forgotten)
	x := &sh.big.folding
	for i, light := range lightPoints(x.points, from, length, sh.big.values) {
		k := x.points[i].entry
		if light || k < 0 || events && f.holds(l, k) || (f.forgotten(l, k) != 0) != forgotten {
			continue
		}
		x.fold[k] = true
	}
}

// onLine puts what counts onto the time line: the entries from lo on, and what has been folded.
func (sh *shard) onLine(f *fact, l *window.Log, p panes, lo int, events, forgotten bool) {
	x := &sh.big.folding
	x.points = x.points[:0]
	for i := range p.n() {
		if (p.values(i) > 0 || events) && !p.hidden(i, forgotten) {
			x.points = append(x.points, point{p.first(i), sh.big.values + 1, -1}, point{p.last(i), sh.big.values + 1, -1})
		}
	}
	for i := lo; i < l.N; i++ {
		if l.Mask(i)&f.bit == 0 || !forgotten && f.forgotten(l, i) != 0 {
			continue
		}
		weight := 0
		if events || f.holds(l, i) {
			weight = 1
		}
		x.points = append(x.points, point{l.Time(i), weight, i})
	}
	slices.SortStableFunc(x.points, func(a, b point) int { return cmp.Compare(a.t, b.t) })
}

// lightPoints tells of each point whether some window [x, x+length), x not before from, holds it and weighs no more than
// the limit.
func lightPoints(points []point, from, length int64, limit int) []bool {
	light := make([]bool, len(points))
	lo, hi, done, sum := 0, 0, 0, 0
	for x := from; lo < len(points); {
		for ; hi < len(points) && points[hi].t < x+length; hi++ {
			sum += points[hi].weight
		}
		for ; lo < hi && points[lo].t < x; lo++ {
			sum -= points[lo].weight
		}
		if sum <= limit {
			for done = max(done, lo); done < hi; done++ {
				light[done] = true
			}
		}
		if lo == len(points) {
			break
		}
		next := points[lo].t + 1
		if hi < len(points) {
			next = min(next, points[hi].t-length+1)
		}
		x = next
	}
	return light
}

// earliest returns a time before which no window of the fact sees anything any more.
func (s *scope) earliest(f *fact, b []byte, w int64) int64 {
	if f.sess != nil {
		return none
	}
	reach := f.Window.Reach() + f.Window.Each
	from := int64(state.Never)
	if s.onEvent {
		a := getTime(b, scopeA)
		if s.foreign || f.of != nil || a == none {
			from = w - 2*s.longest
		} else {
			from = a - reach + 1
		}
	}
	if s.onClose {
		from = min(from, w-s.lateness-reach)
	}
	return from
}
