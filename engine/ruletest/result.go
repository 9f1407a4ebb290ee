package ruletest

import (
	"cmp"
	"slices"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// Result is how a test went.
type Result struct {
	Test     *rules.Test
	Rule     *rules.Rule
	Problems []string // why it could not be run: events that are refused, each with its place
	Lines    []Line   // expectations and openings side by side
}

// Line is one expectation with what was found for it; or an opening that nobody expected.
type Line struct {
	Expect  *rules.Expectation // nil: the opening is not expected
	Opening *Opening           // nil: nothing like what is expected opened
	Members []Member           // what is compared: the members that Expect names, or of a lone opening all
	OK      bool               // the opening is what is expected
	Why     *Miss              // why it did not open, where Expect is not met; may be nil
}

// Member is one compared member, as JSON texts. A missing one is null.
type Member struct {
	Name      string
	Want, Got string
	Same      bool
}

// Opening is one alert that opened.
type Opening struct {
	Time     int64 // ms
	Key      []string
	Severity string
	Message  string
	Values   []engine.NamedValue

	resolved *int64
}

// Passed reports whether every expectation is met and nothing else opened.
func (r *Result) Passed() bool {
	return len(r.Problems) == 0 && !slices.ContainsFunc(r.Lines, func(l Line) bool { return !l.OK })
}

func newOpening(c *engine.Change) *Opening {
	return &Opening{Time: c.Opened, Key: c.Key, Severity: c.Rule.Severity, Message: c.Message, Values: c.Values}
}

func (o *Opening) compare(p *Opening) int {
	return cmp.Or(cmp.Compare(o.Time, p.Time), slices.Compare(o.Key, p.Key))
}

// value returns the value of a fact, missing if it has none.
func (o *Opening) value(name string) event.Value {
	for _, v := range o.Values {
		if v.Name == name {
			return v.Value
		}
	}
	return event.Value{}
}

// text returns a member as JSON.
func (o *Opening) text(name string) string {
	switch name {
	case "time":
		return jsonText(event.StringValue(event.FormatTime(o.Time)))
	case "key":
		return keyText(o.Key)
	case "severity":
		return jsonText(event.StringValue(o.Severity))
	case "message":
		return jsonText(event.StringValue(o.Message))
	}
	return jsonText(o.value(name))
}

// keyText writes a key as rows do: a simple one as a text, any other as a list.
func keyText(key []string) string {
	if len(key) == 1 {
		return jsonText(event.StringValue(key[0]))
	}
	b := []byte{'['}
	for i, k := range key {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = event.AppendJSON(b, event.StringValue(k))
	}
	return string(append(b, ']'))
}

func jsonText(v event.Value) string { return string(event.AppendJSON(nil, v)) }
