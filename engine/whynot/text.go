package whynot

import (
	"bytes"
	"encoding/json"
	"strings"

	"kelpie/engine"
	"kelpie/event"
)

// Text is the part in a line: whether it is true, what it says, and the values that it reads.
func (p *Part) Text() string {
	pad := strings.Repeat("  ", p.Depth)
	if p.Joined != "" {
		return pad + p.truth() + "  " + p.Joined + ":"
	}
	s := pad + p.truth() + "  " + p.Src
	if len(p.Values) > 0 {
		s += "   (" + ValuesText(p.Values) + ")"
	}
	return s
}

func (p *Part) truth() string {
	switch p.Truth {
	case "true":
		return "yes    "
	case "false":
		return "no     "
	case "missing":
		return "missing"
	}
	return "?      "
}

// ValuesText writes named values; one that is missing is said to be.
func ValuesText(values []engine.NamedValue) string {
	var out []string
	for _, v := range values {
		text := "missing"
		if !v.Value.IsMissing() {
			text = string(event.AppendJSON(nil, v.Value))
		}
		out = append(out, v.Name+" = "+text)
	}
	return strings.Join(out, ", ")
}

// MarshalJSON writes the part.
func (p Part) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // conditions are full of < and >
	err := e.Encode(partJSON{p.Src, p.Depth, p.Joined, p.Truth, p.Missing, Object(p.Values)})
	return b.Bytes(), err
}

type partJSON struct {
	Expr    string          `json:"expr"`
	Depth   int             `json:"depth"`
	Joined  string          `json:"joined,omitempty"`
	Is      string          `json:"is,omitempty"` // true, false, missing
	Missing string          `json:"missing,omitempty"`
	Values  json.RawMessage `json:"values,omitempty"`
}

// Object writes values as an object of JSON, in their order; a missing one is null. Of none it is nil.
func Object(values []engine.NamedValue) json.RawMessage {
	if values == nil {
		return nil
	}
	b := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(event.AppendJSON(b, event.StringValue(v.Name)), ':')
		b = event.AppendJSON(b, v.Value)
	}
	return append(b, '}')
}
