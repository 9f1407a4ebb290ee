package engine

import (
	"math/bits"
	"strconv"

	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// Distinct counts and percentiles over sliding windows are exact up to 10,000 values in the window. Of more, the oldest
// are folded into a sketch per pane, a stretch of time of about a 64th of the window, and are needed in the log no more;
// the window's value then comes from the sketches and the values not folded. The pane at the window's edge counts while
// more than half of it is inside. The newest 10,000 values of the window are never folded, so that the value is exact
// again as soon as the window holds no more than these.
//
// What is folded, and when, depends on the fact's own values alone. Facts whose window may be asked for as of an older
// time (by another key, of other types, judged again for late events) keep all entries and are exact.
//
// The block of a fact is
//
//	bound i64 | newest i64 | panes u32 | 0 u32 | panes × (start i64 | size u32 | 0 u32 | sketch, padded to 8 bytes)
//
// All values before bound have been folded; newest is the time of the newest of them.
const (
	maxValues    = 10_000
	foldBits     = 10 // folding is considered at one of 2^foldBits values
	sketchBound  = 0
	sketchNewest = 8
	sketchPanes  = 16
	sketchHead   = 24
)

// limits reports whether the fact has a limit of values.
func (s *scope) limits(f *fact) bool {
	return f.kind == slidingScan && (f.Agg == "distinct" || f.ranks()) && f.of == nil && !s.foreign && !s.judgesAgain()
}

// placeLimits finds out which facts of the scope have a limit, and whether the log is there for them alone.
func (s *scope) placeLimits() {
	s.onlyLimited = len(s.sessions) == 0
	for _, f := range s.facts {
		switch {
		case s.limits(f):
			f.limited = true
			s.limited = append(s.limited, f)
		case f.feed >= 0:
			s.onlyLimited = false
		}
	}
	s.onlyLimited = s.onlyLimited && len(s.limited) > 0
}

// pane returns the length of the fact's panes, a power of two.
func (f *fact) pane() int64 { return 1 << (bits.Len64(uint64(max(f.Window.Over/64, 1))) - 1) }

// paneSketch is one pane of a block: as bytes until it is changed.
type paneSketch struct {
	start    int64
	raw      []byte
	distinct *window.DistinctSketch
	quantile *window.QuantileSketch
}

// readPanes returns the panes of a block; they point into it.
func readPanes(b []byte) (panes []paneSketch) {
	if b == nil {
		return nil
	}
	n := int(le.Uint32(b[sketchPanes:]))
	for at := sketchHead; n > 0; n-- {
		size := int(le.Uint32(b[at+8:]))
		panes = append(panes, paneSketch{start: getTime(b, at), raw: b[at+16 : at+16+size]})
		at += 16 + (size+7)&^7
	}
	return panes
}

// writePanes stores the panes.
func (sh *shard) writePanes(f *fact, row *state.Row, bound, newest int64, panes []paneSketch) {
	out := append(sh.sketch[:0], make([]byte, sketchHead)...)
	for i := range panes {
		p := &panes[i]
		at := len(out)
		out = append(out, make([]byte, 16)...)
		putTime(out, at, p.start)
		switch {
		case p.distinct != nil:
			out, _ = p.distinct.AppendBinary(out)
		case p.quantile != nil:
			out, _ = p.quantile.AppendBinary(out)
		default:
			out = append(out, p.raw...)
		}
		le.PutUint32(out[at+8:], uint32(len(out)-at-16))
		for len(out)&7 != 0 {
			out = append(out, 0)
		}
	}
	putTime(out, sketchBound, bound)
	le.PutUint32(out[sketchPanes:], uint32(len(panes)))
	putTime(out, sketchNewest, newest)
	sh.sketch = out
	b := row.Ensure(f.sketch, len(out))
	if len(b) > 2*len(out) {
		row.Shrink(f.sketch, len(out))
		b = row.Block(f.sketch)
	}
	clear(b[copy(b, out):])
}

// open decodes the pane so that it can be changed.
func (p *paneSketch) open(f *fact) error {
	switch {
	case p.distinct != nil || p.quantile != nil:
		return nil
	case f.Agg == "distinct":
		p.distinct = &window.DistinctSketch{}
		if p.raw != nil {
			return p.distinct.UnmarshalBinary(p.raw)
		}
		return nil
	}
	p.quantile = &window.QuantileSketch{}
	if p.raw != nil {
		return p.quantile.UnmarshalBinary(p.raw)
	}
	return nil
}

// limit folds what is to be folded after entry `at` has come into the log.
func (sh *shard) limit(s *scope, row *state.Row, at int, w int64) {
	for _, f := range s.limited {
		b := row.Block(s.unit)
		l := s.openLog(row, b)
		if !f.holds(&l, at) {
			continue
		}
		bound := int64(none)
		if fb := row.Block(f.sketch); fb != nil {
			bound = getTime(fb, sketchBound)
		}
		t := l.Time(at)
		late := t < bound
		if !late && (l.N <= sh.big.values || l.Seq(at)*0x9e3779b97f4a7c15>>(64-uint(sh.big.foldBits)) != 0) {
			continue
		}
		from, to := s.settled(f, b, t, w)
		from = max(from, sh.since[f.id])
		if late {
			if t >= from {
				sh.foldEntries(s, f, row, &l, at, at+1, bound, from)
			}
			continue
		}
		lo, hi := l.SearchTime(max(from, bound)), l.SearchTime(to)
		if k := f.keepFrom(&l, lo, hi, sh.big.values); k > lo {
			sh.foldEntries(s, f, row, &l, lo, k, l.Time(k), from)
		}
	}
}

// settled returns the part [from, to) of the fact's window that is inside for every judgement to come until something
// leaves it.
func (s *scope) settled(f *fact, b []byte, t, w int64) (from, to int64) {
	to = state.Never
	if s.onEvent {
		to = max(getTime(b, scopeA), t) - f.Window.Before + 1
	}
	if s.onClose {
		to = min(to, w-s.lateness-f.Window.Before)
	}
	return to - f.Window.Over, to
}

// holds reports whether entry i has a value of the fact.
func (f *fact) holds(l *window.Log, i int) bool {
	if l.Mask(i)&f.bit == 0 {
		return false
	}
	if f.Agg == "distinct" {
		_, ok := l.Hash(i, f.column)
		return ok
	}
	_, ok := l.Value(i, f.column).Float64()
	return ok
}

// keepFrom returns the first of the entries [lo, hi) from which on n values are kept, lo if there are no more. Entries of
// one millisecond stay together.
func (f *fact) keepFrom(l *window.Log, lo, hi, n int) int {
	k, i := hi, hi-1
	for ; i >= lo && n > 0; i-- {
		if f.holds(l, i) {
			k = i
			n--
		}
	}
	if n > 0 || k <= lo {
		return lo
	}
	return max(lo, l.SearchTime(l.Time(k)))
}

// foldEntries folds the fact's values in the entries [lo, hi) into panes, and drops the panes that end before from.
func (sh *shard) foldEntries(s *scope, f *fact, row *state.Row, l *window.Log, lo, hi int, bound, from int64) {
	length := f.pane()
	newest := int64(none)
	fb := row.Block(f.sketch)
	if fb != nil {
		newest = getTime(fb, sketchNewest)
	}
	panes := readPanes(fb)
	for len(panes) > 0 && panes[0].start+length <= from {
		panes = panes[1:]
	}
	for i := lo; i < hi; i++ {
		if !f.holds(l, i) {
			continue
		}
		newest = max(newest, l.Time(i))
		start := l.Time(i) &^ (length - 1)
		k := len(panes)
		for k > 0 && panes[k-1].start >= start {
			k--
		}
		if k == len(panes) || panes[k].start != start {
			panes = append(panes, paneSketch{})
			copy(panes[k+1:], panes[k:])
			panes[k] = paneSketch{start: start}
		}
		if err := panes[k].open(f); err != nil {
			sh.fatal(err)
			return
		}
		panes[k].add(f, l, i)
	}
	sh.writePanes(f, row, bound, newest, panes)
	if g := sh.big.find(s, row); g != nil {
		for _, c := range g.bigs {
			c.live = c.live && c.fact != f
		}
	}
}

func (p *paneSketch) add(f *fact, l *window.Log, i int) {
	if p.distinct != nil {
		h, _ := l.Hash(i, f.column)
		p.distinct.Add(h)
		return
	}
	x, _ := l.Value(i, f.column).Float64()
	p.quantile.Add(x)
}

// folded returns up to when the fact's values have been folded, none if they have not.
func (f *fact) folded(row *state.Row) int64 {
	if !f.limited || row == nil {
		return none
	}
	if b := row.Block(f.sketch); b != nil {
		return getTime(b, sketchBound)
	}
	return none
}

// firstPane returns the start of the first pane that counts for a window from a time on.
func (f *fact) firstPane(b []byte, from int64) (start int64, ok bool) {
	length := f.pane()
	if b == nil {
		return 0, false
	}
	n := int(le.Uint32(b[sketchPanes:]))
	for at := sketchHead; n > 0; n-- {
		if t := getTime(b, at); 2*(t+length-from) > length {
			return t, true
		}
		at += 16 + (int(le.Uint32(b[at+8:]))+7)&^7
	}
	return 0, false
}

// paneLeaves returns the first time after t at which a pane stops to count.
func (f *fact) paneLeaves(b []byte, t int64) int64 {
	length, d := f.pane(), f.Window.Over+f.Window.Before
	edge := length + d - 1 - length/2
	if start, ok := f.firstPane(b, t-d+1); ok {
		return start + edge
	}
	return state.Never
}

// overLimited is over for a fact with a limit.
func (sh *shard) overLimited(j *judgement, s *scope, f *fact, row *state.Row, l *window.Log, from, to int64) (event.Value, bool) {
	if row == nil || l.N == 0 && row.Block(f.sketch) == nil || to <= from {
		return sh.over(j, s, f, row, l, from, to)
	}
	fb := row.Block(f.sketch)
	if fb == nil && l.SearchTime(to)-l.SearchTime(from) <= sh.big.values {
		return sh.over(j, s, f, row, l, from, to)
	}
	start := max(from, f.folded(row))
	c := sh.companion(j, s, f, row, l, start, max(start, to))
	if c == nil {
		c = &big{fact: f, closing: j.mode == onClose}
		c.moveTo(l, start, max(start, to))
	}
	first, inside := f.firstPane(fb, from)
	if c.n < sh.big.values || c.n == sh.big.values && (fb == nil || getTime(fb, sketchNewest) < from) {
		return c.value()
	}
	sh.rough = true
	if err := c.sketchFrom(fb, first, inside); err != nil {
		sh.fatal(err)
	}
	return c.estimate(), true
}

// sketchFrom makes the companion's sketch that of the panes from first on and its own values.
func (c *big) sketchFrom(b []byte, first int64, inside bool) error {
	if c.live && c.first == first && c.inside == inside {
		return nil
	}
	c.distinct.Reset()
	c.quantile.Reset()
	c.live, c.first, c.inside, c.stale = true, first, inside, true
	var distinct window.DistinctSketch // of one pane after the other
	var quantile window.QuantileSketch
	for _, p := range readPanes(b) {
		if !inside || p.start < first {
			continue
		}
		var err error
		if c.fact.Agg == "distinct" {
			err = distinct.UnmarshalBinary(p.raw)
			c.distinct.Merge(&distinct)
		} else {
			err = quantile.UnmarshalBinary(p.raw)
			c.quantile.Merge(&quantile)
		}
		if err != nil {
			return err
		}
	}
	c.counter.Each(func(h window.Hash128) { c.distinct.Add(h) })
	c.ordered.Each(c.quantile.Add)
	return nil
}

// estimate returns the fact's value as the sketch has it.
func (c *big) estimate() event.Value {
	if c.fact.Agg != "distinct" {
		return c.quantile.Quantile(c.fact.Quantile)
	}
	if c.stale {
		c.about, c.stale = c.distinct.Estimate(), false
	}
	return event.IntValue(c.about)
}

// errorOf returns the relative error of the fact when it comes from a sketch.
func errorOf(agg string) float64 {
	if agg == "distinct" {
		return window.DistinctError
	}
	return window.QuantileError
}

// approximate returns the facts of the judgement that come from sketches, with their relative errors; nil if none does.
func (j *judgement) approximate() map[string]float64 {
	if j.approx == 0 {
		return nil
	}
	m := map[string]float64{}
	for i, f := range j.rule.Facts {
		if i < 64 && j.approx&(1<<i) != 0 {
			m[f.Name] = errorOf(f.Agg)
		}
	}
	return m
}

// appendApprox names the facts that come from sketches with their relative errors.
func appendApprox(b []byte, j *judgement) []byte {
	b = append(b, `,"approx":{`...)
	first := true
	for i, f := range j.rule.Facts {
		if i >= 64 || j.approx&(1<<i) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, f.Name)
		b = append(b, ':')
		b = strconv.AppendFloat(b, errorOf(f.Agg), 'g', -1, 64)
	}
	return append(b, '}')
}
