package alertmanager

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"kelpie/alert"
	"kelpie/alert/words"
)

// posted is an alert as the API takes it.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

const (
	longestLabel      = 300
	longestAnnotation = 1000
	mostLabels        = 40
	mostValues        = 30
	mostCounts        = 50
	// briefly is how long what nothing follows is firing: a test, a digest, an alert about a single event.
	briefly = 5 * time.Minute
)

// alerts returns what a notification says.
func (n *Notifier) alerts(note *alert.Notification) (all []posted) {
	if note.Kind == alert.KindDigest {
		return []posted{n.digest(note)}
	}
	for _, notice := range note.Alerts {
		if notice.Alert != nil {
			all = append(all, n.posted(note, notice))
		}
	}
	return all
}

func (n *Notifier) posted(note *alert.Notification, notice alert.Notice) posted {
	a, now := notice.Alert, n.client.Now().UTC()
	p := posted{Labels: labelsOf(a, note), Annotations: annotationsOf(a, note), StartsAt: time.UnixMilli(a.Opened).UTC(), GeneratorURL: address(notice.Link)}
	switch {
	case note.Kind == alert.KindTest, !a.Open() && note.Kind == alert.KindOpened:
		p.EndsAt = now.Add(briefly)
	case a.Open():
		p.EndsAt = now.Add(n.spec.Expire)
	default:
		p.EndsAt = earliest(time.UnixMilli(a.Resolved).UTC(), now) // an end ahead would be firing
	}
	p.StartsAt = earliest(p.StartsAt, p.EndsAt)
	return p
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// labelsOf returns the labels by which Alertmanager knows the alert. They are those of Kelpie's own routes, with
// alertname; a text that Alertmanager does not take is replaced.
func labelsOf(a *alert.Alert, note *alert.Notification) map[string]string {
	own := a.LabelSet()
	labels := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if value := words.Line(own[name], longestLabel); value != "" && len(labels) < mostLabels {
			labels[labelName(name)] = value
		}
	}
	labels["alertname"] = words.Line(a.Rule, longestLabel)
	for _, name := range []string{"rule", "severity", "key"} {
		if value := words.Line(own[name], longestLabel); value != "" {
			labels[name] = value
		}
	}
	if labels["alertname"] == "" {
		labels["alertname"] = "kelpie"
	}
	if note.Kind == alert.KindTest {
		labels["kelpie_test"] = "true"
	}
	return labels
}

// labelName makes a name that every version of Alertmanager takes.
func labelName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, words.Bytes(name, longestLabel))
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}

// annotationsOf returns what is shown of an alert.
func annotationsOf(a *alert.Alert, note *alert.Notification) map[string]string {
	one := &alert.Notification{Kind: note.Kind, State: a.State, Alerts: []alert.Notice{{Alert: a}}}
	texts := map[string]string{
		"summary":     words.Title(one, longestAnnotation),
		"description": words.Lines(a.Message, longestAnnotation),
		"id":          words.Line(a.ID, 64),
		"run":         strings.Join(words.Commands(a), "\n"),
		"remarks":     strings.Join(words.Remarks(a), "\n"),
		"receiver":    words.Line(note.Receiver, 100),
		"incident":    words.Line(note.Group, 200),
	}
	var values []string
	for _, f := range words.Facts(a, mostValues, 100) {
		values = append(values, f.Name+" = "+f.Value)
	}
	texts["values"] = strings.Join(values, "\n")
	maps.DeleteFunc(texts, func(_, text string) bool { return text == "" })
	return texts
}

// digest is one alert that counts what was held back.
func (n *Notifier) digest(note *alert.Notification) posted {
	now := n.client.Now().UTC()
	var lines []string
	for _, c := range note.Counts[:min(len(note.Counts), mostCounts)] {
		lines = append(lines, words.CountLine(c, 200))
	}
	labels := map[string]string{"alertname": "kelpie-digest", "severity": "medium"}
	if r := words.Line(note.Receiver, 100); r != "" {
		labels["receiver"] = r
	}
	return posted{
		Labels:      labels,
		Annotations: map[string]string{"summary": words.Title(note, longestAnnotation), "description": strings.Join(lines, "\n")},
		StartsAt:    now, EndsAt: now.Add(briefly), GeneratorURL: address(note.Link),
	}
}

// address returns a link that the API takes; "" for what is none.
func address(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || len(link) > 1000 {
		return ""
	}
	return u.String()
}
