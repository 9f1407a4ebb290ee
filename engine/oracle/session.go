package oracle

import (
	"slices"

	"kelpie/rules"
)

// sessions are one key's: the events of those that are open, and the bounds of those that have closed.
type sessions struct {
	open   []sample
	closed []Span // End is the last event's time
}

// join takes an event unless it could only join a closed session, or its own has closed by now.
func (f *factState) join(s *sessions, e sample) {
	with := append(slices.Clone(s.open), e)
	own := f.sessionOf(with, e.happened)
	last := own[len(own)-1].time
	if last+f.Window.Gap < f.rule.o.w {
		return
	}
	if len(own) == 1 && f.nearClosed(s, e.time) {
		return
	}
	s.open = with
}

// nearClosed reports whether an event at t would have belonged to a session that has closed.
func (f *factState) nearClosed(s *sessions, t int64) bool {
	w := f.Window
	return slices.ContainsFunc(s.closed, func(c Span) bool {
		near := c.Start-w.Gap <= t && t <= c.End+w.Gap
		return near && (w.Max == 0 || t-c.Start <= w.Max)
	})
}

// split cuts events into sessions, in order of time.
func (f *factState) split(events []sample) (parts [][]sample) {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b sample) int { return a.compare(b.happened) })
	start := 0
	for i := range events {
		first, prev := events[start].time, events[max(i-1, start)].time
		if t := events[i].time; t-prev > f.Window.Gap || f.Window.Max > 0 && t-first > f.Window.Max {
			parts = append(parts, events[start:i])
			start = i
		}
	}
	if len(events) > 0 {
		parts = append(parts, events[start:])
	}
	return parts
}

// sessionOf returns the session that holds the event, nil if none does.
func (f *factState) sessionOf(events []sample, e *happened) []sample {
	for _, p := range f.split(events) {
		if slices.ContainsFunc(p, func(s sample) bool { return s.happened == e }) {
			return p
		}
	}
	return nil
}

func (f *factState) spanOf(part []sample) Span {
	return Span{part[0].time, part[len(part)-1].time + f.Window.Gap}
}

// session returns the events of the session that the judgement is about.
func (f *factState) session(j *judgement) (in []sample, span Span, ok bool) {
	s := f.sessions[j.key.key.text()]
	if s == nil {
		return nil, span, false
	}
	if j.how != onClose {
		in = f.sessionOf(s.open, j.e)
	} else {
		for _, p := range f.split(s.open) {
			if f.spanOf(p) == j.span {
				in = p
			}
		}
	}
	if in == nil {
		return nil, span, false
	}
	span = f.spanOf(in)
	return in, span, j.how != onLeave || span.End >= j.asOf
}

// nextClose returns the session that closes first, once the watermark has passed its end.
func (f *factState) nextClose(k *keyState) (span Span, ok bool) {
	s := f.sessions[k.key.text()]
	if s == nil {
		return span, false
	}
	for _, p := range f.split(s.open) {
		if c := f.spanOf(p); c.End < f.rule.o.w && (!ok || c.End < span.End) {
			span, ok = c, true
		}
	}
	return span, ok
}

// closeSession moves a session from the open ones to the closed ones.
func (f *factState) closeSession(k *keyState, span Span) {
	s := f.sessions[k.key.text()]
	var rest []sample
	for _, p := range f.split(s.open) {
		if f.spanOf(p) == span {
			s.closed = append(s.closed, Span{span.Start, span.End - f.Window.Gap})
			continue
		}
		rest = append(rest, p...)
	}
	s.open = rest
}

func (f *factState) isSession() bool {
	return f.Expr == nil && f.Window.Kind == rules.Session
}
