package alert

import (
	"bytes"
	"encoding/json"
	"fmt"

	"kelpie/event"
	"kelpie/window"
)

// record is the JSON form of an Alert.
type record struct {
	ID          string             `json:"id"`
	Rule        string             `json:"rule"`
	Key         keyJSON            `json:"key"`
	By          []string           `json:"by,omitempty"`
	Severity    string             `json:"severity"`
	Mode        string             `json:"mode"`
	State       State              `json:"state"`
	Opened      timeJSON           `json:"opened"`
	Updated     timeJSON           `json:"updated"`
	Resolved    *timeJSON          `json:"resolved,omitempty"`
	Reason      Reason             `json:"reason,omitempty"`
	Opener      openerJSON         `json:"opener"`
	Message     string             `json:"message"`
	Values      valuesJSON         `json:"values"`
	Approx      map[string]float64 `json:"approx,omitempty"`
	Inexact     []string           `json:"inexact,omitempty"`
	Limits      limitsJSON         `json:"limits,omitempty"`
	Warming     []string           `json:"warming,omitempty"`
	Labels      map[string]string  `json:"labels,omitempty"`
	Actions     []string           `json:"actions,omitempty"`
	Evaluations int64              `json:"evaluations"`
	Rules       string             `json:"rules,omitempty"`
	Evidence    *spanJSON          `json:"evidence,omitempty"`

	Acknowledged *markJSON `json:"acknowledged,omitempty"`
	Verdict      *markJSON `json:"verdict,omitempty"`
	ResolvedBy   *markJSON `json:"resolved_by,omitempty"`

	Shows *showsJSON `json:"shows,omitempty"` // of what is kept only
}

// showsJSON says which event fields can be seen in an alert that is kept.
type showsJSON struct {
	Message []Shown             `json:"message,omitempty"`
	Values  map[string][]string `json:"values,omitempty"`
}

func (a *Alert) shows() showsJSON {
	x := showsJSON{Message: a.Shown}
	for _, v := range a.Values {
		if len(v.Fields) > 0 && x.Values == nil {
			x.Values = map[string][]string{}
		}
		if len(v.Fields) > 0 {
			x.Values[v.Name] = v.Fields
		}
	}
	return x
}

// keptAlert is an alert in the form in which it is kept.
type keptAlert struct{ *Alert }

// MarshalJSON writes the form.
func (k keptAlert) MarshalJSON() ([]byte, error) { return k.appendRow(nil) }

// UnmarshalJSON reads it.
func (k *keptAlert) UnmarshalJSON(b []byte) error {
	k.Alert = new(Alert)
	return k.Alert.UnmarshalJSON(b)
}

type markJSON struct {
	By      string   `json:"by"`
	At      timeJSON `json:"at"`
	Word    string   `json:"word,omitempty"`
	Comment string   `json:"comment,omitempty"`
}

type openerJSON struct {
	Event    string    `json:"event,omitempty"`
	Position string    `json:"position,omitempty"`
	Window   *spanJSON `json:"window,omitempty"`
}

type spanJSON struct {
	Start timeJSON `json:"start"`
	End   timeJSON `json:"end"`
}

// MarshalJSON writes the alert's stable JSON form.
func (a Alert) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil) }

// UnmarshalJSON reads what MarshalJSON wrote; members that it does not know are ignored.
func (a *Alert) UnmarshalJSON(b []byte) error {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("alert: read: %w", err)
	}
	*a = Alert{
		ID: r.ID, Rule: r.Rule, By: r.By, Key: r.Key, Severity: r.Severity, Mode: r.Mode, State: r.State,
		Opened: int64(r.Opened), Updated: int64(r.Updated), Reason: r.Reason,
		Opener:  Opener{r.Opener.Event, r.Opener.Position, r.Opener.Window.span()},
		Message: r.Message, Values: r.Values, Warming: r.Warming, Labels: r.Labels, Actions: r.Actions,
		Evaluations: r.Evaluations, Rules: r.Rules, Evidence: r.Evidence.span(),
		Acknowledged: r.Acknowledged.mark(), Verdict: r.Verdict.mark(), ResolvedBy: r.ResolvedBy.mark(),
	}
	if r.Resolved != nil {
		a.Resolved = int64(*r.Resolved)
	}
	if a.Traced = r.Shows != nil; a.Traced {
		a.Shown = r.Shows.Message
	} else {
		r.Shows = &showsJSON{}
	}
	for i := range a.Values {
		v := &a.Values[i]
		v.Approx, v.Limit = r.Approx[v.Name], r.Limits.of(v.Name)
		v.Fields = r.Shows.Values[v.Name]
		for _, name := range r.Inexact {
			v.Inexact = v.Inexact || name == v.Name
		}
	}
	return nil
}

// marshal writes v as JSON and leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (s *spanJSON) span() *window.Span {
	if s == nil {
		return nil
	}
	return &window.Span{Start: int64(s.Start), End: int64(s.End)}
}

func markOf(m *Mark) *markJSON {
	if m == nil {
		return nil
	}
	return &markJSON{m.By, timeJSON(m.At), m.Word, m.Comment}
}

func (m *markJSON) mark() *Mark {
	if m == nil {
		return nil
	}
	return &Mark{m.By, int64(m.At), m.Word, m.Comment}
}

// timeJSON is a time in milliseconds; in JSON it is RFC 3339 in UTC.
type timeJSON int64

func (t timeJSON) MarshalText() ([]byte, error) { return event.AppendTime(nil, int64(t)), nil }

func (t *timeJSON) UnmarshalText(b []byte) error {
	ms, ok := event.ParseTime(event.StringValue(string(b)))
	if !ok {
		return fmt.Errorf("%q is not a time", b)
	}
	*t = timeJSON(ms)
	return nil
}

// keyJSON is a key; in JSON a single value is a string and any other number of them a list.
type keyJSON []string

func (k keyJSON) MarshalJSON() ([]byte, error) {
	if len(k) == 1 {
		return marshal(k[0])
	}
	return marshal(append([]string{}, k...))
}

func (k *keyJSON) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*k = keyJSON{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(k))
}

// valuesJSON are named values; in JSON they are the members of an object, in order.
type valuesJSON []Value

func (vs valuesJSON) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendJSON(b, event.StringValue(v.Name))
		b = append(b, ':')
		b = event.AppendJSON(b, v.Value)
	}
	return append(b, '}'), nil
}

func (vs *valuesJSON) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("values are no object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		v, err := event.DecodeJSON(raw)
		if err != nil {
			return err
		}
		*vs = append(*vs, Value{Name: name.(string), Value: v})
	}
	return nil
}

// limitsJSON are the values that have a limit; in JSON they are an object from names to limits, in order.
type limitsJSON []Value

func (vs limitsJSON) MarshalJSON() ([]byte, error) { return appendLimits(nil, vs), nil }

func (vs *limitsJSON) UnmarshalJSON(b []byte) error {
	var all map[string]string
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for name, limit := range all { // they are only looked up
		*vs = append(*vs, Value{Name: name, Limit: limit})
	}
	return nil
}

func (vs limitsJSON) of(name string) string {
	for _, v := range vs {
		if v.Name == name {
			return v.Limit
		}
	}
	return ""
}
