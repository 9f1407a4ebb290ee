package engine

import (
	"sort"

	"kelpie/detector"
	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// Most series are of counts, or of sums of integers. What a function says of such values depends on how often each of
// them is there, not on their order, so it is read from a tally. In memory the tally of a key goes along with its series,
// so that a judgement costs what has entered and left since the one before, and not what the series is long; made anew
// from the buckets, it says the same.

// seriesTally is the values of the buckets in [from, to), from the first on that holds an event.
type seriesTally struct {
	fact     *fact
	closing  bool // asked for on closes, which look at other buckets
	from, to int64
	values   window.Tally
	held     []heldBucket // those that hold an event, in order
	gone     int          // of them, at the front, have left
}

// heldBucket is a bucket that holds an event.
type heldBucket struct{ start, value int64 }

// tallied returns what computes the series' function from a tally, nil if nothing does: where order matters, or where
// buckets are not of one length.
func (f *fact) tallied(s *scope) func(x event.Value, t *window.Tally) event.Value {
	if f.grid == nil || f.Seasonal || s.zone != "" && s.zone != "UTC" || f.Agg != "count" && f.Agg != "sum" {
		return nil
	}
	return tallyFunc(f.Series, f.SeriesQ)
}

// tallyFunc returns seriesFunc of a name over a tally that is not empty, nil if order matters to it.
func tallyFunc(name string, q float64) func(x event.Value, t *window.Tally) event.Value {
	switch name {
	case "count":
		return func(_ event.Value, t *window.Tally) event.Value { return event.IntValue(t.N()) }
	case "sum":
		return func(_ event.Value, t *window.Tally) event.Value { return event.IntValue(t.Sum()) }
	case "min":
		return func(_ event.Value, t *window.Tally) event.Value { return event.IntValue(t.Min()) }
	case "max":
		return func(_ event.Value, t *window.Tally) event.Value { return event.IntValue(t.Max()) }
	case "avg", "mean":
		return func(_ event.Value, t *window.Tally) event.Value { return event.FloatValue(t.Mean()) }
	case "stddev":
		return func(_ event.Value, t *window.Tally) event.Value { return known(t.Stddev()) }
	}
	if score := tallyDetector(name); score != nil {
		return func(x event.Value, t *window.Tally) event.Value {
			if now, ok := x.Float64(); ok {
				return known(score(now, t))
			}
			return event.Value{}
		}
	}
	if agg := window.ByName(name, q); agg == nil || agg.Size() > 0 || name == "distinct" || detector.ByName(name) != nil {
		return nil
	}
	return func(_ event.Value, t *window.Tally) event.Value { return event.FloatValue(t.Quantile(q)) }
}

// tallyDetector returns the detector of a name over a tally that is not empty.
func tallyDetector(name string) func(x float64, t *window.Tally) (float64, bool) {
	switch name {
	case "ratio_to_mean":
		return func(x float64, t *window.Tally) (float64, bool) { return detector.RatioTo(x, t.Mean()) }
	case "ratio_to_median":
		return func(x float64, t *window.Tally) (float64, bool) { return detector.RatioTo(x, t.Quantile(0.5)) }
	case "zscore":
		return func(x float64, t *window.Tally) (float64, bool) {
			s, ok := t.Stddev()
			if !ok {
				return 0, false
			}
			return detector.ZScoreOf(x, t.Mean(), s)
		}
	case "robust_zscore":
		return func(x float64, t *window.Tally) (float64, bool) {
			median, mad, meanAD := t.Deviations()
			return detector.RobustZScoreOf(x, median, mad, meanAD)
		}
	}
	return nil
}

func known(x float64, ok bool) event.Value {
	if !ok {
		return event.Value{}
	}
	return event.FloatValue(x)
}

// tallyOf returns the tally of the fact's buckets in [from, to); ok is false if some value is no small integer, or if
// there are none.
func (sh *shard) tallyOf(j *judgement, s *scope, f *fact, row *state.Row, b []byte, from, to int64) (*window.Tally, bool) {
	p := window.Spans{Block: row.Block(f.grid.unit), Width: f.grid.width}
	c := sh.tallyAlong(j, s, f, row, b, &p, from, to)
	if c == nil {
		c = &sh.big.tally
		*c = seriesTally{fact: f, values: c.values, held: c.held}
		c.reset(from)
	}
	if !c.moveTo(&p, from, to) {
		c.reset(none)
		return nil, false
	}
	return &c.values, c.values.N() > 0
}

// tallyAlong returns the tally that goes along with the key's series; nil if it has none, and there is no room for one, or
// if it is further already.
func (sh *shard) tallyAlong(j *judgement, s *scope, f *fact, row *state.Row, b []byte, p *window.Spans, from, to int64) *seriesTally {
	if p.N() <= sh.big.from || sh.big.limit <= 0 {
		return nil
	}
	l := s.openLog(row, b)
	g := sh.big.open(s, row, &l)
	if g == nil {
		return nil
	}
	var c *seriesTally
	for _, t := range g.tallies {
		if t.fact == f && t.closing == (j.mode == onClose) {
			c = t
		}
	}
	if c == nil {
		c = &seriesTally{fact: f, closing: j.mode == onClose}
		c.reset(from)
		g.tallies = append(g.tallies, c)
	}
	if from < c.from || to < c.to {
		return nil
	}
	g.changes++
	sh.big.weigh(g)
	return c
}

// reset makes the tally that of no buckets before a time.
func (c *seriesTally) reset(from int64) {
	c.from, c.to = from, from
	c.values.Reset()
	c.held, c.gone = c.held[:0], 0
}

// moveTo brings the tally to [from, to), neither of them earlier than before, and reports whether it could.
func (c *seriesTally) moveTo(p *window.Spans, from, to int64) bool {
	if from >= c.to {
		c.reset(from)
	}
	c.leave(from)
	for i := p.Find(c.to); i < p.N() && p.Start(i) < to; i++ {
		if p.Mask(i)&c.fact.mask == 0 {
			continue
		}
		v, ok := c.valueOf(p, i)
		if !ok {
			return false
		}
		at := p.Start(i)
		c.empty(at)
		c.values.Add(v, 1)
		c.held = append(c.held, heldBucket{at, v})
		c.to = at + c.fact.Window.Each
	}
	c.empty(to)
	c.from, c.to = from, to
	return true
}

// empty adds the empty buckets up to a time.
func (c *seriesTally) empty(to int64) {
	if len(c.held) > c.gone && to > c.to {
		c.values.Add(0, (to-c.to)/c.fact.Window.Each)
	}
	c.to = max(c.to, to)
}

// leave takes out the buckets that start before a time, and the empty ones behind them.
func (c *seriesTally) leave(from int64) {
	each := c.fact.Window.Each
	for c.gone < len(c.held) && c.held[c.gone].start < from {
		h := c.held[c.gone]
		c.gone++
		c.values.Add(h.value, -1)
		next := c.to
		if c.gone < len(c.held) {
			next = c.held[c.gone].start
		}
		c.values.Add(0, -((next-h.start)/each - 1))
	}
	if c.gone > len(c.held)/2 {
		c.held = c.held[:copy(c.held, c.held[c.gone:])]
		c.gone = 0
	}
}

// valueOf returns the value of a bucket.
func (c *seriesTally) valueOf(p *window.Spans, i int) (int64, bool) {
	f := c.fact
	v, _ := f.agg.Value(p.At(i)[f.acc : f.acc+f.agg.Size()])
	return window.Tallies(f.finish(v, f.Window.Each))
}

func (c *seriesTally) size() int64 { return int64(200 + 16*cap(c.held) + c.values.Size()) }

// tallyChanged tells the tallies of the key's series over the grid that the pane at index i has changed.
func (sh *shard) tallyChanged(s *scope, g *grid, row *state.Row, p *window.Spans, i int) {
	l := sh.big.find(s, row)
	if l == nil {
		return
	}
	for k := 0; k < len(l.tallies); k++ {
		c := l.tallies[k]
		if c.fact.grid == g && p.Mask(i)&c.fact.mask != 0 && !c.change(p, i) {
			l.tallies = append(l.tallies[:k], l.tallies[k+1:]...)
			k--
		}
	}
}

// change takes in the new value of pane i, and reports whether that is possible.
func (c *seriesTally) change(p *window.Spans, i int) bool {
	at := p.Start(i)
	if at < c.from || at >= c.to {
		return true
	}
	v, ok := c.valueOf(p, i)
	if !ok || c.gone == len(c.held) || at < c.held[c.gone].start {
		return false
	}
	k := c.gone + sort.Search(len(c.held)-c.gone, func(k int) bool { return c.held[c.gone+k].start >= at })
	if k < len(c.held) && c.held[k].start == at {
		c.values.Add(c.held[k].value, -1)
		c.held[k].value = v
	} else {
		c.values.Add(0, -1)
		c.held = append(c.held, heldBucket{})
		copy(c.held[k+1:], c.held[k:])
		c.held[k] = heldBucket{at, v}
	}
	c.values.Add(v, 1)
	return true
}
