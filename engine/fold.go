package engine

import (
	"encoding/binary"
	"slices"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

var le = binary.LittleEndian

// foldEvent is one event on its way through the fold.
type foldEvent struct {
	rec   *event.Record
	t     int64  // event time
	seq   uint64 // position
	w     int64  // the watermark, this event included
	index uint32 // in the stride
	seen  uint32 // order: time: the number of its source's ids, plus one; 0 if it is folded in any case
}

func getTime(b []byte, off int) int64    { return int64(le.Uint64(b[off:])) }
func putTime(b []byte, off int, t int64) { le.PutUint64(b[off:], uint64(t)) }

// openScope returns the scope's block, which is b or new: empty if it is new or if the key has been silent for so long that
// it starts afresh.
func (sh *shard) openScope(s *scope, row *state.Row, b []byte, w int64) []byte {
	if b != nil && s.onEvent && !s.foreign {
		if a := getTime(b, scopeA); a != none && w > a+s.longest {
			sh.forget(s, row)
			b = row.Block(s.unit)
		}
	}
	if b == nil {
		b = row.Ensure(s.unit, s.freshSize())
		s.reset(b, 0)
	}
	return b
}

// freshSize returns the bytes of the block of a key without history, with room for one event.
func (s *scope) freshSize() int {
	if s.log == nil {
		return s.fixed
	}
	return s.fixed + s.log.Width
}

// reset makes the block that of a key without history; flags are kept.
func (s *scope) reset(b []byte, flags uint64) {
	clear(b[:s.fixed])
	putTime(b, scopeA, none)
	putTime(b, scopeDue, state.Never)
	putTime(b, scopeNewest, none)
	le.PutUint64(b[scopeFlags:], flags)
	if s.log != nil {
		putTime(b, scopeCursor, none)
	}
}

// forget drops the events of the key. Open instances stay, and so do events of other types than the rules' (`of`), which
// judge nothing and so do not tell how long the key has been silent; so does what is known of closed sessions, which no
// event may join any more.
func (sh *shard) forget(s *scope, row *state.Row) {
	sh.bigForget(s, row)
	for _, f := range s.limited {
		f.forgetPanes(s, row)
	}
	if b := row.Block(s.unit); b != nil {
		s.forgetLog(row, b)
	}
	for _, g := range s.grids {
		if s.judgesAgain() {
			break
		}
		p := window.Spans{Block: row.Block(g.unit), Width: g.width}
		if g.keepOf(&p); p.N() == 0 {
			row.Remove(g.unit)
		}
	}
}

// forgetLog takes the events out of the scope's block.
func (s *scope) forgetLog(row *state.Row, b []byte) {
	newest, due, flags := getTime(b, scopeNewest), getTime(b, scopeDue), le.Uint64(b[scopeFlags:])
	start, n := uint32(0), 0
	if s.log != nil {
		n = s.keepOf(row, b)
		if s.judgesAgain() {
			start = le.Uint32(b[scopeStart:])
		}
	}
	s.reset(b, flags)
	putTime(b, scopeNewest, newest)
	putTime(b, scopeDue, due)
	if s.log == nil {
		return
	}
	le.PutUint32(b[scopeStart:], start)
	le.PutUint32(b[scopeN:], uint32(n))
	if n == 0 && s.log.Heap {
		row.Remove(s.heap)
	}
}

// judgesAgain reports whether closed windows of the scope, which a fresh start does not concern, may be judged again.
func (s *scope) judgesAgain() bool { return s.onEvent && s.onClose && s.lateness > 0 }

// keepOf moves the log's entries of `of` facts to the front and returns how many there are.
func (s *scope) keepOf(row *state.Row, b []byte) int {
	l := s.openLog(row, b)
	if s.judgesAgain() && l.N > 0 {
		l.Forget()
		return l.N
	}
	if !s.hasOf || l.N == 0 {
		return 0
	}
	var bits uint64
	for i := range s.feeds {
		if s.feeds[i].of != nil {
			bits |= 1 << i
		}
	}
	return l.Keep(bits)
}

// keepOf leaves in the panes only what belongs to `of` facts.
func (g *grid) keepOf(p *window.Spans) {
	var bits uint64
	for _, f := range g.facts {
		if f.of != nil {
			bits |= f.mask
		}
	}
	for i := p.N() - 1; i >= 0; i-- {
		m := p.Mask(i) & bits
		if m == 0 {
			p.Delete(i, i+1)
			continue
		}
		p.SetMask(i, m)
		for _, f := range g.facts {
			if f.of == nil {
				clear(p.At(i)[f.acc : f.acc+f.agg.Size()])
			}
		}
	}
}

// fold takes an event into the scope, whose block is b if it has one: its log, panes and sessions. It does not judge. Only a
// judged event moves A. It returns the block.
func (sh *shard) fold(s *scope, row *state.Row, b []byte, ev *foldEvent, judged bool) []byte {
	b = sh.openScope(s, row, b, ev.w)
	moves := row.Moves()
	sh.filter(s)
	for _, x := range s.sessions {
		sh.late[x.id] = !sh.enterSession(s, x, row, ev, judged)
	}
	for _, g := range s.grids {
		sh.enterPane(s, g, row, ev, judged)
	}
	if row.Moves() != moves {
		b, moves = row.Block(s.unit), row.Moves()
	}
	if s.log != nil {
		sh.enterLog(s, row, b, ev, judged)
		for _, x := range s.sessions {
			if x.max > 0 && !sh.late[x.id] {
				sh.recut(s, x, row)
			}
		}
	}
	if row.Moves() != moves {
		b = row.Block(s.unit)
	}
	a := getTime(b, scopeA)
	if judged || !s.onEvent {
		a = max(a, ev.t)
		putTime(b, scopeA, a)
	}
	if len(s.views) > 0 && judged {
		sh.moveTo(s, row, b, a)
	}
	if s.onClose {
		sh.schedule(s, row, b, ev)
	}
	newest := max(getTime(b, scopeNewest), ev.t)
	putTime(b, scopeNewest, newest)
	sh.setGC(row, newest, s)
	return b
}

// setGC sees to it that the row is looked at when nothing of the scope matters any more.
func (sh *shard) setGC(row *state.Row, newest int64, s *scope) {
	if g := newest + s.gc + s.linger + 1; g < row.GC() {
		sh.gcAt(row, g)
	}
}

// filter evaluates the scope's filters over the current event.
func (sh *shard) filter(s *scope) {
	sh.passed = sh.passed[:0]
	for _, f := range s.filters {
		truth, ok := f.Test(&sh.env)
		sh.passed = append(sh.passed, truth && ok)
	}
}

// takes reports whether the fact or feed with these types and filter takes the current event.
func (sh *shard) takes(of []string, filter int, judged bool) bool {
	if of == nil {
		if !judged {
			return false
		}
	} else if !slices.Contains(of, sh.typeText) {
		return false
	}
	return filter < 0 || sh.passed[filter]
}

// enterLog inserts the event into the log of the scope, whose block is b, with the feeds that it belongs to.
func (sh *shard) enterLog(s *scope, row *state.Row, b []byte, ev *foldEvent, judged bool) {
	var mask uint64
	for i := range s.feeds {
		f := &s.feeds[i]
		if !sh.takes(f.of, f.filter, judged) || f.gap != nil && sh.late[f.gap.id] {
			continue
		}
		if f.each > 0 && s.closed(s.align.Start(ev.t, f.each), f.each, f.span, ev.w) {
			continue
		}
		mask |= 1 << i
	}
	if mask == 0 {
		return
	}
	heap := sh.columns(s)
	l := s.openLog(row, b)
	if l.Full() {
		b, l = sh.room(s, row, b, ev.w)
	}
	if s.log.Heap {
		row.Ensure(s.heap, max(64, l.HeapNeed(heap)))
		b = row.Block(s.unit)
		l = s.openLog(row, b)
		l.HeapInit()
	}
	at := l.Search(ev.t, ev.seq)
	l.Insert(at, ev.t, ev.seq, mask)
	le.PutUint32(b[scopeN:], uint32(l.N))
	for i := range s.columns {
		c := &sh.cols[i]
		if s.columns[i].kind == window.HashColumn {
			l.SetHash(at, i, c.hash, c.ok)
		} else {
			l.SetValue(at, i, c.v)
		}
	}
	sh.inserted(s, b, &l, at, ev.t, mask)
	sh.bigInserted(s, row, &l, at)
	if len(s.limited) > 0 {
		sh.limit(s, row, at, ev.w)
	}
}

type columnValue struct {
	v    event.Value
	hash window.Hash128
	ok   bool
}

// columns evaluates the arguments that the scope's log keeps and returns how many bytes of text they hold.
func (sh *shard) columns(s *scope) (heap int) {
	sh.cols = slices.Grow(sh.cols[:0], len(s.columns))[:len(s.columns)]
	for i := range s.columns {
		c := &s.columns[i]
		out := &sh.cols[i]
		*out = columnValue{}
		v := sh.argument(c)
		switch c.kind {
		case window.HashColumn:
			var key []byte
			if key, out.ok = event.AppendKey(sh.key[:0], v); out.ok {
				out.hash = window.HashText(key)
			}
			sh.key = key
		case window.NumberColumn:
			out.v = sh.number(v)
		case window.FlagColumn:
			out.v = v
		default:
			out.v = v
			heap += len(v.S)
		}
	}
	return heap
}

func (sh *shard) argument(c *column) event.Value {
	if c.expr != nil {
		return c.expr.Eval(&sh.env)
	}
	if c.slot == rules.SlotType {
		return event.StringValue(sh.typeText)
	}
	return sh.env.Rec.Value(c.slot)
}

// number returns v if it is a number; anything else that is there is a type mismatch, and missing.
func (sh *shard) number(v event.Value) event.Value {
	if v.IsNumber() {
		return v
	}
	if !v.IsMissing() {
		sh.count.mismatches++
	}
	return event.Value{}
}

// room makes room in a full log: by forgetting what is in no window any more, else by growing.
func (sh *shard) room(s *scope, row *state.Row, b []byte, w int64) ([]byte, window.Log) {
	l := s.openLog(row, b)
	sh.drop(s, row, b, &l, w)
	used := (l.N + 1) * l.Width
	if used*4 > len(l.Entries)*3 {
		b = row.Ensure(s.unit, s.fixed+used+used/2/l.Width*l.Width) // 1, 3, 6, 10 entries, and so on
		l = s.openLog(row, b)
	}
	if step := wholePages(l.Width, len(l.Entries)); step > 1 {
		l.Compact(step)
		clear(l.Entries[(l.Start+l.N)*l.Width:])
	} else {
		l.Compact(1)
	}
	le.PutUint32(b[scopeStart:], uint32(l.Start))
	return b, s.openLog(row, b)
}

// wholePages returns by multiples of how many entries those of a log move: a large one by whole pages of the store, so that
// it is not written anew.
func wholePages(width, size int) int {
	pages := width
	for pages&1 == 0 && pages < state.PageSize {
		pages >>= 1
	}
	if pages *= state.PageSize; 8*pages > size { // the least common multiple of both
		return 1
	}
	return pages / width
}

// drop forgets the entries that no window can see any more.
func (sh *shard) drop(s *scope, row *state.Row, b []byte, l *window.Log, w int64) {
	horizon := s.horizon(row, b, w)
	n := l.SearchTime(horizon)
	if n == 0 {
		return
	}
	sh.bigDrop(s, row, l, n, horizon)
	l.Drop(n)
	le.PutUint32(b[scopeStart:], uint32(l.Start))
	le.PutUint32(b[scopeN:], uint32(l.N))
	for i := range s.views {
		at := scopeViews + 8*i
		lo, hi := int(le.Uint32(b[at:])), int(le.Uint32(b[at+4:]))
		le.PutUint32(b[at:], uint32(max(lo-n, 0)))
		le.PutUint32(b[at+4:], uint32(max(hi-n, 0)))
	}
	if s.log.Heap {
		size := l.CompactHeap()
		row.Shrink(s.heap, max(64, size*2))
	}
}

// horizon returns the time before which entries are in no window any more.
func (s *scope) horizon(row *state.Row, b []byte, w int64) int64 {
	if s.foreign {
		return w - 2*s.longest
	}
	h := int64(state.Never)
	a := getTime(b, scopeA)
	if s.onEvent {
		if a == none {
			h = w - 2*s.longest
		} else {
			h = a - s.keepEvent + 1
		}
	}
	if s.hasOf {
		h = min(h, w-2*s.longest)
	}
	if s.onClose {
		h = min(h, w-s.lateness-s.keepClose-s.beat)
	}
	for _, x := range s.sessions {
		p := window.Spans{Block: row.Block(x.unit), Width: x.width}
		if p.N() > 0 {
			h = min(h, p.Start(0))
		}
	}
	return h
}

// inserted keeps the views right when an entry came in at index at, before they move on.
func (sh *shard) inserted(s *scope, b []byte, l *window.Log, at int, t int64, mask uint64) {
	c := getTime(b, scopeCursor)
	if c == none {
		return
	}
	for i := range s.views {
		v := &s.views[i]
		off := scopeViews + 8*i
		lo, hi := le.Uint32(b[off:]), le.Uint32(b[off+4:])
		switch {
		case t <= c-v.before-v.over:
			le.PutUint32(b[off:], lo+1)
			le.PutUint32(b[off+4:], hi+1)
		case t <= c-v.before:
			le.PutUint32(b[off+4:], hi+1)
			sh.accumulate(s, b, l, i, at, true)
		}
	}
}

// accumulate adds entry e to, or takes it from, the accumulators of view v.
func (sh *shard) accumulate(s *scope, b []byte, l *window.Log, v, e int, add bool) {
	mask := l.Mask(e)
	if mask&window.Forgotten != 0 {
		return
	}
	for _, f := range s.facts {
		if f.kind != slidingAcc || f.view != v || mask&f.bit == 0 || l.Time(e) < sh.since[f.id] {
			continue
		}
		x := event.BoolValue(true)
		if f.column >= 0 {
			if x = l.Value(e, f.column); x.IsMissing() {
				continue
			}
		}
		acc := b[f.acc : f.acc+f.agg.Size()]
		if add {
			f.agg.Add(acc, x)
		} else {
			f.agg.Sub(acc, x)
		}
	}
}

// moveTo brings the views and accumulators to stand as of time t.
func (sh *shard) moveTo(s *scope, row *state.Row, b []byte, t int64) {
	l := s.openLog(row, b)
	if c := getTime(b, scopeCursor); t < c { // back, after a leave was judged: from scratch
		clear(b[scopeViews:s.fixed])
	}
	for i := range s.views {
		v := &s.views[i]
		off := scopeViews + 8*i
		lo, hi := int(le.Uint32(b[off:])), int(le.Uint32(b[off+4:]))
		for hi < l.N && l.Time(hi) <= t-v.before {
			sh.accumulate(s, b, &l, i, hi, true)
			hi++
		}
		for lo < hi && l.Time(lo) <= t-v.before-v.over {
			sh.accumulate(s, b, &l, i, lo, false)
			lo++
		}
		le.PutUint32(b[off:], uint32(lo))
		le.PutUint32(b[off+4:], uint32(hi))
	}
	putTime(b, scopeCursor, t)
}

// closed reports whether, at watermark w, an event in the pane that starts at p is too late for a fact whose windows
// end each (the first) to span (the last) after the start of the pane.
func (s *scope) closed(p, each, span, w int64) bool {
	return w >= s.align.Shift(p, each, span/each)+s.lateness
}

// enterPane takes the event into the pane that holds it.
func (sh *shard) enterPane(s *scope, g *grid, row *state.Row, ev *foldEvent, judged bool) {
	start := s.align.Start(ev.t, g.each)
	var mask uint64
	for _, f := range g.facts {
		if !sh.takes(f.of, f.filter, judged) || ev.t < sh.since[f.id] {
			continue
		}
		span := g.each
		if f.Window.Kind == rules.Hopping {
			span = f.Window.Over
		}
		if s.closed(start, g.each, span, ev.w) {
			sh.tooLate(s, f)
			continue
		}
		mask |= f.mask
	}
	if mask == 0 {
		return
	}
	p, i := sh.openPane(s, g, row, start, ev.w)
	pane := p.At(i)
	p.SetMask(i, p.Mask(i)|mask)
	for _, f := range g.facts {
		if mask&f.mask == 0 {
			continue
		}
		if v, ok := sh.value(f); ok {
			f.agg.Add(pane[f.acc:f.acc+f.agg.Size()], v)
		}
	}
	if g.series {
		sh.tallyChanged(s, g, row, &p, i)
	}
}

// value returns what the fact's aggregate is to be given of the current event.
func (sh *shard) value(f *fact) (event.Value, bool) {
	if f.arg == nil {
		return event.BoolValue(true), true
	}
	v := f.arg.Eval(&sh.env)
	switch f.Agg {
	case "count":
	case "ratio":
		if v.Kind != event.Bool {
			return event.Value{}, false
		}
	default:
		v = sh.number(v)
	}
	return v, !v.IsMissing()
}

// openPane returns the grid's panes with one that starts at start, which is pane i.
func (sh *shard) openPane(s *scope, g *grid, row *state.Row, start, w int64) (p window.Spans, i int) {
	p = window.Spans{Block: row.Block(g.unit), Width: g.width}
	i = p.Find(start)
	if i < p.N() && p.Start(i) == start {
		return p, i
	}
	if p.N() == p.Room() {
		i -= sh.dropPanes(s, g, row, &p, w)
		if p.N() == p.Room() {
			p.Block = row.Ensure(g.unit, window.SpansSize(max(1, p.N()+1+p.N()/2), g.width))
		}
		i = p.Find(start)
	}
	p.Insert(i, start, s.align.Shift(start, g.each, 1))
	return p, i
}

// dropPanes forgets the panes that no window can see any more.
func (sh *shard) dropPanes(s *scope, g *grid, row *state.Row, p *window.Spans, w int64) int {
	h := w - s.lateness - g.retain
	if s.onEvent && !s.onClose {
		a := getTime(row.Block(s.unit), scopeA)
		if a == none {
			return 0
		}
		h = min(h, a-g.retain)
	}
	n := 0
	for n < p.N() && p.Start(n)+g.each <= h {
		n++
	}
	p.Delete(0, n)
	return n
}
