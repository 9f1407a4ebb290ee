package oracle

import (
	"maps"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// Now are the facts of a rule for a key as of the newest event time, as GET /v1/features gives them: what an event of that
// moment would see, without the event. Of windows that are open it is what is in them so far, of those that overlap what is in the one that closes next; a gap is the time since the
// last event; what depends on the event itself is missing.
type Now struct {
	Rule    string
	Key     Key
	Values  []Named
	Approx  []string
	Inexact []string
}

// now computes the facts of all rules for all keys that an event of the rule, or of one of its facts, has had.
func (o *oracle) now() (all []Now) {
	if o.newest == minTime {
		return nil
	}
	for _, r := range o.rules {
		keys := map[string]Key{}
		for text, k := range r.keys {
			keys[text] = k.key
		}
		for _, f := range r.facts {
			if f.By != nil {
				continue
			}
			for text, in := range f.events {
				keys[text], _ = f.keyOf(in[0].happened)
			}
		}
		for _, text := range slices.Sorted(maps.Keys(keys)) {
			all = append(all, r.now(keys[text]))
		}
	}
	return all
}

// now computes the facts of a rule for a key.
func (r *ruleState) now(key Key) Now {
	n := Now{Rule: r.Name, Key: key}
	k := r.keys[key.text()]
	if k == nil {
		k = &keyState{key: key}
	}
	j := &judgement{how: onEvent, key: k, asOf: max(r.o.newest, r.o.w), w: r.o.w}
	r.fill(nil, key)
	for i, ref := range r.TableRefs {
		if !slices.Equal(r.o.tables[ref.Table].KeySlots, r.BySlots) {
			r.env.Tables[i] = event.Value{}
		}
	}
	for i, f := range r.facts {
		r.o.off = 0
		inexact := false
		if f.Expr != nil {
			r.env.Facts[i] = f.Expr.Eval(&r.env)
		} else {
			r.env.Facts[i], r.env.Samples[i], inexact = r.factNow(j, i)
		}
		v := r.env.Facts[i]
		v.S = strings.Clone(v.S)
		if v.IsMissing() || f.Agg == "previous" && f.Series == "" {
			continue
		}
		n.Values = append(n.Values, Named{f.Name, v})
		if inexact {
			n.Inexact = append(n.Inexact, f.Name)
		}
		if r.o.off > 0 {
			n.Approx = append(n.Approx, f.Name)
		}
	}
	return n
}

// factNow computes a fact that is an aggregate.
func (r *ruleState) factNow(j *judgement, i int) (v event.Value, samples int64, inexact bool) {
	f := r.facts[i]
	all, ok := f.list(j)
	switch {
	case !ok:
		return event.Value{}, 0, false
	case f.Series == "" && f.Window.Kind == rules.Hopping:
		span := f.ending(r.beats(j.asOf, f.Window.Each, 1))
		v, inexact = f.value(between(all, span.Start, span.End), float64(span.End-span.Start)/1000)
		return v, 0, inexact
	case f.Series != "" || f.Window.Kind != rules.Session && f.Agg != "previous" && f.Agg != "gap":
		return r.windowFact(j, i)
	case f.Agg == "previous" || f.Agg == "gap":
		return f.sinceLast(j, i, all), 0, false
	}
	s := f.sessions[j.key.key.text()]
	if s == nil {
		return event.Value{}, 0, false
	}
	for _, part := range slices.Backward(f.split(s.open)) { // a session that has reached its maximum may be open beside the next
		if span := f.spanOf(part); span.Start <= j.asOf && j.asOf <= span.End {
			v, inexact = f.value(part, float64(span.End-span.Start)/1000)
			break
		}
	}
	return v, 0, inexact
}

// sinceLast is the last event in the window, or how long ago it was.
func (f *factState) sinceLast(j *judgement, i int, all []sample) event.Value {
	in, _, ok := f.within(j, all)
	if !ok || len(in) == 0 {
		return event.Value{}
	}
	last := in[len(in)-1]
	if f.Agg == "gap" {
		return event.IntValue(j.asOf - last.time)
	}
	for k, ref := range f.rule.PrevRefs {
		if ref.Fact == i {
			f.rule.env.Prev[k] = last.member(ref.Slot)
		}
	}
	return event.Value{Kind: event.Object, S: "{}"}
}
