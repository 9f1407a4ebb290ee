package engine

import (
	"cmp"
	"math"
	"slices"

	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

// The block of a fact with a limit says what has been folded of it, pane by pane:
//
//	panes u32 | 0 u32 | panes × (start i64 | first i64 | last i64 | values u32 | marks u32 | offset u32 | size u32) | sketches
//
// Panes stand in order of (start, forgotten); values is how many were folded into the pane, first and last are the times
// of the oldest and the newest of them; with no values those of events without one. A sketch has size
// bytes from the offset on, counted from the start of the block.
const (
	panesHead = 8
	paneEntry = 40

	paneForgotten = 1 << 0 // only closes see it
	paneFrozen    = 1 << 1 // the values of a bucket that has closed for good: instead of a sketch, its value
	paneRough     = 1 << 2 // a frozen value that comes from a sketch
)

// panes is a view of such a block.
type panes []byte

func (p panes) n() int {
	if len(p) == 0 {
		return 0
	}
	return int(le.Uint32(p))
}

func (p panes) entry(i int) []byte          { return p[panesHead+i*paneEntry:] }
func (p panes) start(i int) int64           { return getTime(p.entry(i), 0) }
func (p panes) first(i int) int64           { return getTime(p.entry(i), 8) }
func (p panes) last(i int) int64            { return getTime(p.entry(i), 16) }
func (p panes) values(i int) uint32         { return le.Uint32(p.entry(i)[24:]) }
func (p panes) marks(i int) uint32          { return le.Uint32(p.entry(i)[28:]) }
func (p panes) size(i int) int              { return int(le.Uint32(p.entry(i)[36:])) }
func (p panes) raw(i int) []byte            { at := int(le.Uint32(p.entry(i)[32:])); return p[at : at+p.size(i)] }
func (p panes) frozen(i int) bool           { return p.marks(i)&paneFrozen != 0 }
func (p panes) hidden(i int, see bool) bool { return !see && p.marks(i)&paneForgotten != 0 }

// search returns the number of panes that start before t.
func (p panes) search(t int64) int {
	lo, hi := 0, p.n()
	for lo < hi {
		if m := (lo + hi) / 2; p.start(m) < t {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// paneOf is a pane that is being changed. Its sketch stays as bytes until a value is added.
type paneOf struct {
	start, first, last int64
	values, marks      uint32
	raw                []byte
	distinct           *window.DistinctSketch
	quantile           *window.QuantileSketch
}

// open returns the panes that are not over by time from; they point into the block.
func (p panes) open(f *fact, from int64) (out []paneOf) {
	for i := range p.n() {
		if f.paneOver(p, i, from) {
			continue
		}
		out = append(out, paneOf{start: p.start(i), first: p.first(i), last: p.last(i), values: p.values(i), marks: p.marks(i), raw: p.raw(i)})
	}
	return out
}

// paneOver reports whether nothing of the pane can be seen by windows from a time on.
func (f *fact) paneOver(p panes, i int, from int64) bool {
	end := p.start(i)
	switch {
	case f.kind == sessionScan:
		end = max(end, p.last(i))
	case f.coarse():
		end += f.grain - 1
	default:
		end += 2 * f.Window.Each // days of 25 hours, too
	}
	return end < from
}

// append writes the panes as a block.
func appendPanes(out []byte, all []paneOf) []byte {
	out = append(out, make([]byte, panesHead+len(all)*paneEntry)...)
	le.PutUint32(out, uint32(len(all)))
	for i := range all {
		p := &all[i]
		at := len(out)
		switch {
		case p.distinct != nil:
			out, _ = p.distinct.AppendBinary(out)
		case p.quantile != nil:
			out, _ = p.quantile.AppendBinary(out)
		default:
			out = append(out, p.raw...)
		}
		e := out[panesHead+i*paneEntry:]
		putTime(e, 0, p.start)
		putTime(e, 8, p.first)
		putTime(e, 16, p.last)
		le.PutUint32(e[24:], p.values)
		le.PutUint32(e[28:], p.marks)
		le.PutUint32(e[32:], uint32(at))
		le.PutUint32(e[36:], uint32(len(out)-at))
	}
	return out
}

// storePanes makes the panes the fact's block.
func (sh *shard) storePanes(f *fact, row *state.Row, all []paneOf) {
	out := appendPanes(sh.sketch[:0], all)
	sh.sketch = out
	b := row.Ensure(f.sketch, len(out))
	if len(b) > 2*len(out) {
		row.Shrink(f.sketch, len(out))
		b = row.Block(f.sketch)
	}
	clear(b[copy(b, out):])
}

// paneAt returns the pane that starts at start, making it in its place.
func paneAt(all []paneOf, start int64, marks uint32) ([]paneOf, *paneOf) {
	k, found := slices.BinarySearchFunc(all, start, func(p paneOf, start int64) int {
		return cmp.Or(cmp.Compare(p.start, start), cmp.Compare(p.marks&paneForgotten, marks))
	})
	if !found {
		all = slices.Insert(all, k, paneOf{start: start, first: math.MaxInt64, last: none, marks: marks})
	}
	return all, &all[k]
}

// add folds entry i into the pane.
func (p *paneOf) add(f *fact, l *window.Log, i int) error {
	t := l.Time(i)
	if !f.holds(l, i) {
		if p.values == 0 {
			p.first, p.last = min(p.first, t), max(p.last, t)
		}
		return nil
	}
	if err := p.decode(f); err != nil {
		return err
	}
	if p.values == 0 {
		p.first, p.last = t, t
	}
	p.first, p.last = min(p.first, t), max(p.last, t)
	if p.values < math.MaxUint32 {
		p.values++
	}
	if p.distinct != nil {
		h, _ := l.Hash(i, f.column)
		p.distinct.Add(h)
		return nil
	}
	x, _ := l.Value(i, f.column).Float64()
	p.quantile.Add(x)
	return nil
}

// decode makes the pane's sketch one that can be changed.
func (p *paneOf) decode(f *fact) error {
	switch {
	case p.distinct != nil || p.quantile != nil:
		return nil
	case f.Agg == "distinct":
		p.distinct = &window.DistinctSketch{}
		if len(p.raw) > 0 {
			return p.distinct.UnmarshalBinary(p.raw)
		}
		return nil
	}
	p.quantile = &window.QuantileSketch{}
	if len(p.raw) > 0 {
		return p.quantile.UnmarshalBinary(p.raw)
	}
	return nil
}

// freeze makes the pane that of a bucket with this value.
func (p *paneOf) freeze(v event.Value, rough bool) {
	x, ok := v.Float64()
	p.marks |= paneFrozen
	if rough {
		p.marks |= paneRough
	}
	p.values, p.distinct, p.quantile, p.raw = 0, nil, nil, nil
	if ok {
		p.raw = le.AppendUint64(nil, math.Float64bits(x))
	}
}

// freezeSketch makes the pane that of a bucket with the sketch's value.
func (p *paneOf) freezeSketch(f *fact) error {
	if err := p.decode(f); err != nil {
		return err
	}
	rough := p.values > 0
	if p.distinct != nil {
		p.freeze(event.IntValue(p.distinct.Estimate()), rough)
	} else {
		p.freeze(p.quantile.Quantile(f.Quantile), rough)
	}
	return nil
}

// forget leaves the panes to closes alone.
func (p panes) forget() {
	for i := range p.n() {
		le.PutUint32(p.entry(i)[28:], p.marks(i)|paneForgotten)
	}
}

// frozenValue returns the value of a frozen pane.
func (p panes) frozenValue(f *fact, i int) event.Value {
	if p.size(i) == 0 {
		return event.Value{}
	}
	x := math.Float64frombits(le.Uint64(p.raw(i)))
	if f.Agg == "distinct" {
		return event.IntValue(int64(x))
	}
	return event.FloatValue(x)
}

// firstIn returns the time of what comes first in [from, to), as good as the panes know it.
func (p panes) firstIn(from, to int64, see bool) (t int64, ok bool) {
	for i := range p.n() {
		if p.start(i) >= to {
			break
		}
		if p.hidden(i, see) {
			continue
		}
		if x := max(from, p.first(i)); p.last(i) >= from && x < to {
			return x, true
		}
	}
	return 0, false
}
