package oracle

import (
	"maps"
	"slices"

	"kelpie/event"
	"kelpie/rules"
)

// ruleState is what a run knows of one rule: its facts' events and its keys.
type ruleState struct {
	*rules.Rule
	o       *oracle
	facts   []*factState
	keys    map[string]*keyState
	longest int64
	closes  []*factState // those on whose windows it is judged when they close
	shown   *factState   // the one of them whose window the row shows
	beat    int64        // distance of the ends of their windows, 0 of sessions
	env     rules.Env
}

// keyState is what a run knows of one key of a rule.
type keyState struct {
	key      Key
	judged   bool           // on an event
	asOf     int64          // A
	fresh    int            // events folded before this one are forgotten on events
	last     *happened      // the event of the last evaluation that could change the instance
	ends     map[int64]bool // ends of windows that hold an event and have not closed
	opened   map[Span]bool  // windows that have opened an instance
	instance instance
}

// factState is one fact with all events that passed its filters, by the text of its key, in (time, position) order.
type factState struct {
	*rules.Fact
	rule     *ruleState
	by       []int
	events   map[string][]sample
	sessions map[string]*sessions
}

func newRule(o *oracle, r *rules.Rule) *ruleState {
	s := &ruleState{Rule: r, o: o, keys: map[string]*keyState{}}
	for _, f := range r.Facts {
		fs := &factState{Fact: f, rule: s, by: r.BySlots, events: map[string][]sample{}, sessions: map[string]*sessions{}}
		if f.By != nil {
			fs.by = f.BySlots
		}
		s.facts = append(s.facts, fs)
		if f.Expr == nil {
			s.longest = max(s.longest, reach(f.Window))
		}
	}
	s.closing()
	s.env = rules.Env{
		Facts:   make([]event.Value, len(r.Facts)),
		Samples: make([]int64, len(r.Facts)),
		Tables:  make([]event.Value, len(r.TableRefs)),
		Prev:    make([]event.Value, len(r.PrevRefs)),
	}
	return s
}

// closing finds the facts on whose windows the rule is judged when they close: its `each` facts, its sessions, or,
// where it has neither, its series. The row shows the longest window.
func (r *ruleState) closing() {
	kinds := [][]rules.WindowKind{{rules.Tumbling, rules.Hopping}, {rules.Session}, {rules.Buckets}}
	for _, kind := range kinds {
		for _, f := range r.facts {
			if f.Expr != nil || f.By != nil || !slices.Contains(kind, f.Window.Kind) {
				continue
			}
			r.closes = append(r.closes, f)
			if r.shown == nil || f.length() > r.shown.length() {
				r.shown = f
			}
		}
		if r.closes != nil {
			break
		}
	}
	if r.shown != nil {
		r.beat = r.shown.Window.Each
	}
}

// length is the length of a window that closes; of a session its gap.
func (f *factState) length() int64 {
	switch w := f.Window; w.Kind {
	case rules.Hopping:
		return w.Over
	case rules.Session:
		return w.Gap
	}
	return f.Window.Each
}

// reach is how far a window looks back.
func reach(w rules.Window) int64 {
	switch w.Kind {
	case rules.Tumbling:
		return w.Each
	case rules.Hopping:
		return w.Over
	case rules.Session:
		return w.Gap
	case rules.Buckets:
		return w.Over + w.Each + w.Before
	}
	return w.Over + w.Before
}

// takes reports whether the rule judges events like e: its type and `where`.
func (r *ruleState) takes(e *happened) bool {
	if r.Events != nil && !slices.Contains(r.Events, e.typ) {
		return false
	}
	return r.passes(e, r.Where)
}

// passes evaluates a filter over the event's fields; what cannot be evaluated does not pass.
func (r *ruleState) passes(e *happened, where *rules.Expr) bool {
	if where == nil {
		return true
	}
	r.fill(e, nil)
	truth, ok := where.Test(&r.env)
	return ok && truth
}

// fill points the environment at an event (nil on a close) and reads the tables.
func (r *ruleState) fill(e *happened, key Key) {
	env := &r.env
	env.Rec, env.Time, env.HasEvent = nil, 0, e != nil
	env.Missing, env.Err, env.Mismatch = "", nil, false
	if e != nil {
		env.Rec, env.Time = e.rec, e.time
	}
	clear(env.Facts)
	clear(env.Samples)
	clear(env.Prev)
	for i, ref := range r.TableRefs {
		env.Tables[i] = event.Value{}
		t := r.o.tables[ref.Table]
		k, ok := key, true
		if e != nil {
			k, ok = e.keyOf(t.KeySlots)
		}
		if ok {
			env.Tables[i] = t.value(k, ref.Field)
		}
	}
}

// keyState returns the state of a key, made when it is first seen.
func (r *ruleState) keyState(k Key) *keyState {
	s := r.keys[k.text()]
	if s == nil {
		s = &keyState{key: k, ends: map[int64]bool{}, opened: map[Span]bool{}}
		r.keys[k.text()] = s
	}
	return s
}

// sortedKeys returns the rule's keys in order of their text.
func (r *ruleState) sortedKeys() (keys []*keyState) {
	for _, text := range slices.Sorted(maps.Keys(r.keys)) {
		keys = append(keys, r.keys[text])
	}
	return keys
}

// foreign reports whether the fact's events come by another key, or are of types of its own: a key's fresh start
// does not touch them.
func (f *factState) foreign() bool { return f.By != nil || f.Of != nil }

// keyOf returns the key under which the fact takes the event.
func (f *factState) keyOf(e *happened) (Key, bool) { return e.keyOf(f.by) }

// fold adds the event to the fact if it belongs there; taken says that the rule judges such events.
func (f *factState) fold(e *happened, taken bool) (in bool) {
	if f.Of != nil {
		taken = slices.Contains(f.Of, e.typ)
	}
	if f.Expr != nil || !taken || !f.rule.passes(e, f.Where) {
		return false
	}
	k, ok := f.keyOf(e)
	if !ok {
		return false
	}
	s := sample{happened: e, arg: f.argument(e)}
	list := f.events[k.text()]
	i, _ := slices.BinarySearchFunc(list, s, func(a, b sample) int { return a.compare(b.happened) })
	f.events[k.text()] = slices.Insert(list, i, s)
	return true
}

// argument evaluates the fact's argument for an event.
func (f *factState) argument(e *happened) event.Value {
	if f.Arg == nil {
		return event.Value{}
	}
	f.rule.fill(e, nil)
	v := f.Arg.Eval(&f.rule.env)
	v.S = string([]byte(v.S))
	return v
}

// fold takes one event: the timers that come before its judgement, tables, facts, windows it is late for, the rules.
func (o *oracle) fold(e *happened) {
	e.seenW = o.w
	o.folded++
	e.fold = o.folded
	taken := make([]bool, len(o.rules))
	judged := make([]*keyState, len(o.rules))
	for i, r := range o.rules {
		taken[i] = r.takes(e)
		if k, ok := e.keyOf(r.BySlots); ok && taken[i] && r.OnEvent {
			judged[i] = r.keyState(k)
			r.timers(judged[i], judged[i].next(r, e))
		}
	}
	for _, t := range o.tables {
		t.fold(e)
	}
	for i, r := range o.rules {
		late := map[string]lateWindows{}
		for _, f := range r.facts {
			if f.fold(e, taken[i]) {
				f.touch(e, late)
			}
		}
		r.judgeLate(late)
		if k := judged[i]; k != nil {
			r.judgeEvent(k, e)
		}
	}
}

// next is the A that judging e for the key will have.
func (k *keyState) next(r *ruleState, e *happened) int64 {
	if k.startsAfresh(r) {
		return e.time
	}
	return max(k.asOf, e.time)
}

// startsAfresh reports whether the key has been silent for longer than the rule remembers.
func (k *keyState) startsAfresh(r *ruleState) bool {
	return !k.judged || r.longest == 0 || r.o.w > k.asOf+r.longest
}
