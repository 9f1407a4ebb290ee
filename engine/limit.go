package engine

import (
	"math/bits"
	"strconv"

	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// Distinct counts and percentiles are exact up to 10,000 values in the window, whatever kind of window it is; of more,
// they come from a sketch, and the row says so. So that a key takes bounded room, values are folded into sketches, one
// per pane, once every window that may still be judged and that holds them has more values than the limit: then no
// window that must be exact misses them. What is folded leaves the log, unless other facts need it.
//
// A pane is what windows are made of: a tumbling window, a bucket of a series, the step of a hopping window, a session.
// Windows that have no such parts, or too many of them (sliding ones, and hopping ones of more than 64 steps), have panes
// of about a 64th of their length, which count while more than half of them is inside.
//
// The buckets of a series close one after the other. What has closed for good is kept as its value alone.
//
// What is folded, and when, depends on the fact's own values and on the watermark, so that it is the same whatever other
// rules there are, however the stream is cut up, and after a crash.
const (
	maxValues = 10_000
	foldBits  = 10 // folding is considered at one of 2^foldBits events
	manySteps = 64
)

// hasLimit reports whether the fact, or the buckets of its series, may come from sketches.
func (f *fact) hasLimit() bool { return f.Agg == "distinct" || f.ranks() }

// folds reports whether values of the fact leave the log. Those of a session with a maximum do not: where it is cut may
// change with each late event.
func (f *fact) folds() bool { return f.limited && !(f.sess != nil && f.sess.max > 0) }

// coarse reports whether the fact's panes are stretches of time of their own.
func (f *fact) coarse() bool {
	return f.kind == slidingScan || f.kind == paneScan && f.Window.Over > manySteps*f.Window.Each
}

// paneLength returns the length of the panes of a coarse fact, a power of two.
func paneLength(over int64) int64 { return 1 << (bits.Len64(uint64(max(over/64, 1))) - 1) }

// holds reports whether entry i has a value of the fact, which has the entry.
func (f *fact) holds(l *window.Log, i int) bool {
	if f.Agg == "distinct" {
		_, ok := l.Hash(i, f.column)
		return ok
	}
	_, ok := l.Value(i, f.column).Float64()
	return ok
}

// panes returns what has been folded of the fact.
func (f *fact) panes(row *state.Row) panes {
	if !f.limited || row == nil {
		return nil
	}
	return row.Block(f.sketch)
}

// touched reports whether a value that was folded lies in [from, to), and any event if anything is true.
func (f *fact) touched(p panes, from, to int64, see, anything bool) bool {
	for i := p.n() - 1; i >= 0; i-- {
		if p.hidden(i, see) {
			continue
		}
		if (anything || p.values(i) > 0) && p.first(i) < to && p.last(i) >= from {
			return true
		}
	}
	return false
}

// counts reports whether a pane counts for the window [from, to).
func (f *fact) counts(p panes, i int, from, to int64) bool {
	start := p.start(i)
	if !f.coarse() {
		return start < to && max(start, p.last(i)) >= from
	}
	length := f.grain
	return 2*(min(start+length, to)-max(start, from)) > length
}

// forgetPanes takes what has been folded of a key that starts afresh away, or leaves it to closes alone.
func (f *fact) forgetPanes(s *scope, row *state.Row) {
	switch {
	case f.of != nil:
	case s.judgesAgain():
		f.panes(row).forget()
	default:
		row.Remove(f.sketch)
	}
}

// seesForgotten reports whether the judgement sees what a fresh start of the key has made forgotten.
func (f *fact) seesForgotten(m mode) bool { return m == onClose || f.of != nil }

// overLimited is over for a fact with a limit.
func (sh *shard) overLimited(j *judgement, s *scope, f *fact, row *state.Row, l *window.Log, from, to int64) (event.Value, bool) {
	p := f.panes(row)
	if row == nil || to <= from || l.N == 0 && p.n() == 0 {
		return sh.over(j, s, f, row, l, from, to)
	}
	see := f.seesForgotten(j.mode)
	touched := f.touched(p, from, to, see, false)
	if !touched && l.SearchTime(to)-l.SearchTime(from) <= sh.big.values {
		return sh.over(j, s, f, row, l, from, to)
	}
	c := sh.companion(j, s, f, row, l, from, to)
	if c == nil {
		c = &big{fact: f, closing: j.mode == onClose}
		c.moveTo(l, from, to)
	}
	if !touched && c.n <= sh.big.values {
		return c.value()
	}
	sh.rough = true
	if err := c.sketchOf(p, from, to, see); err != nil {
		sh.fatal(err)
	}
	return c.estimate(), true
}

// sketchOf makes the companion's sketch that of the panes that count for [from, to) and of its own values.
func (c *big) sketchOf(p panes, from, to int64, see bool) error {
	lo, hi := p.n(), 0
	for i := range p.n() {
		if !p.hidden(i, see) && c.fact.counts(p, i, from, to) {
			lo, hi = min(lo, i), i+1
		}
	}
	if c.live && c.lo == lo && c.hi == hi {
		return nil
	}
	c.distinct.Reset()
	c.quantile.Reset()
	c.live, c.lo, c.hi, c.stale = true, lo, hi, true
	var distinct window.DistinctSketch // of one pane after the other
	var quantile window.QuantileSketch
	for i := lo; i < hi; i++ {
		if p.hidden(i, see) || p.values(i) == 0 || !c.fact.counts(p, i, from, to) {
			continue
		}
		var err error
		if c.fact.Agg == "distinct" {
			err = distinct.UnmarshalBinary(p.raw(i))
			c.distinct.Merge(&distinct)
		} else {
			err = quantile.UnmarshalBinary(p.raw(i))
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

// bucketOf returns the value of the fact's bucket that starts at start, of which [from, to) counts.
func (sh *shard) bucketOf(f *fact, row *state.Row, l *window.Log, start, from, to int64, see bool) event.Value {
	p := f.panes(row)
	for i := p.search(start); i < p.n() && p.start(i) < to; i++ {
		if p.frozen(i) {
			sh.rough = sh.rough || p.marks(i)&paneRough != 0
			return p.frozenValue(f, i)
		}
	}
	to = max(from, to)
	touched := f.touched(p, from, to, see, false)
	if lo, hi := l.SearchTime(from), l.SearchTime(to); !touched && hi-lo <= sh.big.values {
		v, _ := sh.foldRange(f, l, lo, hi)
		return v
	}
	c := &big{fact: f, closing: see}
	c.moveTo(l, from, to)
	if !touched && c.n <= sh.big.values {
		v, _ := c.value()
		return v
	}
	sh.rough = true
	if err := c.sketchOf(p, from, to, see); err != nil {
		sh.fatal(err)
	}
	return c.estimate()
}

// paneLeaves returns the first time after t at which a pane stops to count; those before floor do not count at all.
func (f *fact) paneLeaves(p panes, t, floor int64) int64 {
	length, d := f.grain, f.Window.Over+f.Window.Before
	edge := length + d - 1 - length/2
	for i := p.search(max(t-d+1, floor) - length); i < p.n(); i++ {
		if x := p.start(i) + edge; x > t && !p.hidden(i, f.of != nil) {
			return x
		}
	}
	return state.Never
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
