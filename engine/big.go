package engine

import (
	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// Facts that cannot forget single values (min, max, distinct, percentiles, unseen) are computed from the entries of
// the log in their window. Where these are many, a companion in memory goes along with the window, so that a judgement
// costs what has entered and left since the one before. A companion holds nothing that the log does not: it is made from
// the log when it is missing, is not stored, and any value is the one that a walk over the entries would find.

// bigs are the companions of a shard, by the row and scope whose log they go along with. Together they take no more than
// about limit bytes: one that was not asked for lately makes room.
type bigs struct {
	from  int // windows with more entries have a companion
	limit int64

	values   int // up to which facts with a limit are exact
	foldBits int
	folding  folding
	tally    seriesTally // of a series whose own goes along with another time, or not at all

	logs   map[bigKey]*bigLog
	lately [32]*bigLog // found lately, by hash: few keys have most events
	newest *bigLog     // in the order of use; a ring
	bytes  int64
	clock  uint64 // counts uses
}

const (
	bigFrom  = 64
	bigLimit = 256 << 20 // bytes of all shards
)

type bigKey struct {
	hash uint64 // of the row's key
	dim  uint16
	unit uint16 // of the scope
}

// bigLog holds the companions of the facts over one log.
type bigLog struct {
	bigKey
	key          string
	n            int // entries of the log
	bigs         []*big
	tallies      []*seriesTally // of the key's series
	bytes        int64
	changes      int    // since bytes were counted
	used         uint64 // clock
	newer, older *bigLog
}

// big holds the values of one fact in [from, to).
type big struct {
	fact     *fact
	closing  bool // asked for on closes, which see other entries
	from, to int64

	counter  window.Counter // distinct and unseen
	ordered  window.Ordered // percentiles
	extremes *window.Extremes
	acc      []byte // what can be taken back

	// For facts with a limit.
	n        int  // values
	live     bool // the sketch is that of the panes [lo, hi) that count, and of the values
	lo, hi   int
	distinct window.DistinctSketch
	quantile window.QuantileSketch
	about    int64 // the estimate
	stale    bool
}

// hasBig reports whether a companion can compute the fact.
func (f *fact) hasBig() bool {
	switch f.Agg {
	case "distinct", "unseen", "min", "max":
		return true
	case "previous", "gap", "first", "last":
		return false
	}
	return f.ranks() || f.agg.Size() > 0 && f.agg.Invertible()
}

// ranks reports whether the fact is a percentile.
func (f *fact) ranks() bool {
	return f.agg != nil && f.agg.Size() == 0 && f.Agg != "distinct" && f.Agg != "first" && f.Agg != "last"
}

// over computes the fact over its entries with times in [from, to).
func (sh *shard) over(j *judgement, s *scope, f *fact, row *state.Row, l *window.Log, from, to int64) (event.Value, bool) {
	if l.N == 0 || to <= from {
		return f.agg.Fold(nil)
	}
	lo, hi := l.SearchTime(from), l.SearchTime(to)
	switch f.Agg {
	case "first", "last":
		return sh.endOf(f, l, lo, hi), true
	}
	if hi-lo > sh.big.from {
		if c := sh.companion(j, s, f, row, l, from, to); c != nil {
			if v, exact := c.value(); exact || f.Agg == "min" || f.Agg == "max" {
				return v, exact
			}
		}
	}
	return sh.foldRange(f, l, lo, hi)
}

// endOf returns the first or last value among the entries [lo, hi).
func (sh *shard) endOf(f *fact, l *window.Log, lo, hi int) event.Value {
	for n := hi - lo; n > 0; n-- {
		i := hi - n
		if f.Agg == "last" {
			i = lo + n - 1
		}
		if !sh.sees(f, l.Mask(i)) {
			continue
		}
		if v := l.Value(i, f.column); !v.IsMissing() {
			return v
		}
	}
	return event.Value{}
}

// occurrences returns how many of the entries [lo, hi) hold the hash.
func (sh *shard) occurrences(f *fact, l *window.Log, lo, hi int, h window.Hash128) (n uint64) {
	for i := lo; i < hi; i++ {
		if !sh.sees(f, l.Mask(i)) {
			continue
		}
		if o, ok := l.Hash(i, f.column); ok && o == h {
			n++
		}
	}
	return n
}

// companion returns the fact's companion, brought to [from, to); nil if it has none and there is no room for one.
func (sh *shard) companion(j *judgement, s *scope, f *fact, row *state.Row, l *window.Log, from, to int64) *big {
	if sh.big.limit <= 0 || !f.hasBig() {
		return nil
	}
	g := sh.big.open(s, row, l)
	if g == nil {
		return nil
	}
	c := g.of(f, j.mode == onClose)
	g.changes += c.moveTo(l, from, to)
	sh.big.weigh(g)
	return c
}

// of returns the companion of a fact, a new one if there is none.
func (g *bigLog) of(f *fact, closing bool) *big {
	for _, c := range g.bigs {
		if c.fact == f && c.closing == closing {
			return c
		}
	}
	c := &big{fact: f, closing: closing}
	switch {
	case f.Agg == "min":
		c.extremes = window.MinQueue()
	case f.Agg == "max":
		c.extremes = window.MaxQueue()
	case f.agg != nil && f.agg.Size() > 0:
		c.acc = make([]byte, f.agg.Size())
	}
	g.bigs = append(g.bigs, c)
	return c
}

// moveTo brings the companion to [from, to) and returns how many entries it has looked at.
func (c *big) moveTo(l *window.Log, from, to int64) int {
	if from == c.from && to == c.to {
		return 0
	}
	if from >= c.to || to <= c.from || c.extremes != nil && to < c.to {
		c.reset()
		c.from, c.to = from, from
	}
	n := 0
	switch {
	case from < c.from:
		n += c.each(l, from, c.from, true)
	case c.extremes != nil:
		c.extremes.PopThrough(from - 1)
	default:
		n += c.each(l, c.from, from, false)
	}
	if to < c.to {
		n += c.each(l, to, c.to, false)
	} else {
		n += c.each(l, c.to, to, true)
	}
	c.from, c.to = from, to
	return n
}

// each puts the fact's entries in [from, to) in, or takes them out, and returns how many it has looked at.
func (c *big) each(l *window.Log, from, to int64, in bool) int {
	if to <= from || l.N == 0 {
		return 0
	}
	lo, hi := l.SearchTime(from), l.SearchTime(to)
	for i := lo; i < hi; i++ {
		switch {
		case !c.sees(l.Mask(i)):
		case in:
			c.put(l, i)
		default:
			c.take(l, i)
		}
	}
	return hi - lo
}

func (c *big) sees(mask uint64) bool {
	return mask&c.fact.bit != 0 && (mask&window.Forgotten == 0 || c.closing || c.fact.of != nil)
}

// put takes entry i in.
func (c *big) put(l *window.Log, i int) {
	f := c.fact
	switch {
	case f.Agg == "distinct" || f.Agg == "unseen":
		if h, ok := l.Hash(i, f.column); ok {
			c.n++
			c.counter.Add(h)
			c.stale = c.live && c.distinct.Add(h) || c.stale
		}
	case c.extremes != nil:
		c.extremes.Insert(l.Time(i), l.Seq(i), l.Value(i, f.column))
	case c.acc != nil:
		if v := argumentOf(f, l, i); !v.IsMissing() {
			f.agg.Add(c.acc, v)
		}
	default:
		if x, ok := l.Value(i, f.column).Float64(); ok {
			c.n++
			c.ordered.Insert(x)
			if c.live {
				c.quantile.Add(x)
			}
		}
	}
}

// take takes entry i out; a queue of extremes forgets by time instead.
func (c *big) take(l *window.Log, i int) {
	f := c.fact
	switch {
	case f.Agg == "distinct" || f.Agg == "unseen":
		if h, ok := l.Hash(i, f.column); ok {
			c.n--
			c.live = false
			c.counter.Remove(h)
		}
	case c.acc != nil:
		if v := argumentOf(f, l, i); !v.IsMissing() {
			f.agg.Sub(c.acc, v)
		}
	default:
		if x, ok := l.Value(i, f.column).Float64(); ok {
			c.n--
			c.live = false
			c.ordered.Delete(x)
		}
	}
}

// argumentOf returns what entry i gives the fact's aggregate.
func argumentOf(f *fact, l *window.Log, i int) event.Value {
	if f.column < 0 {
		return event.BoolValue(true)
	}
	return l.Value(i, f.column)
}

func (c *big) value() (event.Value, bool) {
	switch {
	case c.fact.Agg == "distinct":
		return event.IntValue(int64(c.counter.Len())), true
	case c.extremes != nil:
		return c.extremes.Value()
	case c.acc != nil:
		return c.fact.agg.Value(c.acc)
	}
	return c.ordered.Quantile(c.fact.Quantile), true
}

func (c *big) reset() {
	c.n, c.live = 0, false
	c.counter.Reset()
	c.ordered.Reset()
	clear(c.acc)
	if c.extremes != nil {
		c.extremes.Reset()
	}
}

func (c *big) size() int64 {
	n := 200 + c.counter.Size() + c.ordered.Size() + len(c.acc)
	if c.extremes != nil {
		n += c.extremes.Size()
	}
	if c.live {
		n += 20_000
	}
	return int64(n)
}

// bigInserted tells the companions of the log that entry i is new.
func (sh *shard) bigInserted(s *scope, row *state.Row, l *window.Log, i int) {
	g := sh.big.find(s, row)
	if g == nil {
		return
	}
	g.n++
	t, mask := l.Time(i), l.Mask(i)
	for _, c := range g.bigs {
		if c.from <= t && t < c.to && c.sees(mask) {
			c.put(l, i)
			g.changes++
		}
	}
}

// bigDrop tells the companions that the first n entries of the log, those before time t, are about to be dropped.
func (sh *shard) bigDrop(s *scope, row *state.Row, l *window.Log, n int, t int64) {
	g := sh.big.find(s, row)
	if g == nil {
		return
	}
	if l.N-n <= sh.big.from {
		sh.big.forget(g)
		return
	}
	g.n -= n
	for _, c := range g.bigs {
		if c.from < t {
			g.changes += c.moveTo(l, t, max(t, c.to))
		}
	}
}

// bigForget drops the companions of a log that has changed otherwise.
func (sh *shard) bigForget(s *scope, row *state.Row) {
	if g := sh.big.find(s, row); g != nil {
		sh.big.forget(g)
	}
}
