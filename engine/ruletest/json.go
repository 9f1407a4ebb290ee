package ruletest

import (
	"bytes"
	"encoding/json"

	"kelpie/engine/whynot"
	"kelpie/event"
)

// MarshalJSON writes the result for `kelpie test --json`.
func (r *Result) MarshalJSON() ([]byte, error) {
	out := resultJSON{
		Name: r.Test.Name, Rule: r.Test.Rule, File: r.Test.At.File, Line: r.Test.At.Line, Passed: r.Passed(),
		Problems: r.Problems, Lines: []lineJSON{},
	}
	for i := range r.Lines {
		out.Lines = append(out.Lines, r.Lines[i].json())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // conditions are full of < and >
	err := e.Encode(out)
	return b.Bytes(), err
}

type resultJSON struct {
	Name     string     `json:"name"`
	Rule     string     `json:"rule"`
	File     string     `json:"file"`
	Line     int        `json:"line"`
	Passed   bool       `json:"passed"`
	Problems []string   `json:"problems,omitempty"`
	Lines    []lineJSON `json:"openings"`
}

type lineJSON struct {
	OK       bool            `json:"ok"`
	Line     int             `json:"line,omitempty"` // of the expectation
	Expected json.RawMessage `json:"expected,omitempty"`
	Actual   json.RawMessage `json:"actual,omitempty"`
	WhyNot   *missJSON       `json:"why_not,omitempty"`
}

func (l *Line) json() lineJSON {
	out := lineJSON{OK: l.OK}
	if l.Expect != nil {
		out.Line = l.Expect.At.Line
		out.Expected = object(l.Members, func(m Member) string { return m.Want })
	}
	if l.Opening != nil {
		out.Actual = object(l.Members, func(m Member) string { return m.Got })
	}
	if l.Why != nil {
		out.WhyNot = l.Why.json()
	}
	return out
}

// object writes members in their order.
func object(members []Member, text func(Member) string) json.RawMessage {
	b := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(event.AppendJSON(b, event.StringValue(m.Name)), ':')
		b = append(b, text(m)...)
	}
	return append(b, '}')
}

type missJSON struct {
	Reason    string          `json:"reason"`
	Time      string          `json:"time,omitempty"` // as of which it was judged
	Key       json.RawMessage `json:"key,omitempty"`
	Event     int             `json:"event,omitempty"` // its number among those given
	Line      int             `json:"line,omitempty"`  // where that event is given
	Fired     bool            `json:"fired,omitempty"`
	Abstained string          `json:"abstained,omitempty"`
	Values    json.RawMessage `json:"values,omitempty"`
	Condition []whynot.Part   `json:"condition,omitempty"`
}

func (m *Miss) json() *missJSON {
	out := &missJSON{Reason: m.Reason}
	if !m.Judged {
		return out
	}
	out.Time, out.Key = event.FormatTime(m.AsOf), json.RawMessage(keyText(m.Key))
	out.Fired, out.Abstained, out.Values = m.Fired, m.Abstained, whynot.Object(m.Values)
	if m.Event != nil {
		out.Event, out.Line = m.Number, m.Event.At.Line
	}
	out.Condition = m.Parts
	return out
}
