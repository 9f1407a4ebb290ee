package alert

import (
	"cmp"
	"slices"
	"strings"

	"kelpie/mask"
)

// Shown is a piece of an alert's message in which fields of events can be seen. It is kept with the alert and is part of
// no form that leaves.
type Shown struct {
	From   int      `json:"from"` // bytes of the message
	To     int      `json:"to"`
	Fields []string `json:"fields"` // as rules write them
}

// Masked returns the alert as it may leave, which is a itself if nothing of it is masked. Of an alert that an older version
// has kept, and that does not say what can be seen in it, message and values are hidden whole.
func (a *Alert) Masked(m *mask.Fields) *Alert {
	if m == nil {
		return a
	}
	out := *a
	out.Key = m.Key(a.Key, a.By)
	out.Values = slices.Clone(a.Values)
	for i := range out.Values {
		v := &out.Values[i]
		if a.Traced {
			v.Value = m.Value(v.Value, v.Fields...)
		} else {
			v.Value = m.Hide(v.Value)
		}
	}
	switch {
	case !a.Traced && a.Message != "":
		out.Message = a.Rule + ": " + hiddenMessage
	case a.Traced:
		out.Message, out.Shown = maskText(m, a.Message, a.Shown), nil
	}
	return &out
}

const hiddenMessage = "an older version made the message, and nobody knows what is personal in it"

// maskText puts tokens where in a text declared fields can be seen.
func maskText(m *mask.Fields, text string, shown []Shown) string {
	var b strings.Builder
	done := 0
	for _, x := range slices.SortedFunc(slices.Values(shown), func(a, b Shown) int { return cmp.Compare(a.From, b.From) }) {
		if x.From < done || x.To > len(text) || x.To < x.From {
			return hiddenMessage // unreachable unless the state is corrupt
		}
		b.WriteString(text[done:x.From])
		b.WriteString(m.Text(text[x.From:x.To], x.Fields...))
		done = x.To
	}
	return b.String() + text[done:]
}

// Masked returns the notification as it may leave. The labels that the group has are those of its alerts.
func (n *Notification) Masked(m *mask.Fields) *Notification {
	if m == nil {
		return n
	}
	out := *n
	out.Alerts = slices.Clone(n.Alerts)
	for i := range out.Alerts {
		out.Alerts[i].Alert = n.Alerts[i].Alert.Masked(m)
	}
	var of map[string]string
	if len(out.Alerts) > 0 {
		of = out.Alerts[0].Alert.LabelSet()
	}
	if n.Labels != nil {
		out.Labels = make(map[string]string, len(n.Labels))
	}
	for name, value := range n.Labels {
		if of != nil {
			out.Labels[name] = of[name]
		} else {
			out.Labels[name] = m.Label(name, value)
		}
	}
	out.Counts = slices.Clone(n.Counts)
	for i := range out.Counts {
		c := &out.Counts[i]
		if c.Key != nil && c.By == nil && len(c.Key) > 0 { // kept by an older version
			c.Key = []string{m.Label("key", strings.Join(c.Key, ","))}
		} else if c.Key != nil {
			c.Key = m.Key(c.Key, c.By)
		}
	}
	return &out
}

// Masked returns the silence as it may leave: values of labels that are personal stand as tokens, by which it can be
// written, too. What people have written as a comment is theirs.
func (s *Silence) Masked(m *mask.Fields) *Silence {
	if m == nil {
		return s
	}
	out := *s
	out.Match = s.Match.Masked(m)
	return &out
}

// seenAs returns the alert's labels as they leave; nil if nothing of them is masked.
func (a *Alert) seenAs(m *mask.Fields) map[string]string {
	if !m.Covers(a.By...) {
		return nil
	}
	return a.Masked(m).LabelSet()
}
