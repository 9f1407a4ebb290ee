package engine

import (
	"slices"

	"kelpie/event"
)

// Survey is what the events that were read have: which rules could say something at all.
type Survey struct {
	Types []int64 // events by type, as in rules.Set.Types; the last one counts those of other types
	Seen  []bool  // by field, as in rules.Set.Paths: some event had it, and it was not null
}

// survey is what has been seen in the lines of one piece of the decoding.
type survey struct {
	types  []int64
	unseen []int // fields that no event has had so far
}

func newSurvey(p *Plan) *survey {
	s := &survey{types: make([]int64, len(p.Schema.Types)+1)}
	for slot := range p.Schema.Paths {
		s.unseen = append(s.unseen, slot)
	}
	return s
}

// see takes in an event.
func (s *survey) see(r *event.Record) {
	if t := r.Type; t >= 0 {
		s.types[t]++
	} else {
		s.types[len(s.types)-1]++
	}
	for i := 0; i < len(s.unseen); {
		if r.Fields[s.unseen[i]].Kind <= event.FieldNull {
			i++
			continue
		}
		s.unseen = slices.Delete(s.unseen, i, i+1)
	}
}

// Survey returns what has been seen in the events that were not left out, if Options.Survey is set.
func (e *Engine) Survey() *Survey {
	out := &Survey{Types: make([]int64, len(e.plan.Schema.Types)+1), Seen: make([]bool, len(e.plan.Schema.Paths))}
	for _, p := range slices.Concat(e.now.pieces, e.next.pieces) {
		if p.survey == nil {
			continue
		}
		for i, n := range p.survey.types {
			out.Types[i] += n
		}
		for slot := range out.Seen {
			out.Seen[slot] = out.Seen[slot] || !slices.Contains(p.survey.unseen, slot)
		}
	}
	return out
}

// FullFrom returns, by rule, the event time from which on all windows of the rule are full; state.NoTime before the first
// event.
func (e *Engine) FullFrom() []int64 {
	out := make([]int64, len(e.plan.rules))
	for i, rp := range e.plan.rules {
		out[i] = e.warmth.start
		for k := range rp.facts {
			if fp := &rp.facts[k]; fp.Expr == nil {
				out[i] = max(out[i], e.fullFrom(rp, fp))
			}
		}
	}
	return out
}
