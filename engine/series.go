package engine

import (
	"kelpie/detector"
	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// seriesFunc returns what a series is reduced with: x is the value of the bucket that is judged, vals those of the
// earlier buckets in order of time.
func seriesFunc(name string, q float64) func(x event.Value, vals []event.Value) event.Value {
	if judge := detector.ByName(name); judge != nil {
		return func(x event.Value, vals []event.Value) event.Value {
			now, ok := x.Float64()
			if !ok {
				return event.Value{}
			}
			base := make([]float64, 0, len(vals))
			for _, v := range vals {
				if f, ok := v.Float64(); ok {
					base = append(base, f)
				}
			}
			score, ok := judge(now, base)
			if !ok {
				return event.Value{}
			}
			return event.FloatValue(score)
		}
	}
	agg := window.ByName(name, q)
	if agg == nil {
		return nil
	}
	return func(_ event.Value, vals []event.Value) event.Value {
		v, _ := agg.Fold(vals)
		return v
	}
}

// emptyBucket returns the value of a bucket without events, missing where such buckets are left out.
func emptyBucket(agg string) event.Value {
	switch agg {
	case "count", "sum", "distinct", "rate":
		return event.IntValue(0)
	}
	return event.Value{}
}

// seriesFact computes a fact over the buckets before the one that is judged.
func (sh *shard) seriesFact(j *judgement, s *scope, f *fact, row *state.Row, b []byte) (event.Value, int64, bool) {
	w := f.Window
	var at int64 // the start of the bucket that is judged
	if j.mode == onClose {
		at = s.align.Shift(j.asOf, w.Each, -1)
	} else {
		at = s.align.Start(j.asOf, w.Each)
	}
	var x event.Value
	if end := s.align.Shift(at, w.Each, 1); f.scores && (j.mode == onClose || j.w < end) {
		v, _ := sh.between(j, s, f, row, b, at, end)
		x = f.finish(v, end-at)
	}
	vals := sh.series[:0]
	if row != nil {
		from := s.align.Shift(at, w.Each, -(w.Over+w.Before)/w.Each)
		to := s.align.Shift(at, w.Each, -w.Before/w.Each)
		if f.tally != nil {
			if t, ok := sh.tallyOf(j, s, f, row, b, from, to); ok {
				return f.tally(x, t), t.N(), true
			}
		}
		vals = sh.buckets(vals, j, s, f, row, b, from, to, at)
	}
	sh.series = vals
	return f.series(x, vals), int64(len(vals)), true
}

// buckets appends the values of the buckets that start in [from, to), from the first one that holds an event on.
func (sh *shard) buckets(vals []event.Value, j *judgement, s *scope, f *fact, row *state.Row, b []byte, from, to, at int64) []event.Value {
	each := f.Window.Each
	start, ok := sh.firstBucket(s, f, row, b, from, to)
	if !ok {
		return vals
	}
	empty := emptyBucket(f.Agg)
	if f.grid != nil && !f.Seasonal {
		return sh.heldBuckets(vals, s, f, row, start, to, empty)
	}
	week := s.align.Week(at)
	for t, end := start, int64(0); t < to; t = end {
		if end = s.align.Shift(t, each, 1); f.Seasonal && s.align.Week(t) != week {
			continue
		}
		v := empty
		if sh.holds(s, f, row, b, t, end) {
			v, _ = sh.between(j, s, f, row, b, t, end)
			v = f.finish(v, end-t)
		}
		if !v.IsMissing() {
			vals = append(vals, v)
		}
	}
	return vals
}

// heldBuckets is buckets by one walk over the panes that there are.
func (sh *shard) heldBuckets(vals []event.Value, s *scope, f *fact, row *state.Row, start, to int64, empty event.Value) []event.Value {
	each := f.Window.Each
	p := window.Spans{Block: row.Block(f.grid.unit), Width: f.grid.width}
	i := p.Find(start)
	for t, end := start, int64(0); t < to; t = end {
		end = s.align.Shift(t, each, 1)
		v := empty
		for i < p.N() && p.Start(i) < t {
			i++
		}
		if i < p.N() && p.Start(i) == t && p.Mask(i)&f.mask != 0 {
			v, _ = f.agg.Value(p.At(i)[f.acc : f.acc+f.agg.Size()])
			v = f.finish(v, end-t)
		}
		if !v.IsMissing() {
			vals = append(vals, v)
		} else if empty.IsMissing() && i >= p.N() {
			break
		}
	}
	return vals
}

// firstBucket returns the start of the first bucket in [from, to) that holds an event of the fact.
func (sh *shard) firstBucket(s *scope, f *fact, row *state.Row, b []byte, from, to int64) (int64, bool) {
	if f.grid != nil {
		p := window.Spans{Block: row.Block(f.grid.unit), Width: f.grid.width}
		for i := p.Find(from); i < p.N() && p.Start(i) < to; i++ {
			if p.Mask(i)&f.mask != 0 {
				return p.Start(i), true
			}
		}
		return 0, false
	}
	l := s.openLog(row, b)
	t, ok := f.panes(row).firstIn(max(from, sh.floor), to, sh.skip == 0 || f.of != nil)
	for i := l.SearchTime(max(from, sh.floor)); i < l.N && l.Time(i) < to && (!ok || l.Time(i) < t); i++ {
		if sh.sees(f, l.Mask(i)) {
			t, ok = l.Time(i), true
			break
		}
	}
	return s.align.Start(t, f.Window.Each), ok
}
