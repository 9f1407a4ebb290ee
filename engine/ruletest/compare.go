package ruletest

import (
	"math"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// compare puts the test's expectations beside the openings. Which opening meets which expectation is found by matching,
// so that an expectation that names little does not take the opening that another one needs.
func (r *Result) compare(openings []*Opening) {
	slices.SortStableFunc(openings, (*Opening).compare)
	expect := r.Test.Expect
	m := newMatching(len(expect), len(openings), func(i, j int) bool { return meets(&expect[i], openings[j]) })
	taken := make([]bool, len(openings))
	for i := range expect {
		if j := m.right(i); j >= 0 {
			taken[j] = true
		}
	}
	for i := range expect {
		l := Line{Expect: &expect[i]}
		if j := m.right(i); j >= 0 {
			l.Opening, l.OK = openings[j], true
		} else if j := nearest(&expect[i], openings, taken); j >= 0 {
			l.Opening, taken[j] = openings[j], true
		}
		l.Members = members(l.Expect, l.Opening)
		r.Lines = append(r.Lines, l)
	}
	for j, o := range openings {
		if !taken[j] {
			r.Lines = append(r.Lines, Line{Opening: o, Members: members(nil, o)})
		}
	}
}

// meets reports whether an opening is as expected.
func meets(e *rules.Expectation, o *Opening) bool {
	return !slices.ContainsFunc(e.Members, func(m rules.Member) bool { return !same(&m, o) })
}

// same compares one member: times and texts equal, numbers within 1e-9 of the larger one (1e-9 below 1).
func same(m *rules.Member, o *Opening) bool {
	switch m.Name {
	case "time":
		return m.Value.N == o.Time
	case "key":
		return sameKey(m, o.Key)
	case "severity":
		return m.Value.S == o.Severity
	case "message":
		return m.Value.S == o.Message
	}
	got := o.value(m.Name)
	a, ok1 := m.Value.Float64()
	b, ok2 := got.Float64()
	if ok1 && ok2 {
		return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
	}
	return event.Equal(m.Value, got)
}

// sameKey compares by key texts, so that 1 is "1".
func sameKey(m *rules.Member, key []string) bool {
	want := m.List
	if want == nil {
		want = []event.Value{m.Value}
	}
	return slices.EqualFunc(want, key, func(v event.Value, k string) bool {
		text, ok := event.AppendKey(nil, v)
		return ok && string(text) == k
	})
}

// nearest returns the opening that is not taken and shares most with what is expected, time and key before all; -1 if
// none shares anything.
func nearest(e *rules.Expectation, openings []*Opening, taken []bool) int {
	best, most := -1, 0
	for j, o := range openings {
		if taken[j] {
			continue
		}
		score := 0
		for i := range e.Members {
			switch m := &e.Members[i]; {
			case !same(m, o):
			case m.Name == "time" || m.Name == "key":
				score += len(e.Members)
			default:
				score++
			}
		}
		if score > most {
			best, most = j, score
		}
	}
	return best
}

// members compares what the expectation names; of a lone opening it lists everything.
func members(e *rules.Expectation, o *Opening) (out []Member) {
	if e == nil {
		for _, name := range o.names() {
			out = append(out, Member{Name: name, Got: o.text(name)})
		}
		return out
	}
	for i := range e.Members {
		m := &e.Members[i]
		c := Member{Name: m.Name, Want: memberText(m)}
		if o != nil {
			c.Got, c.Same = o.text(m.Name), same(m, o)
		}
		out = append(out, c)
	}
	return out
}

// names are the members that an opening has, but the severity and the message, which follow from the rule.
func (o *Opening) names() []string {
	names := []string{"time", "key"}
	for _, v := range o.Values {
		names = append(names, v.Name)
	}
	return names
}

func memberText(m *rules.Member) string {
	if m.List != nil {
		var parts []string
		for _, v := range m.List {
			parts = append(parts, jsonText(v))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if m.Name == "time" {
		return jsonText(event.StringValue(event.FormatTime(m.Value.N)))
	}
	return jsonText(m.Value)
}
