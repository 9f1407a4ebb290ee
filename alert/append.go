package alert

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"kelpie/event"
	"kelpie/window"
)

// AppendJSON appends the alert's stable JSON form to b: what encoding/json makes of a record, without reflection.
func (a *Alert) AppendJSON(b []byte) ([]byte, error) {
	b, err := a.appendMembers(b)
	if err != nil {
		return b, err
	}
	return append(b, '}'), nil
}

// appendRow appends the alert as it is kept: the stable form, and what can be seen in message and values. Every alert that
// changes is written in a commit.
func (a *Alert) appendRow(b []byte) ([]byte, error) {
	b, err := a.appendMembers(b)
	if err != nil || !a.Traced {
		return append(b, '}'), err
	}
	o := object{b: b}
	o.name("shows")
	shows, err := marshal(a.shows())
	if err != nil {
		return b, err
	}
	return append(append(o.b, shows...), '}'), nil
}

// appendMembers appends the stable form without its end.
func (a *Alert) appendMembers(b []byte) ([]byte, error) {
	o := object{b: append(b, '{')}
	o.text("id", a.ID)
	o.text("rule", a.Rule)
	o.key(a.Key)
	o.list("by", a.By)
	o.text("severity", a.Severity)
	o.text("mode", a.Mode)
	o.text("state", string(a.State))
	o.time("opened", a.Opened)
	o.time("updated", a.Updated)
	if a.State == Resolved {
		o.time("resolved", a.Resolved)
	}
	o.some("reason", string(a.Reason))
	o.opener(&a.Opener)
	o.text("message", a.Message)
	if err := o.values(a.Values); err != nil {
		return b, err
	}
	o.list("warming", a.Warming)
	o.labels(a.Labels)
	o.list("actions", a.Actions)
	o.name("evaluations")
	o.b = strconv.AppendInt(o.b, a.Evaluations, 10)
	o.some("rules", a.Rules)
	o.span("evidence", a.Evidence)
	o.mark("acknowledged", a.Acknowledged)
	o.mark("verdict", a.Verdict)
	o.mark("resolved_by", a.ResolvedBy)
	return o.b, nil
}

// object appends the members of a JSON object.
type object struct{ b []byte }

// name begins a member.
func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *object) quote(s string) { o.b = event.AppendJSON(o.b, event.StringValue(s)) }

func (o *object) text(name, s string) {
	o.name(name)
	o.quote(s)
}

// some adds a text that is left out when it is empty, list a list.
func (o *object) some(name, s string) {
	if s != "" {
		o.text(name, s)
	}
}

func (o *object) list(name string, all []string) {
	if len(all) > 0 {
		o.name(name)
		o.strings(all)
	}
}

func (o *object) strings(all []string) {
	o.b = append(o.b, '[')
	for i, s := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.quote(s)
	}
	o.b = append(o.b, ']')
}

func (o *object) time(name string, ms int64) {
	o.name(name)
	o.b = append(o.b, '"')
	o.b = event.AppendTime(o.b, ms)
	o.b = append(o.b, '"')
}

func (o *object) key(key []string) {
	o.name("key")
	if len(key) == 1 {
		o.quote(key[0])
		return
	}
	o.strings(key)
}

func (o *object) opener(by *Opener) {
	o.name("opener")
	o.b = append(o.b, '{')
	o.some("event", by.Event)
	o.some("position", by.Position)
	o.span("window", by.Window)
	o.b = append(o.b, '}')
}

func (o *object) span(name string, s *window.Span) {
	if s == nil {
		return
	}
	o.name(name)
	o.b = append(o.b, '{')
	o.time("start", s.Start)
	o.time("end", s.End)
	o.b = append(o.b, '}')
}

func (o *object) mark(name string, m *Mark) {
	if m == nil {
		return
	}
	o.name(name)
	o.b = append(o.b, '{')
	o.text("by", m.By)
	o.time("at", m.At)
	o.some("word", m.Word)
	o.some("comment", m.Comment)
	o.b = append(o.b, '}')
}

// limits adds what facts are compared with, if any is.
func (o *object) limits(all []Value) {
	if slices.ContainsFunc(all, func(v Value) bool { return v.Limit != "" }) {
		o.name("limits")
		o.b = appendLimits(o.b, all)
	}
}

// appendLimits appends an object of those values that have a limit.
func appendLimits(b []byte, all []Value) []byte {
	b = append(b, '{')
	for i := range all {
		v := &all[i]
		if v.Limit == "" {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = event.AppendJSON(b, event.StringValue(v.Name))
		b = append(b, ':')
		b = event.AppendJSON(b, event.StringValue(v.Limit))
	}
	return append(b, '}')
}

// values adds the facts, which of them are not exact, and their limits.
func (o *object) values(all []Value) error {
	o.name("values")
	o.b = append(o.b, '{')
	approx, inexact := map[string]float64(nil), []string(nil)
	for i := range all {
		v := &all[i]
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.quote(v.Name)
		o.b = append(o.b, ':')
		o.b = event.AppendJSON(o.b, v.Value)
		if v.Approx != 0 {
			if approx == nil {
				approx = map[string]float64{}
			}
			approx[v.Name] = v.Approx
		}
		if v.Inexact {
			inexact = append(inexact, v.Name)
		}
	}
	o.b = append(o.b, '}')
	if approx != nil {
		errors, err := json.Marshal(approx)
		if err != nil {
			return err
		}
		o.name("approx")
		o.b = append(o.b, errors...)
	}
	o.list("inexact", inexact)
	o.limits(all)
	return nil
}

func (o *object) labels(all map[string]string) {
	if len(all) == 0 {
		return
	}
	o.name("labels")
	o.b = append(o.b, '{')
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.quote(name)
		o.b = append(o.b, ':')
		o.quote(all[name])
	}
	o.b = append(o.b, '}')
}
