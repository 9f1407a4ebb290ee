package engine

import (
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

// Observation is one evaluation of a rule, as it was seen from inside.
type Observation struct {
	Rule      *rules.Rule
	Key       []string
	AsOf      int64        // A, or e on a close; ms
	Seq       uint64       // the place of its event in fold order within one time, 0 on a close
	Position  string       // of the event; "" on a close
	Window    *window.Span // of a close or a session
	Fired     bool
	Abstained string             // "", "missing NAME", "not ready" or "error: …"
	Approx    map[string]float64 // facts that come from sketches, with their relative error
	Env       *rules.Env         // facts, tables and the event as the rule saw them
	Shard     int                // whose goroutine tells: observations of one shard come one after the other
}

// Firing is a judgement on an event or a close that says true, whether or not an alert is open because of it.
type Firing struct {
	order
	Rule     *rules.Rule
	Key      []string
	AsOf     int64        // A, or e on a close; ms
	EventID  string       // of the event; "" on a close, or if it has none
	Position string       // of the event; "" on a close
	Window   *window.Span // of a close or a session

	Values []event.Value // of the event's fields, as Options.FiringFields names them; nil on a close
}

// Folded is an event that is folded. It is valid during the call that tells of it only.
type Folded struct {
	Record *event.Record
	Time   int64 // event time, ms

	engine *Engine
	seq    uint64
}

// Position returns where the event was read.
func (f *Folded) Position() string { return f.engine.position(f.seq) }

// tapAll tells of the events of the stride.
func (e *Engine) tapAll() {
	f := Folded{engine: e}
	for i := range e.evs {
		ev := &e.evs[i]
		f.Record, f.Time, f.seq = ev.rec, ev.t, ev.seq
		e.tap(&f)
	}
}

// wanted says, by rule, of which all facts are evaluated; nil if of none.
func (o *Options) wanted(p *Plan) []bool {
	if !o.Rows && o.Observe == nil {
		return nil
	}
	all := make([]bool, len(p.rules))
	for i, rp := range p.rules {
		all[i] = o.Rows || o.Observed == nil || o.Observed(rp.Rule)
	}
	return all
}

// wantsAll reports whether all facts of the rule are evaluated, not only those that its conditions need.
func (sh *shard) wantsAll(rp *rulePlan) bool { return sh.wantAll != nil && sh.wantAll[rp.index] }

// fired notes a judgement that says true.
func (sh *shard) fired(j *judgement) {
	rp := j.rule
	row := &j.rows[rp.scope.dim.index]
	f := Firing{order: sh.place(rp, string(row.Key())), Rule: rp.Rule, Key: splitKey(row.Key(), len(rp.By)), AsOf: j.asOf}
	if j.mode == onEvent {
		f.EventID, f.Position = strings.Clone(sh.env.Rec.ID()), sh.engine.position(j.seq)
		for _, slot := range sh.engine.firingFields {
			f.Values = append(f.Values, sh.env.Rec.Value(slot).Clone())
		}
	}
	if j.named {
		span := j.span
		f.Window = &span
	}
	sh.out.firings = append(sh.out.firings, f)
}

// gatherFirings merges what the shards say, in fold order.
func (e *Engine) gatherFirings(fx *Effects) {
	n := len(fx.Firings)
	for _, sh := range e.shards {
		fx.Firings = append(fx.Firings, sh.out.firings...)
	}
	slices.SortStableFunc(fx.Firings[n:], func(a, b Firing) int { return a.order.compare(&b.order) })
}
