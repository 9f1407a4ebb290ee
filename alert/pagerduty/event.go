package pagerduty

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"kelpie/alert"
	"kelpie/alert/words"
)

// The actions of an event.
const (
	trigger     = "trigger"
	acknowledge = "acknowledge"
	resolve     = "resolve"
)

// actionOf returns what a notification does to the incident.
func actionOf(n *alert.Notification) string {
	switch n.Kind {
	case alert.KindAcknowledged:
		return acknowledge
	case alert.KindResolved:
		return resolve
	}
	return trigger
}

// What PagerDuty takes: 1024 characters of summary, 255 of a dedup key, 512 KB of an event.
const (
	longestSummary  = 1024
	longestDedupKey = 255
	largestEvent    = 512_000
	// largestDetails leaves room for the rest of an event.
	largestDetails = largestEvent - 32_000
	longestText    = 1000
	mostValues     = 50
	mostLabels     = 50
	mostCounts     = 100
)

// request is an event, as PagerDuty calls what it is sent.
type request struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Payload    *payload `json:"payload,omitempty"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string  `json:"summary"`
	Source    string  `json:"source"`
	Severity  string  `json:"severity"`
	Timestamp string  `json:"timestamp,omitempty"`
	Component string  `json:"component,omitempty"`
	Group     string  `json:"group,omitempty"`
	Class     string  `json:"class,omitempty"`
	Details   details `json:"custom_details"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type details struct {
	Labels  map[string]string `json:"labels,omitempty"`
	Alerts  []json.RawMessage `json:"alerts,omitempty"` // of detail
	Omitted int               `json:"omitted,omitempty"`
	Counts  []string          `json:"counts,omitempty"`
}

// detail is what is said of an alert.
type detail struct {
	ID       string            `json:"id"`
	Rule     string            `json:"rule"`
	Key      string            `json:"key,omitempty"`
	Severity string            `json:"severity"`
	State    alert.State       `json:"state"`
	Since    string            `json:"since"`
	Message  string            `json:"message,omitempty"`
	Values   map[string]string `json:"values,omitempty"`
	Remarks  []string          `json:"remarks,omitempty"`
	Over     string            `json:"over,omitempty"`
	Next     []string          `json:"next,omitempty"`
	Link     string            `json:"link,omitempty"`
}

// request writes an event, within the limits.
func (n *Notifier) request(note *alert.Notification, action string) ([]byte, error) {
	e := request{RoutingKey: n.spec.RoutingKey.Reveal(), Action: action, DedupKey: dedupKey(note.Group)}
	if action == trigger {
		e.Client, e.ClientURL = "Kelpie", words.Bytes(note.Link, longestText)
		if e.ClientURL != "" {
			e.Links = []link{{e.ClientURL, "open in Kelpie"}}
		}
		p, err := n.payload(note)
		if err != nil {
			return nil, err
		}
		e.Payload = p
	}
	return json.Marshal(e)
}

// dedupKey makes the key by which PagerDuty knows the incident.
func dedupKey(group string) string {
	if len(group) > 0 && len(group) <= longestDedupKey && words.Line(group, longestDedupKey) == group {
		return group
	}
	sum := sha256.Sum256([]byte(group))
	return "kelpie-" + hex.EncodeToString(sum[:16])
}

func (n *Notifier) payload(note *alert.Notification) (*payload, error) {
	d, err := detailsOf(note)
	if err != nil {
		return nil, err
	}
	p := &payload{Source: n.spec.Source, Severity: "info", Details: d}
	p.Summary = words.Title(note, longestSummary/2)
	worst := words.Worst(note)
	if worst == nil {
		p.Severity = "warning" // a digest: there are many
		return p, nil
	}
	if worst.Message != "" {
		p.Summary += ": " + words.Line(worst.Message, longestSummary/2-2)
	}
	p.Severity = []string{"info", "info", "warning", "error", "critical"}[words.Rank(worst.Severity)]
	p.Timestamp, p.Class, p.Component = words.Time(worst.Opened), words.Line(worst.Rule, 255), words.Key(worst.Key, 255)
	return p, nil
}

// detailsOf lists the alerts that there is room for, and counts the others.
func detailsOf(note *alert.Notification) (d details, err error) {
	d.Omitted, d.Labels = note.Omitted, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(note.Labels))[:min(len(note.Labels), mostLabels)] {
		d.Labels[words.Line(name, 100)] = words.Line(note.Labels[name], 200)
	}
	for _, c := range note.Counts[:min(len(note.Counts), mostCounts)] {
		d.Counts = append(d.Counts, words.CountLine(c, 300))
	}
	room := largestDetails
	for _, notice := range note.Alerts {
		if notice.Alert == nil {
			continue
		}
		raw, err := json.Marshal(detailOf(notice))
		if err != nil {
			return d, err
		}
		if len(raw) > room {
			d.Omitted++
			continue
		}
		room -= len(raw) + 1
		d.Alerts = append(d.Alerts, raw)
	}
	return d, nil
}

func detailOf(notice alert.Notice) detail {
	a := notice.Alert
	d := detail{
		ID: words.Line(a.ID, 64), Rule: words.Line(a.Rule, 200), Key: words.Key(a.Key, 300), Severity: words.Line(a.Severity, 20), State: a.State,
		Since: words.Time(a.Opened), Message: words.Lines(a.Message, longestText), Remarks: words.Remarks(a), Over: words.Resolution(a),
		Next: words.Commands(a), Link: words.Bytes(notice.Link, longestText), Values: map[string]string{},
	}
	for _, f := range words.Facts(a, mostValues, 300) {
		d.Values[f.Name] = f.Value
	}
	return d
}
