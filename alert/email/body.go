package email

import (
	"bytes"
	_ "embed" // the templates
	"fmt"
	htmltemplate "html/template"
	"maps"
	"slices"
	"strings"
	"text/template"

	"kelpie/alert"
	"kelpie/alert/words"
)

//go:embed body.txt
var plainText string

//go:embed body.html
var htmlText string

var (
	plainBody = template.Must(template.New("body.txt").Parse(plainText))
	htmlBody  = htmltemplate.Must(htmltemplate.New("body.html").Parse(htmlText))
)

// What a message shows.
const (
	longestSubject = 200
	longestMessage = 2000
	longestFact    = 300
	mostAlerts     = 20
	mostFacts      = 30
	mostLines      = 100
)

// view is what the templates of the body are given. All of it is harmless text.
type view struct {
	Title  string
	Since  string
	Labels []string
	Alerts []alertView
	Lines  []string // of alerts that are not in Alerts, and of a digest
	More   int      // alerts that are in neither
	Link   string
	Test   bool
}

type alertView struct {
	Line    string
	Message string
	Facts   []words.Fact
	Remarks []string
	Over    string
	Next    []string
	Link    string
}

// bodies writes the message as plain text and as HTML.
func bodies(n *alert.Notification) (plain, html string, err error) {
	v := viewOf(n)
	var p, h bytes.Buffer
	if err := plainBody.Execute(&p, v); err != nil {
		return "", "", err
	}
	if err := htmlBody.Execute(&h, v); err != nil {
		return "", "", err
	}
	return p.String(), h.String(), nil
}

func viewOf(n *alert.Notification) view {
	v := view{Title: words.Title(n, longestSubject), Link: webLink(n.Link), Test: n.Kind == alert.KindTest}
	if n.Since != 0 {
		v.Since = words.Time(n.Since)
	}
	for _, name := range slices.Sorted(maps.Keys(n.Labels))[:min(len(n.Labels), mostFacts)] {
		v.Labels = append(v.Labels, words.Line(name, 100)+" = "+words.Line(n.Labels[name], longestFact))
	}
	for _, notice := range n.Alerts {
		switch {
		case notice.Alert == nil:
		case len(v.Alerts) < mostAlerts:
			v.Alerts = append(v.Alerts, alertViewOf(notice))
		case len(v.Lines) < mostLines:
			v.Lines = append(v.Lines, words.AlertLine(notice.Alert, longestFact))
		}
	}
	v.More = words.Count(n) - len(v.Alerts) - len(v.Lines)
	for _, c := range n.Counts[:min(len(n.Counts), mostLines)] {
		v.Lines = append(v.Lines, words.CountLine(c, longestFact))
	}
	return v
}

func alertViewOf(notice alert.Notice) alertView {
	a := notice.Alert
	return alertView{
		Line: words.AlertLine(&alert.Alert{Severity: a.Severity, Rule: a.Rule, Key: a.Key, Opened: a.Opened, State: a.State}, longestFact), Message: words.Lines(a.Message, longestMessage),
		Facts: words.Facts(a, mostFacts, longestFact), Remarks: words.Remarks(a), Over: words.Resolution(a), Next: words.Commands(a), Link: webLink(notice.Link),
	}
}

// webLink returns a link that may be clicked; "" for what is none.
func webLink(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return words.Line(link, 1000)
	}
	return ""
}

// parseSubject reads the template of the subject and tries it.
func parseSubject(text string) (*template.Template, error) {
	if text == "" {
		text = defaultSubject
	}
	t, err := template.New("subject").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	for _, k := range alert.Kinds() {
		if _, err := writeSubject(t, alert.Example(k, "example", 1_767_607_200_000)); err != nil {
			return nil, fmt.Errorf("tried on an example (%s): %w", k, err)
		}
	}
	return t, nil
}

// writeSubject gives the template its values: title, kind, state, group, receiver, rule, key, severity, alerts (their
// number).
func writeSubject(t *template.Template, n *alert.Notification) (string, error) {
	values := map[string]any{
		"title": words.Title(n, longestSubject), "kind": string(n.Kind), "state": string(n.State), "group": words.Line(n.Group, longestSubject),
		"receiver": words.Line(n.Receiver, 100), "alerts": words.Count(n), "rule": "", "key": "", "severity": "",
	}
	if a := words.Worst(n); a != nil {
		values["rule"], values["key"], values["severity"] = words.Line(a.Rule, 100), words.Key(a.Key, 100), words.Line(a.Severity, 20)
	}
	var b limitedText
	err := t.Execute(&b, values)
	return b.String(), err
}

// limitedText keeps the beginning of what is written.
type limitedText struct{ strings.Builder }

// Write implements io.Writer.
func (l *limitedText) Write(b []byte) (int, error) {
	if room := 4*longestSubject - l.Len(); room < len(b) {
		l.Builder.Write(b[:max(room, 0)])
		return len(b), nil
	}
	return l.Builder.Write(b)
}
