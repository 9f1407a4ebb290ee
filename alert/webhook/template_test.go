package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/words"
)

// TestTemplate reads templates: what they give for one alert, or why they are refused.
func TestTemplate(t *testing.T) {
	n := alerttest.Group(1, alert.KindOpened)
	n.Alerts[0].Alert.Message = `"}, "x": "` + "\n<&>"
	d, err := words.Document(n, defaultMaxBody)
	if err != nil {
		t.Fatal(err)
	}
	f := func(text, want string) {
		t.Helper()
		tpl, err := parseTemplate(text, defaultMaxBody)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		got, err := tpl.render(d, defaultMaxBody)
		if err != nil || string(got) != want {
			t.Errorf("%s gives %s, %v; want %s", text, got, err, want)
		}
	}
	f(`{"text": "{{.data.title}}"}`, `{"text": "[HIGH] order-burst c0"}`)
	f(`{{json .data.labels}}`, `{"rule":"order-burst"}`)
	f(`{"all": [{{range $i, $a := .data.alerts}}{{if $i}},{{end}}"{{$a.alert.message}}"{{end}}]}`, `{"all": ["\"}, \"x\": \"\n<&>"]}`)
	f(`{"all": {{.data.alerts | json}}, "n": {{len .data.alerts}}}`, `{"all": `+alertsOf(t, d)+`, "n": 1}`)
	f(`{"link": "{{.data.alerts | len}} {{.data.since | upper}} {{.data.labels}}"}`, `{"link": "1 2026-01-05T10:00:00.000Z {\"rule\":\"order-burst\"}"}`)
	f(`{"resolved": "{{with .data.alerts}}{{(index . 0).alert.resolved}}{{end}}"}`, `{"resolved": ""}`)
	f(`{{define "a"}}"{{.}}"{{end}}[{{template "a" .data.kind}}]`, `["opened"]`)
	f(`"{{range .data.alerts}}{{join "/" .alert.key}}{{end}}"`, `"c0"`)
	f(`"{{print .data.title}} {{printf "%q" .data.kind}}"`, `"[HIGH] order-burst c0 \"opened\""`)
}

// TestTemplateRefused wants mistakes to be found when the configuration is read.
func TestTemplateRefused(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := parseTemplate(text, defaultMaxBody); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	f(`{{`, "unclosed action")
	f(`{"x": "{{.data.titel}}"}`, `no entry for key "titel"`)
	f(`{"x": {{.data.title}}}`, "gives no JSON")
	f(`{"x": "{{json .data.title}}"}`, "gives no JSON")
	f(`hello`, "gives no JSON")
	f(``, "gives no JSON")
	f(`"{{range 1000000}}xxxxxxxxxx{{end}}"`, "too much")
	f(`{{nothing .}}`, "not defined")
	f(`{{template "x"}}`, `not defined`)
	f(`"{{if eq .data.kind "digest"}}"{{end}}"`, "digest")
}

func alertsOf(t *testing.T, doc []byte) string {
	t.Helper()
	var v struct {
		Data struct{ Alerts any }
	}
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	b, err := words.JSON(v.Data.Alerts)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTemplateFits wants a template that gives more than its document to be given less.
func TestTemplateFits(t *testing.T) {
	tpl, err := parseTemplate(`[{{range $i, $a := .data.alerts}}{{if $i}},{{end}}{{json $a}},{{json $a}},{{json $a}}{{end}}]`, defaultMaxBody)
	if err != nil {
		t.Fatal(err)
	}
	n := &Notifier{max: leastMaxBody, body: tpl}
	b, err := n.render(alerttest.Group(1000, alert.KindOpened))
	if err != nil || len(b) > leastMaxBody || len(b) < 1<<10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if n.body, err = parseTemplate(`"{{range 100000}}x{{end}}"`, defaultMaxBody); err != nil {
		t.Fatal(err)
	}
	if _, err := n.render(alerttest.Group(1, alert.KindOpened)); err == nil {
		t.Error("a template that always gives too much gives something")
	}
}

// FuzzTemplate puts any text into every place of an alert: the body stays JSON, and the text where it was put.
func FuzzTemplate(f *testing.F) {
	for _, text := range alerttest.HostileTexts() {
		f.Add(text[:min(len(text), 1000)])
	}
	tpl, err := parseTemplate(`{"message": "{{range .data.alerts}}{{.alert.message}}{{end}}", "key": "{{range .data.alerts}}{{.alert.key}}{{end}}", "labels": {{json .data.labels}}}`, defaultMaxBody)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := alerttest.Group(1, alert.KindOpened)
		a := n.Alerts[0].Alert
		a.Message, a.Key, n.Labels = text, []string{text}, map[string]string{text: text}
		d, err := words.Document(n, defaultMaxBody)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tpl.render(d, defaultMaxBody)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(b, &got); err != nil || len(got) != 3 {
			t.Fatalf("%s: %v", b, err)
		}
		if len(text) < 1000 && got["message"] != strings.ToValidUTF8(text, "\ufffd") && !strings.Contains(text, "\xff") && strings.ToValidUTF8(text, "") == text {
			t.Errorf("%q became %q", text, got["message"])
		}
	})
}
