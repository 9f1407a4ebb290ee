package engine

import (
	"fmt"
	"math"
	"slices"

	"kelpie/detector"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

const hour = 3600 * 1000

// none is the time of a key that has not been judged yet.
const none = math.MinInt64

// scope is what rules over the same events share in one row: the same types, filter, key, longest window and way of
// being judged. Such rules have the same A and the same memory, whatever else is loaded. The block of a scope is
//
//	A i64 | due i64 | newest i64 | flags u64 [| cursor i64 | start u32 | n u32 | views × (lo u32, hi u32) | accumulators | log entries]
//
// A is the newest event time (semantics.md); due is when a window of it closes next; newest is the newest event time of
// any type, from which on the scope may be forgotten some time; flags has the bits of rules with an instance. The rest is
// there if the scope keeps a log: cursor is the time as of which the views and accumulators stand, start and n place the
// log's entries.
type scope struct {
	key      string
	dim      *dim
	where    *rules.Expr
	types    []string
	onEvent  bool
	onClose  bool
	foreign  bool
	hasOf    bool // some fact takes other event types than the rules'
	beat     int64
	span     int64 // the length of the longest window that is judged on a close
	longest  int64
	lateness int64
	align    *window.Align
	zone     string // of align

	unit, heap uint16
	rules      []*rulePlan
	facts      []*fact
	filters    []*rules.Expr
	feeds      []feed
	columns    []column
	log        *window.LogLayout // nil: no entries are kept
	limited    []*fact
	views      []view
	grids      []*grid
	sessions   []*sessions
	fixed      int
	keepEvent  int64 // entries older than A by this are in no window any more
	keepClose  int64 // entries older than the watermark by this, likewise
	gc         int64 // after the newest event, when nothing of the scope can matter any more
	quiet      bool  // sessions of which nothing can come are not awaited, see limits.go
	linger     int64 // how much longer it is kept, since a key that comes back soon is cheaper kept than made again
}

const (
	scopeA      = 0
	scopeDue    = 8
	scopeNewest = 16
	scopeFlags  = 24
	scopeHeader = 32

	scopeCursor = 32
	scopeStart  = 40
	scopeN      = 44
	scopeViews  = 48
)

// feed is one way into the log: the events of the rule or of other types, with a filter, and how late they may be.
type feed struct {
	of     []string
	filter int       // index into filters, -1: none
	each   int64     // of a fact with each: too late when the window has closed; 0: never too late
	span   int64     // from the start of the pane to the end of the last window that holds it
	gap    *sessions // of a session's fact
	alone  *fact     // the one fact that it is for, if its entries leave the log one by one
}

type column struct {
	kind window.ColumnKind
	expr *rules.Expr
	slot int // of a field kept for `previous`, where expr is nil
}

type view struct{ over, before int64 }

type grid struct {
	each   int64
	unit   uint16
	facts  []*fact
	width  int
	retain int64 // how long after its start a pane may be seen
	series bool  // some of the facts are series
}

type sessions struct {
	id       int // in the plan
	gap, max int64
	unit     uint16
	facts    []*fact
	width    int
	feed     int // of the log, -1 if it keeps no entries
}

type factKind uint8

const (
	slidingAcc factKind = iota
	slidingScan
	previousFact
	gapFact
	unseenFact
	paneAcc  // tumbling and hopping, from the grid's accumulators
	paneScan // the same from the log
	seriesAcc
	seriesScan
	sessionAcc
	sessionScan
)

// fact is one window fact of a scope, shared by all rules of the scope that name it. What most events need of it stands in
// front: what a thousand rules need does not fit a cache, so that each line of it counts.
type fact struct {
	kind   factKind
	sum    bool
	rate   bool
	adds   bool // it adds values up, so that float64s among them make it inexact
	feed   int  // -1: not in the log
	bit    uint64
	column int // -1: no argument
	view   int
	acc    int // offset of the accumulator in the block, pane or session
	agg    window.Aggregate
	id     int   // in the plan
	over   int64 // Window.Over

	*rules.Fact
	of      []string
	filter  int
	arg     *rules.Expr
	grid    *grid
	sess    *sessions
	mask    uint64 // its bit in the masks of panes and sessions
	series  func(x event.Value, vals []event.Value) event.Value
	tally   func(x event.Value, t *window.Tally) event.Value // series from a tally, nil if it is from values in order
	limited bool                                             // distinct and percentiles from the log: beyond so many values a sketch takes over
	sketch  uint16                                           // the unit of its panes
	grain   int64                                            // the length of its panes, if they are stretches of time of their own
	scores  bool                                             // the series is judged by a detector, which needs the bucket's own value
	prev    []prevColumn
}

type prevColumn struct{ slot, column int }

// factPlan is one fact of a rule.
type factPlan struct {
	*rules.Fact
	index  int
	scope  *scope
	shared *fact
	twin   *fact // an earlier one of the rule that loses events at the same times
}

func (s *scope) rules1() string {
	if len(s.rules) > 0 {
		return s.rules[0].Name
	}
	return s.key
}

// fact returns the scope's fact with the text of f, adding it if it is new.
func (s *scope) fact(f *rules.Fact) *fact {
	for _, x := range s.facts {
		if x.Text == f.Text {
			return x
		}
	}
	x := &fact{Fact: f, of: f.Of, filter: -1, feed: -1, column: -1, arg: f.Arg, over: f.Window.Over,
		sum: f.Agg == "sum", rate: f.Agg == "rate", adds: f.Agg == "sum" || f.Agg == "avg" || f.Agg == "stddev"}
	s.facts = append(s.facts, x)
	return x
}

// layout decides where each fact is kept, once all rules of the scope are known.
func (s *scope) layout(b *planner) error {
	for _, f := range s.facts {
		f.id = len(b.facts)
		b.facts = append(b.facts, f)
		if err := s.place(f); err != nil {
			return err
		}
	}
	for _, x := range s.sessions {
		x.id = b.nsessions
		b.nsessions++
		if len(x.facts) > maxSessionFacts {
			return fmt.Errorf("engine: rule %q has %d facts over one kind of session; %d are the most", s.rules1(), len(x.facts), maxSessionFacts)
		}
		s.placeSession(x)
	}
	if len(s.feeds) > 63 {
		return fmt.Errorf("engine: the facts of rule %q have %d different filters; 63 are the most", s.rules1(), len(s.feeds))
	}
	s.fixed = scopeHeader
	if len(s.feeds) > 0 {
		s.fixed = scopeViews + 8*len(s.views)
	}
	for _, f := range s.facts {
		if f.kind == slidingAcc {
			f.acc = s.fixed
			s.fixed += f.agg.Size()
		}
	}
	if len(s.feeds) > 0 {
		kinds := make([]window.ColumnKind, len(s.columns))
		for i, c := range s.columns {
			kinds[i] = c.kind
		}
		s.log = window.NewLogLayout(kinds, len(s.feeds) > 1 || s.feeds[0].filter >= 0 || s.feeds[0].of != nil || s.judgesAgain() || s.cutsSessions() || len(s.limited) > 0)
	}
	s.span = s.beat
	for _, f := range s.facts {
		if f.Window.Over > s.span && f.Window.Each > 0 && f.Series == "" {
			s.span = f.Window.Over
		}
	}
	s.gc = max(s.longest, s.keepClose)
	if !s.onEvent || s.onClose {
		s.gc += s.lateness + s.beat
	}
	for _, x := range s.sessions {
		s.gc = max(s.gc, 2*x.gap)
	}
	if s.hasOf || s.foreign {
		s.gc = max(s.gc, 2*s.longest)
	}
	s.linger = min(max(s.gc, 2*hour), 6*hour)
	s.setLimits()
	s.number(b)
	return nil
}

// maxSessionFacts leaves the marks of sessions (judgedSession, takenOut) out of the bits of facts.
const maxSessionFacts = 60

// room reports whether the scope can take one more rule: instances are bits of its flags, ways into its log bits of an
// entry's mask.
func (s *scope) room(r *rules.Rule) bool {
	if len(s.rules) == 64 {
		return false
	}
	ways, inSessions := map[string]bool{}, map[string]bool{}
	count := func(f *rules.Fact) {
		w := f.Window
		way := fmt.Sprint(f.Of, w.Each, w.Gap, w.Max)
		if w.Kind == rules.Hopping {
			way += fmt.Sprint(w.Over)
		}
		if f.Where != nil {
			way += f.Where.Canon
		}
		if agg := window.ByName(f.Agg, f.Quantile); agg != nil && agg.Size() == 0 {
			way = f.Text // with a limit: a way of its own
		}
		ways[way] = true
		if w.Kind == rules.Session {
			inSessions[f.Text] = true
		}
	}
	for _, f := range s.facts {
		count(f.Fact)
	}
	for _, f := range r.Facts {
		if f.Expr == nil && f.By == nil {
			count(f)
		}
	}
	return len(ways) < 60 && len(inSessions) <= maxSessionFacts
}

// cutsSessions reports whether the scope has sessions with a maximum.
func (s *scope) cutsSessions() bool {
	return slices.ContainsFunc(s.sessions, func(x *sessions) bool { return x.max > 0 })
}

func (s *scope) place(f *fact) error {
	if f.Where != nil {
		f.filter = s.addFilter(f.Where)
	}
	s.hasOf = s.hasOf || f.of != nil
	name := f.Agg
	if name == "rate" {
		name = "count"
	}
	switch f.Agg {
	case "previous", "gap", "unseen":
	default:
		if f.agg = window.ByName(name, f.Quantile); f.agg == nil {
			return fmt.Errorf("engine: no aggregate %q", f.Agg)
		}
	}
	if f.Series != "" {
		f.scores = detector.ByName(f.Series) != nil
		if f.series = seriesFunc(f.Series, f.SeriesQ); f.series == nil {
			return fmt.Errorf("engine: no function %q over a series", f.Series)
		}
	}
	if s.foreign {
		s.placeForeign(f)
		return nil
	}
	switch f.Window.Kind {
	case rules.Sliding:
		s.placeSliding(f)
	case rules.Session:
		s.placeInSession(f)
	default:
		s.placeEach(f)
	}
	return nil
}

func (s *scope) placeSliding(f *fact) {
	n := f.Window.Over + f.Window.Before
	s.keep(n)
	s.addFeed(f, feed{of: f.of, filter: f.filter})
	switch f.Agg {
	case "previous":
		f.kind = previousFact
		return // its columns come with the rules that read them
	case "gap":
		f.kind = gapFact
	case "unseen":
		f.kind = unseenFact
		s.addColumn(f)
	default:
		f.kind = slidingScan
		s.addColumn(f)
		if f.agg.Size() > 0 && f.agg.Invertible() && s.onEvent && f.of == nil && s.asked(f) {
			f.kind = slidingAcc
			f.view = s.addView(view{f.Window.Over, f.Window.Before})
		}
	}
}

// asked reports whether conditions ask for the fact. What only messages and rows show is computed from the entries when it
// is shown.
func (s *scope) asked(f *fact) bool {
	for _, rp := range s.rules {
		for _, i := range rp.need {
			if rp.facts[i].shared == f {
				return true
			}
		}
	}
	return false
}

func (s *scope) keep(n int64) {
	s.keepEvent = max(s.keepEvent, n)
	s.keepClose = max(s.keepClose, n)
}

// placeEach places a fact over aligned windows: with an accumulator in panes, else in the log.
func (s *scope) placeEach(f *fact) {
	w := f.Window
	length := w.Each
	if w.Kind == rules.Hopping {
		length = w.Over
	}
	retain := length
	if w.Kind == rules.Buckets {
		retain = w.Over + w.Before + w.Each
	}
	if f.agg.Size() > 0 && (f.of == nil || !s.onEvent) && (f.Series == "" || !s.judgesAgain()) {
		f.kind = paneAcc
		if f.Series != "" {
			f.kind = seriesAcc
		}
		f.grid = s.addGrid(w.Each)
		f.grid.series = f.grid.series || f.Series != ""
		f.grid.facts = append(f.grid.facts, f)
		f.grid.retain = max(f.grid.retain, retain)
		f.acc = f.grid.width
		f.grid.width += f.agg.Size()
		f.mask = 1 << (len(f.grid.facts) - 1)
		f.tally = f.tallied(s)
		return
	}
	f.kind = paneScan
	if f.Series != "" {
		f.kind = seriesScan
	}
	s.addColumn(f)
	s.addFeed(f, feed{of: f.of, filter: f.filter, each: w.Each, span: length})
	s.keep(retain + w.Each)
}

func (s *scope) placeInSession(f *fact) {
	var x *sessions
	for _, o := range s.sessions {
		if o.gap == f.Window.Gap && o.max == f.Window.Max {
			x = o
		}
	}
	if x == nil {
		x = &sessions{gap: f.Window.Gap, max: f.Window.Max, feed: -1, width: window.SpanHeader}
		s.sessions = append(s.sessions, x)
	}
	f.sess = x
	x.facts = append(x.facts, f)
}

func (s *scope) placeSession(x *sessions) {
	for i, f := range x.facts {
		f.mask = 1 << i
		if x.max == 0 && f.agg != nil && f.agg.Size() > 0 {
			f.kind = sessionAcc
			f.acc = x.width
			x.width += f.agg.Size()
			continue
		}
		f.kind = sessionScan
		if f.agg != nil {
			s.addColumn(f)
		}
		s.addFeed(f, feed{of: f.of, filter: f.filter, gap: x})
		if f.filter < 0 && f.of == nil && !f.limited {
			x.feed = f.feed
		}
	}
	if x.max > 0 && x.feed < 0 {
		x.feed = s.feedIndex(feed{filter: -1, gap: x})
	}
}

// placeForeign: facts by another key are computed from that key's entries as of whatever A the rule has.
func (s *scope) placeForeign(f *fact) {
	switch {
	case f.Agg == "previous":
		f.kind = previousFact
	case f.Agg == "gap":
		f.kind = gapFact
	case f.Agg == "unseen":
		f.kind = unseenFact
		s.addColumn(f)
	case f.Window.Kind == rules.Sliding:
		f.kind = slidingScan
		s.addColumn(f)
	case f.Series != "":
		f.kind = seriesScan
		s.addColumn(f)
	default:
		f.kind = paneScan
		s.addColumn(f)
	}
	s.addFeed(f, feed{of: f.of, filter: f.filter})
}

func (s *scope) addFilter(x *rules.Expr) int {
	for i, o := range s.filters {
		if o.Canon == x.Canon {
			return i
		}
	}
	s.filters = append(s.filters, x)
	return len(s.filters) - 1
}

func (s *scope) feedIndex(fd feed) int {
	i := slices.IndexFunc(s.feeds, func(o feed) bool {
		return slices.Equal(o.of, fd.of) && (o.of == nil) == (fd.of == nil) && o.filter == fd.filter &&
			o.each == fd.each && o.span == fd.span && o.gap == fd.gap && o.alone == fd.alone
	})
	if i < 0 {
		s.feeds = append(s.feeds, fd)
		i = len(s.feeds) - 1
	}
	return i
}

func (s *scope) addFeed(f *fact, fd feed) {
	if f.hasLimit() {
		f.limited, f.grain = true, paneLength(f.Window.Over)
		s.limited = append(s.limited, f)
		fd.alone = f
	}
	f.feed = s.feedIndex(fd)
	f.bit = 1 << f.feed
}

func columnKind(agg string) window.ColumnKind {
	switch agg {
	case "distinct", "unseen":
		return window.HashColumn
	case "first", "last":
		return window.AnyColumn
	case "count", "ratio":
		return window.FlagColumn
	}
	return window.NumberColumn
}

// addColumn gives the fact's argument a column of the log.
func (s *scope) addColumn(f *fact) {
	if f.arg == nil {
		return
	}
	c := column{kind: columnKind(f.Agg), expr: f.arg}
	if f.Agg == "count" {
		c.kind = window.FlagColumn
	}
	for i, o := range s.columns {
		if o.expr != nil && o.kind == c.kind && o.expr.Canon == c.expr.Canon && (c.kind != window.FlagColumn) {
			f.column = i
			return
		}
	}
	s.columns = append(s.columns, c)
	f.column = len(s.columns) - 1
}

// keepField gives a field of previous events a column.
func (s *scope) keepField(f *fact, slot int) {
	if slot == rules.SlotTime {
		return
	}
	for _, p := range f.prev {
		if p.slot == slot {
			return
		}
	}
	for i, c := range s.columns {
		if c.expr == nil && c.slot == slot {
			f.prev = append(f.prev, prevColumn{slot, i})
			return
		}
	}
	s.columns = append(s.columns, column{kind: window.AnyColumn, slot: slot})
	f.prev = append(f.prev, prevColumn{slot, len(s.columns) - 1})
}

func (s *scope) addView(v view) int {
	if i := slices.Index(s.views, v); i >= 0 {
		return i
	}
	s.views = append(s.views, v)
	return len(s.views) - 1
}

func (s *scope) addGrid(each int64) *grid {
	for _, g := range s.grids {
		if g.each == each && len(g.facts) < 64 {
			return g
		}
	}
	g := &grid{each: each, width: window.SpanHeader}
	s.grids = append(s.grids, g)
	return g
}
