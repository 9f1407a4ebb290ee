package words

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"kelpie/alert"
	"kelpie/event"
)

// DocumentVersion is that of the document.
const DocumentVersion = 1

// DocumentID makes an id of a notification's key, by which a receiver tells what it has had already: a few letters and
// digits, whatever the key holds.
func DocumentID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// envelope is the document. It is described in docs/receivers.md and by schema.json in this folder: within its version
// members may be added, and none changes its meaning. Its outer members are those that Standard Webhooks recommends.
type envelope struct {
	Type      string `json:"type"`      // alerts. and the kind
	Timestamp string `json:"timestamp"` // event time at which it came about
	Version   int    `json:"version"`
	Data      data   `json:"data"`
}

type data struct {
	Key      string            `json:"key"`
	Group    string            `json:"group"`
	Receiver string            `json:"receiver"`
	Kind     alert.Kind        `json:"kind"`
	State    alert.State       `json:"state"`
	Title    string            `json:"title"`
	Labels   map[string]string `json:"labels"`
	Since    string            `json:"since,omitempty"`
	Alerts   []json.RawMessage `json:"alerts"` // of notice
	Omitted  int               `json:"omitted"`
	Counts   []count           `json:"counts,omitempty"`
	Link     string            `json:"link,omitempty"`
}

type notice struct {
	New   bool         `json:"new"`
	Cut   bool         `json:"cut,omitempty"` // texts of the alert have been cut, since the document was too long
	Link  string       `json:"link,omitempty"`
	Alert *alert.Alert `json:"alert"`
}

type count struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"`
	Key      []string `json:"key"` // null: the remaining keys of the rule
	Alerts   int      `json:"alerts"`
}

// longestTitle is in UTF-16 units.
const longestTitle = 300

// shortenings are tried in turn when a document is too long.
var shortenings = []shortening{{4 << 10, 200}, {256, 20}}

// Document writes what receivers that are programs are sent of a group of alerts, one JSON object that is the same
// wherever it goes, in at most max bytes: if it is longer, the alerts' texts are cut, and as many alerts are left
// out at the end as have to be.
func Document(n *alert.Notification, max int) (doc []byte, err error) {
	e := outline(n)
	for _, s := range append([]shortening{{}}, shortenings...) {
		if doc, err = e.with(n, s, max); err != nil || doc != nil {
			return doc, err
		}
	}
	return nil, fmt.Errorf("the document is longer than %d bytes", max)
}

// outline returns the document without alerts.
func outline(n *alert.Notification) *envelope {
	e := &envelope{
		Type: "alerts." + string(n.Kind), Timestamp: event.FormatTime(Moment(n)), Version: DocumentVersion,
		Data: data{
			Key: n.Key, Group: n.Group, Receiver: n.Receiver, Kind: n.Kind, State: n.State, Title: Title(n, longestTitle),
			Labels: map[string]string{}, Omitted: n.Omitted, Link: n.Link,
		},
	}
	if n.Since != 0 {
		e.Data.Since = event.FormatTime(n.Since)
	}
	for name, value := range n.Labels {
		e.Data.Labels[Bytes(name, 1<<10)] = Bytes(value, 1<<10)
	}
	for _, c := range n.Counts {
		e.Data.Counts = append(e.Data.Counts, count{c.Rule, c.Severity, cutAll(c.Key, 256), c.Alerts})
	}
	return e
}

// with adds the alerts: all if nothing is to be shortened, else those that there is room for, and at least one. It
// returns nil if that is too much.
func (e *envelope) with(n *alert.Notification, s shortening, max int) ([]byte, error) {
	e.Data.Alerts, e.Data.Omitted = []json.RawMessage{}, n.Omitted
	base, err := JSON(e)
	if err != nil {
		return nil, err
	}
	room := max - len(base) - 10 // digits of omitted
	for i, one := range n.Alerts {
		if one.Alert == nil {
			continue
		}
		raw, err := JSON(notice{one.New, s.texts > 0, one.Link, s.apply(one.Alert)})
		if err != nil {
			return nil, err
		}
		room -= len(raw) + 1
		if room < 0 && s.texts > 0 && i > 0 {
			e.Data.Omitted += len(n.Alerts) - i
			break
		}
		if room < 0 {
			return nil, nil
		}
		e.Data.Alerts = append(e.Data.Alerts, raw)
	}
	return JSON(e)
}

// shortening bounds an alert: the bytes of each text, and how many values, labels and the like it has. The zero
// shortening changes nothing.
type shortening struct{ texts, members int }

// apply returns a shorter copy of an alert.
func (s shortening) apply(a *alert.Alert) *alert.Alert {
	if s.texts == 0 {
		return a
	}
	b := *a
	b.Message, b.Rule, b.Severity = Bytes(a.Message, s.texts), Bytes(a.Rule, s.texts), Bytes(a.Severity, s.texts)
	b.Key = cutAll(a.Key[:min(len(a.Key), s.members)], s.texts)
	b.Actions = cutAll(a.Actions[:min(len(a.Actions), s.members)], s.texts)
	b.Warming = cutAll(a.Warming[:min(len(a.Warming), s.members)], s.texts)
	b.Opener.Event, b.Opener.Position = Bytes(a.Opener.Event, s.texts), Bytes(a.Opener.Position, s.texts)
	b.Values = nil
	for _, v := range a.Values[:min(len(a.Values), s.members)] {
		v.Name, v.Limit = Bytes(v.Name, s.texts), Bytes(v.Limit, s.texts)
		if len(v.Value.S) > s.texts {
			v.Value = event.StringValue(Bytes(v.Value.S, s.texts))
		}
		b.Values = append(b.Values, v)
	}
	b.Labels = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(a.Labels))[:min(len(a.Labels), s.members)] {
		b.Labels[Bytes(name, s.texts)] = Bytes(a.Labels[name], s.texts)
	}
	b.Acknowledged, b.Verdict, b.ResolvedBy = s.mark(a.Acknowledged), s.mark(a.Verdict), s.mark(a.ResolvedBy)
	return &b
}

func (s shortening) mark(m *alert.Mark) *alert.Mark {
	if m == nil {
		return nil
	}
	return &alert.Mark{By: Bytes(m.By, s.texts), At: m.At, Word: Bytes(m.Word, s.texts), Comment: Bytes(m.Comment, s.texts)}
}

// cutAll cuts each text; nil stays nil.
func cutAll(texts []string, max int) (short []string) {
	for _, t := range texts {
		short = append(short, Bytes(t, max))
	}
	return short
}

// JSON writes a value as JSON and leaves <, > and & as they are.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
