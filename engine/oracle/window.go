package oracle

import (
	"slices"

	"kelpie/event"
	"kelpie/rules"
)

// judging is how a rule is judged.
type judging uint8

const (
	onEvent judging = iota
	onClose
	onLeave
)

// judgement is one evaluation of one rule for one key.
type judgement struct {
	how  judging
	key  *keyState
	asOf int64     // A, the window's end, or X
	w    int64     // the watermark
	e    *happened // the event; of a leaving judgement that of the last evaluation; nil on a close
	span Span      // on a close: the window that the row shows
	late bool
}

// windowFact computes a fact that is an aggregate.
func (r *ruleState) windowFact(j *judgement, i int) (v event.Value, samples int64, inexact bool) {
	f := r.facts[i]
	all, ok := f.list(j)
	if !ok {
		return event.Value{}, 0, false
	}
	switch f.Agg {
	case "previous", "gap", "unseen":
		if f.Series == "" {
			return f.relative(j, i, all), 0, false
		}
	}
	if f.Series != "" {
		v, samples = f.series(j, all)
		return v, samples, false
	}
	in, span, ok := f.within(j, all)
	if !ok {
		return event.Value{}, 0, false
	}
	v, inexact = f.value(in, float64(span.End-span.Start)/1000)
	return v, 0, inexact
}

// list returns the events of the fact that the judgement may see, whatever their time; ok is false where the
// current event has no such key.
func (f *factState) list(j *judgement) (all []sample, ok bool) {
	key := j.key.key
	if f.By != nil {
		if j.e == nil {
			return nil, false
		}
		if key, ok = f.keyOf(j.e); !ok {
			return nil, false
		}
	}
	if j.how == onClose {
		return f.events[key.text()], true
	}
	for _, s := range f.events[key.text()] {
		if f.foreign() && s.time < j.w-2*f.rule.longest || !f.foreign() && s.fold < j.key.fresh {
			continue
		}
		all = append(all, s)
	}
	return all, true
}

// between returns the events with from <= time < to.
func between(all []sample, from, to int64) (in []sample) {
	for _, s := range all {
		if from <= s.time && s.time < to {
			in = append(in, s)
		}
	}
	return in
}

// within returns the events in the fact's window and its bounds; ok is false where the window is no more.
func (f *factState) within(j *judgement, all []sample) (in []sample, span Span, ok bool) {
	w := f.Window
	switch w.Kind {
	case rules.Sliding:
		span = f.slidingSpan(j)
	case rules.Tumbling, rules.Hopping:
		span = f.ending(j.asOf)
		if j.how == onClose {
			break
		}
		span = Span{f.rule.floor(j.asOf, w.Each), f.rule.beats(j.asOf, w.Each, 1)}
		if w.Kind == rules.Hopping || j.w >= span.End {
			return nil, span, false
		}
	case rules.Session:
		return f.session(j)
	}
	return between(all, span.Start, span.End), span, true
}

// ending returns the fact's window that ends at e.
func (f *factState) ending(e int64) Span {
	if f.Window.Kind == rules.Session {
		return Span{e - f.Window.Gap, e}
	}
	return Span{f.rule.beats(e, f.Window.Each, -int(f.length()/f.Window.Each)), e}
}

// slidingSpan is (A - d - s, A - s] as a half-open span; of a close [e - d - s, e - s).
func (f *factState) slidingSpan(j *judgement) Span {
	w := f.Window
	s := Span{j.asOf - w.Before - w.Over, j.asOf - w.Before}
	if j.how != onClose {
		s.Start++
		s.End++
	}
	return s
}

// relative computes the facts that look back from the current event: `previous`, `gap`, `unseen`.
func (f *factState) relative(j *judgement, i int, all []sample) event.Value {
	if j.e == nil {
		return event.Value{}
	}
	in, _, ok := f.within(j, all)
	if !ok {
		return event.Value{}
	}
	in = slices.DeleteFunc(slices.Clone(in), func(s sample) bool { return s.compare(j.e) >= 0 })
	if f.Agg == "unseen" {
		return f.unseen(j, in)
	}
	if len(in) == 0 {
		return event.Value{}
	}
	prev := in[len(in)-1]
	if f.Agg == "gap" {
		return event.IntValue(j.e.time - prev.time)
	}
	for k, ref := range f.rule.PrevRefs {
		if ref.Fact == i {
			f.rule.env.Prev[k] = prev.member(ref.Slot)
		}
	}
	return event.Value{Kind: event.Object, S: "{}"}
}

// member returns a field of an earlier event.
func (e *happened) member(slot int) event.Value {
	switch slot {
	case rules.SlotTime:
		return event.IntValue(e.time)
	case rules.SlotType:
		return event.StringValue(e.typ)
	}
	return e.rec.Value(slot)
}

func (f *factState) unseen(j *judgement, before []sample) event.Value {
	x, ok := event.AppendKey(nil, f.Arg.Eval(&f.rule.env))
	if !ok {
		return event.Value{}
	}
	for _, s := range before {
		if k, ok := event.AppendKey(nil, s.arg); ok && string(k) == string(x) {
			return event.BoolValue(false)
		}
	}
	return event.BoolValue(true)
}
