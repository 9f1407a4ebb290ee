package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

// Plan is how a set of rules is carried out: which fields to decode, which key dimensions there are, and what is kept
// in the row of each. Facts, filters and tables that are equal are shared. A Plan is immutable.
type Plan struct {
	Set    *rules.Set
	Schema *event.Schema
	Time   TimeSpec

	lanes     []*lane
	dims      []*dim
	dimAt     []uint16 // by the number of a dimension: its index in dims; noDim where there is none
	rules     []*rulePlan
	nsessions int
	byType    [][]*lane // event type -> lanes that it concerns
	other     []*lane   // lanes that take any type

	facts       []*fact // by fact.id
	parts       parts
	text        []byte // of the version (migrate_version.go)
	fingerprint string
}

// A lane is a set of key dimensions that are folded together, in log order. Most lanes have one dimension and are
// spread over the shards by key; a lane in which rules read facts or tables of several dimensions is folded by one shard.
type lane struct {
	id   int
	dims []*dim
	work []laneWork // by event type; the last one is for any other type
}

// laneWork is what one event type means to a lane.
type laneWork struct {
	dims  []dimWork // parallel to lane.dims
	any   bool
	reads []int // the slots of the fields that filters, facts and tables read
}

// workOf returns what an event of a type means to the lane.
func (l *lane) workOf(typ int32) *laneWork {
	if typ < 0 {
		return &l.work[len(l.work)-1]
	}
	return &l.work[typ]
}

type dimWork struct {
	scopes []*scope     // whose rules are judged on the event
	of     []*scope     // that only take facts from it
	tables []*tableWork // updates

	filters *rules.Filters // of scopes
	always  []uint64       // bits of scopes that may take the event also where their filter does not
	stirred []*scope       // whose instances it may concern without a judgement
	room    int            // for the blocks of a row that the event makes
}

func (w *dimWork) empty() bool { return len(w.scopes)+len(w.of)+len(w.tables) == 0 }

// dim is one key dimension of a lane.
type dim struct {
	id     uint16
	at     int // in Plan.dims
	name   string
	lane   *lane
	index  int       // in lane.dims
	units  []unitRef // by unit
	slots  []int
	scopes []*scope
	tables []*tablePlan
}

// tablePlan is where a table stands in a row.
type tablePlan struct {
	t     *rules.Table
	index int
	unit  uint16
	dim   *dim
	fixed int // bytes of the block before the text
	adds  []bool
	offs  []int // of each field
}

type tableWork struct {
	*tablePlan
	updates []rules.FieldUpdate
	reads   bool // some expression reads the row
}

// rulePlan is one rule with where its facts come from. What most events need of it stands in front, as in fact.
type rulePlan struct {
	scope      *scope
	index      int
	bit        uint64      // in the scope's flags: the instance has a block
	first      *rules.Expr // the first part of `when`, if some facts are needed only where it is true
	firstNeed  []int       // facts that it reaches
	limit      limit       // that may spare a judgement
	facts      []factPlan
	tables     []tableSource
	unit       uint16 // of its instance's block
	namesake   int    // how many rules of its name stand before it: a backtest plans variants of a rule together
	family     *family
	foreign    bool // has facts by another key
	farTable   bool // reads a table of another key
	onlySeries bool // has no other window that is judged on a close

	*rules.Rule
	all      []int // facts
	need     []int // those that ready, when and resolve reach; ascending
	restNeed []int // those that first does not
	beat     int64
	row      int   // the window whose span a row shows: index of a fact, or -1
	keep     []int // field slots that a judgement without an event needs of the last one
}

// unitRef tells what a block of a row is.
type unitRef struct {
	scope *scope
	rule  *rulePlan
}

// noDim is the index of a dimension that the plan does not have.
const noDim = 1<<16 - 1

// unit tells what the block of a unit is; nothing for one that the plan does not know.
func (d *dim) unit(u uint16) unitRef {
	if int(u) < len(d.units) {
		return d.units[u]
	}
	return unitRef{}
}

func (d *dim) setUnit(u uint16, r unitRef) {
	for len(d.units) <= int(u) {
		d.units = append(d.units, unitRef{})
	}
	d.units[u] = r
}

type tableSource struct {
	table *tablePlan
	dim   int // index in the lane
	field int
}

// lookup returns the lanes that an event type concerns.
func (p *Plan) lookup(typ int32) []*lane {
	if typ < 0 {
		return p.other
	}
	return p.byType[typ]
}

// NewPlan plans a set.
func NewPlan(set *rules.Set, spec event.Spec, ts TimeSpec, units Units) (*Plan, error) {
	p := &Plan{Set: set, Time: ts, Schema: &event.Schema{Spec: spec, Paths: set.Paths, Types: set.Types}}
	p.parts = newParts()
	b := &planner{Plan: p, units: units, dims: map[string]*dim{}, scopes: map[string]*scope{}, names: map[string]int{}}
	for i, r := range set.Rules {
		b.rule(i, r)
	}
	for i := range set.Tables {
		b.unreadTable(i)
	}
	for _, s := range b.order {
		if err := s.layout(b); err != nil {
			return nil, err
		}
	}
	for _, rp := range p.rules {
		rp.setTwins()
	}
	for _, s := range b.order {
		s.setFamilies()
	}
	b.work()
	p.setVersion()
	return p, b.err
}

type planner struct {
	*Plan
	units  Units
	dims   map[string]*dim
	scopes map[string]*scope
	names  map[string]int // rules of each name
	order  []*scope
	err    error
}

func pathsText(ps []event.Path) string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// lane returns the lane of a rule: the shared one of its key, or one of its own if it reads other dimensions.
func (b *planner) laneOf(r *rules.Rule) (*lane, string) {
	home := pathsText(r.By)
	alone := false
	for _, f := range r.Facts {
		alone = alone || f.By != nil && pathsText(f.By) != home
	}
	for _, t := range r.TableRefs {
		alone = alone || pathsText(b.Set.Tables[t.Table].Key) != home
	}
	name := ""
	if alone {
		name = "rule " + r.Name
	}
	return b.dim(name, r.By, r.BySlots).lane, name
}

// dim returns a dimension; lane "" is the dimension's own lane.
func (b *planner) dim(lname string, by []event.Path, slots []int) *dim {
	key := lname + "\x00" + pathsText(by)
	d := b.dims[key]
	if d != nil {
		return d
	}
	var l *lane
	if lname != "" {
		for k, o := range b.dims {
			if strings.HasPrefix(k, lname+"\x00") {
				l = o.lane
			}
		}
	}
	if l == nil {
		l = &lane{id: len(b.lanes)}
		b.lanes = append(b.lanes, l)
	}
	d = &dim{id: b.dimNumber(key), at: len(b.Plan.dims), name: pathsText(by), lane: l, index: len(l.dims), slots: slots}
	for len(b.dimAt) <= int(d.id) {
		b.dimAt = append(b.dimAt, noDim)
	}
	b.dimAt[d.id] = uint16(d.at)
	l.dims = append(l.dims, d)
	b.dims[key] = d
	b.Plan.dims = append(b.Plan.dims, d)
	return d
}

func (b *planner) table(lname string, i int) *tablePlan {
	t := b.Set.Tables[i]
	d := b.dim(lname, t.Key, t.KeySlots)
	for _, tp := range d.tables {
		if tp.index == i {
			return tp
		}
	}
	tp := newTablePlan(t, i, d)
	tp.unit = b.unit("table " + lname + " " + t.Text)
	d.tables = append(d.tables, tp)
	return tp
}

// unreadTable plans a table for its own sake: `kelpie tables get` must find what no rule reads.
func (b *planner) unreadTable(i int) { b.table("", i) }

func (b *planner) rule(i int, r *rules.Rule) {
	_, lname := b.laneOf(r)
	home := b.dim(lname, r.By, r.BySlots)
	rp := &rulePlan{Rule: r, index: i, beat: beatOf(r), row: -1}
	s := b.scopeOf(home, rp)
	rp.scope = s
	rp.bit = 1 << len(s.rules)
	s.rules = append(s.rules, rp)
	for j, f := range r.Facts {
		rp.all = append(rp.all, j)
		fp := factPlan{Fact: f, index: j, scope: s}
		if f.Expr == nil {
			if f.By != nil && pathsText(f.By) != pathsText(r.By) {
				fp.scope = b.foreignScope(lname, rp, f)
				rp.foreign = true
			}
			fp.shared = fp.scope.fact(f)
		}
		rp.facts = append(rp.facts, fp)
	}
	for _, pr := range r.PrevRefs {
		fp := &rp.facts[pr.Fact]
		fp.scope.keepField(fp.shared, pr.Slot)
	}
	rp.row = rowFact(r)
	for _, tr := range r.TableRefs {
		tp := b.table(lname, tr.Table)
		rp.tables = append(rp.tables, tableSource{tp, tp.dim.index, tr.Field})
		rp.farTable = rp.farTable || tp.dim != home
	}
	rp.need, rp.keep = neededFacts(r), keptFields(r, b.Set.Paths)
	rp.splitWhen()
	rp.onlySeries = onlySeries(r)
	rp.namesake = b.names[r.Name]
	b.names[r.Name]++
	rp.unit = b.unit(rp.signature(b.Set.Paths))
	home.setUnit(rp.unit, unitRef{rule: rp})
	b.Plan.rules = append(b.Plan.rules, rp)
}

// beatOf returns the distance between the closes at which a rule is judged, 0 if it is not or by sessions.
func beatOf(r *rules.Rule) int64 {
	if !r.OnClose {
		return 0
	}
	var series int64
	for _, f := range r.Facts {
		switch {
		case f.Expr != nil || f.By != nil && pathsText(f.By) != pathsText(r.By):
		case f.Window.Kind == rules.Tumbling || f.Window.Kind == rules.Hopping:
			return f.Window.Each
		case f.Window.Kind == rules.Buckets:
			series = f.Window.Each
		}
	}
	return series
}

// rowFact returns the fact whose window a row shows: the longest one.
func rowFact(r *rules.Rule) int {
	best, length := -1, int64(-1)
	for i, f := range r.Facts {
		if f.Expr != nil {
			continue
		}
		var n int64
		switch f.Window.Kind {
		case rules.Session:
			n = f.Window.Gap
		case rules.Tumbling:
			n = f.Window.Each
		case rules.Hopping:
			n = f.Window.Over
		case rules.Buckets:
			n = 0 // only where there is nothing else
		default:
			continue
		}
		if n > length {
			best, length = i, n
		}
	}
	return best
}

func (b *planner) scopeOf(d *dim, rp *rulePlan) *scope {
	r := rp.Rule
	where := ""
	if r.Where != nil {
		where = r.Where.Canon
	}
	types := "*"
	if r.Events != nil {
		ts := slices.Clone(r.Events)
		slices.Sort(ts)
		types = strings.Join(ts, "\x01")
	}
	key := fmt.Sprintf("scope %s by %s where %s longest %d event %t close %t beat %d zone %s session %t", types, d.name, where,
		r.Longest, r.OnEvent, r.OnClose, rp.beat, r.Timezone, r.OnClose && rp.beat == 0)
	for n, name := 2, key; ; n, name = n+1, fmt.Sprintf("%s #%d", key, n) {
		s := b.scopes[fmt.Sprint(d.lane.id, name)]
		if s == nil {
			s = b.addScope(d, rp, name)
		} else if !s.room(r) {
			continue
		}
		return s
	}
}

func (b *planner) addScope(d *dim, rp *rulePlan, key string) *scope {
	s := &scope{key: key, dim: d, where: rp.Where, types: rp.Events, onEvent: rp.OnEvent, onClose: rp.OnClose,
		beat: rp.beat, longest: rp.Longest, lateness: b.Time.Lateness, align: window.NewAlign(rp.Timezone), zone: rp.Timezone}
	b.scopes[fmt.Sprint(d.lane.id, key)] = s
	d.scopes = append(d.scopes, s)
	b.order = append(b.order, s)
	return s
}

// foreignScope holds the facts of one rule by another key: their log stands in that key's row.
func (b *planner) foreignScope(lname string, rp *rulePlan, f *rules.Fact) *scope {
	d := b.dim(lname, f.By, f.BySlots)
	key := "foreign " + rp.scope.key + " by " + d.name
	if s := b.scopes[fmt.Sprint(d.lane.id, key)]; s != nil {
		return s
	}
	s := b.addScope(d, rp, key)
	s.foreign = true
	return s
}

// work turns the plan around: from event type to what is to be done.
func (b *planner) work() {
	n := len(b.Set.Types)
	b.byType = make([][]*lane, n)
	for _, l := range b.lanes {
		l.work = make([]laneWork, n+1)
		for t := range n + 1 {
			w := &l.work[t]
			for _, d := range l.dims {
				dw := d.work(b.Set.Types, t)
				w.any = w.any || !dw.empty()
				w.dims = append(w.dims, dw)
			}
			if !w.any {
				continue
			}
			w.setReads()
			if t < n {
				b.byType[t] = append(b.byType[t], l)
			} else {
				b.other = append(b.other, l)
			}
		}
	}
}

// setReads collects the fields that are sure to be read.
func (w *laneWork) setReads() {
	add := func(x *rules.Expr) {
		if x != nil {
			w.reads = append(w.reads, x.Fields...)
		}
	}
	for i := range w.dims {
		for _, s := range w.dims[i].scopes {
			add(s.where)
			for _, f := range s.facts {
				add(f.arg)
			}
		}
		for _, tw := range w.dims[i].tables {
			for j := range tw.updates {
				add(tw.updates[j].Expr)
			}
		}
	}
	slices.Sort(w.reads)
	w.reads = slices.Compact(w.reads)
	w.reads = w.reads[:min(len(w.reads), 8)]
}

func (d *dim) work(types []string, t int) (w dimWork) {
	takes := func(list []string) bool {
		return list == nil || t < len(types) && slices.Contains(list, types[t])
	}
	for _, s := range d.scopes {
		switch {
		case takes(s.types):
			w.scopes = append(w.scopes, s)
		case slices.ContainsFunc(s.facts, func(f *fact) bool { return f.of != nil && takes(f.of) }):
			w.of = append(w.of, s)
		}
	}
	for _, tp := range d.tables {
		for _, u := range tp.t.On {
			if u.Event == "*" || t < len(types) && u.Event == types[t] {
				tw := &tableWork{tablePlan: tp, updates: u.Set}
				for _, x := range u.Set {
					tw.reads = tw.reads || strings.Contains(x.Expr.Canon, "row")
				}
				w.tables = append(w.tables, tw)
			}
		}
	}
	slices.SortFunc(w.scopes, func(a, b *scope) int { return cmp.Compare(a.rules1(), b.rules1()) })
	w.index()
	w.setRoom()
	return w
}

// neededFacts returns the facts that the rule's conditions reach, directly or through other facts.
func neededFacts(r *rules.Rule) []int { return reachedFacts(r, r.Ready, r.When, r.Resolve) }

// reachedFacts returns the facts that expressions of the rule reach, directly or through other facts, in ascending order.
func reachedFacts(r *rules.Rule, list ...*rules.Expr) []int {
	need := make([]bool, len(r.Facts))
	mark := func(x *rules.Expr) {
		if x != nil {
			for _, i := range x.Facts {
				need[i] = true
			}
		}
	}
	for _, x := range list {
		mark(x)
	}
	for i := len(r.Facts) - 1; i >= 0; i-- {
		if need[i] {
			mark(r.Facts[i].Expr)
		}
	}
	var out []int
	for i, n := range need {
		if n {
			out = append(out, i)
		}
	}
	return out
}

// setTwins finds the facts that lose events when an earlier one does.
func (rp *rulePlan) setTwins() {
	for i := range rp.facts {
		fp := &rp.facts[i]
		for k := range rp.facts[:i] {
			o := &rp.facts[k]
			if fp.Expr == nil && o.Expr == nil && o.scope == fp.scope && o.shared.loses() && o.shared.bit == fp.shared.bit && !o.shared.limited && !fp.shared.limited &&
				o.Window.Over+o.Window.Before == fp.Window.Over+fp.Window.Before {
				fp.twin = o.shared
				break
			}
		}
	}
}

// keptFields returns the fields of the event judged last that a judgement without an event needs, in the order of their
// paths: rows remember them in this order, whatever other rules are loaded.
func keptFields(r *rules.Rule, paths []event.Path) []int {
	keep := slices.Clone(r.FieldSlots)
	for _, f := range r.Facts {
		if f.Agg == "unseen" {
			keep = append(keep, f.Arg.Fields...)
		}
	}
	slices.SortFunc(keep, func(a, b int) int { return cmp.Compare(paths[a].String(), paths[b].String()) })
	return slices.Compact(keep)
}

func onlySeries(r *rules.Rule) bool {
	for _, f := range r.Facts {
		if f.Expr == nil && (f.Window.Kind == rules.Tumbling || f.Window.Kind == rules.Hopping) {
			return false
		}
	}
	return true
}
