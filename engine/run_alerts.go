package engine

import (
	"time"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// tell notes a step in the life of an alert, to be committed with what has caused it.
func (l *loop) tell(c *Change) error {
	switch c.Kind {
	case Opened:
		l.book.Open(l.alertOf(c))
		l.tally.Open[c.Rule.Name]++
	case Updated:
		return l.book.Update(c.ID, c.At, c.Updates, alertValues(c.Rule, c.Values), "")
	case Resolved:
		l.tally.Open[c.Rule.Name]--
		return l.book.Resolve(c.ID, c.At, c.Reason)
	}
	return nil
}

// alertOf returns the alert that has opened.
func (l *loop) alertOf(c *Change) alert.Alert {
	r := c.Rule
	a := alert.Alert{
		ID: c.ID, Rule: r.Name, By: fieldNames(r.By), Key: c.Key, Severity: r.Severity, Mode: r.Mode, Opened: c.Opened, Message: c.Message,
		Opener: alert.Opener{Event: c.EventID, Position: c.Position, Window: c.Window},
		Values: alertValues(r, c.Values), Labels: r.Labels, Actions: r.Actions, Evaluations: c.Updates, Rules: l.rules,
		Evidence: l.engine.plan.rules[c.rule].evidence(c), Warming: c.Warming, Traced: true,
	}
	for _, x := range c.Shown {
		a.Shown = append(a.Shown, alert.Shown{From: x.From, To: x.To, Fields: x.Fields})
	}
	return a
}

// fieldNames returns paths as rules write them.
func fieldNames(paths []event.Path) (names []string) {
	for _, p := range paths {
		names = append(names, p.String())
	}
	return names
}

// alertValues returns values of a rule's facts, which are in the rule's order, with what the rule compares them with.
func alertValues(r *rules.Rule, values []NamedValue) []alert.Value {
	out := make([]alert.Value, len(values))
	fact := 0
	for i, v := range values {
		for r.Facts[fact].Name != v.Name {
			fact++
		}
		out[i] = alert.Value{Name: v.Name, Value: v.Value, Approx: v.Approx, Inexact: v.Inexact, Limit: r.Bounds[fact], Fields: r.Facts[fact].Shows}
	}
	return out
}

// evidence returns the span of event time in which the events of the windows lie when an alert of the rule opens; nil if it
// is not known: how long a session has lasted when an event opens an alert.
func (rp *rulePlan) evidence(c *Change) *window.Span {
	at, close := c.Opened, c.Window != nil
	span := window.Span{Start: at, End: at + 1}
	if close {
		at, span = c.Window.End, *c.Window
	}
	for i := range rp.facts {
		switch fp := &rp.facts[i]; {
		case fp.Expr != nil:
		case fp.Window.Kind != rules.Session:
			span.Start = min(span.Start, fp.from(at, close))
		case !close:
			return nil
		}
	}
	return &span
}

// forgetMost is how many alerts are forgotten in one commit: more wait for the next one, which is not far off then.
const forgetMost = 1000

// forgetAlerts takes alerts that have resolved long ago, as event time goes, out of the state.
func (l *loop) forgetAlerts(b *state.Batch) error {
	history := l.s.o.History.Milliseconds()
	if history <= 0 || l.engine.w < none+history {
		return nil
	}
	n, err := alert.Forget(l.s.o.Store, b, l.engine.w-history, forgetMost)
	l.tally.Forgotten += int64(n)
	if n == forgetMost {
		l.minute = l.s.o.Clock.After(time.Second)
	}
	return err
}
