package slack

import (
	"encoding/json"
	"strings"
	"testing"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/slack/slacktest"
	"kelpie/event"
)

// check wants a message within the limits, in which no text of an event can be markup.
func check(t *testing.T, m message) {
	t.Helper()
	raw, err := json.Marshal(m.blocks)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []map[string]any
	if err := json.Unmarshal(raw, &blocks); err != nil {
		t.Fatal(err)
	}
	if err := slacktest.CheckBlocks(blocks); err != nil {
		t.Errorf("%v: %.1000s", err, raw)
	}
	if m.text == "" || len(m.text) > 4*longestPreview || strings.ContainsAny(m.text, "<>*_~`@") {
		t.Errorf("the text is %q", m.text)
	}
	walk(blocks, func(kind, text string) {
		if kind == "plain_text" && strings.ContainsAny(text, "<>") {
			t.Errorf("a text has markup: %q", text)
		}
		if kind == "mrkdwn" && strings.Contains(text, "evil") {
			t.Errorf("markup holds what an event chose: %q", text)
		}
	})
}

// walk calls f with every text object of blocks.
func walk(v any, f func(kind, text string)) {
	switch v := v.(type) {
	case []map[string]any:
		for _, e := range v {
			walk(e, f)
		}
	case []any:
		for _, e := range v {
			walk(e, f)
		}
	case map[string]any:
		if text, ok := v["text"].(string); ok {
			f(v["type"].(string), text)
		}
		for _, e := range v {
			walk(e, f)
		}
	}
}

// FuzzCompose puts any texts into alerts, as many as there may be.
func FuzzCompose(f *testing.F) {
	for i, text := range alerttest.HostileTexts() {
		f.Add(text[:min(len(text), 5000)], i, i*7)
	}
	f.Add("<!channel> evil", 2000, 1)
	f.Add(strings.Repeat("&", 4000), 1, 100)
	f.Add(strings.Repeat("🐟", 4000), 30, 11)
	f.Fuzz(func(t *testing.T, text string, alerts, values int) {
		kinds := alert.Kinds()
		n := alerttest.Group(min(max(alerts, 0), 3000), kinds[max(values, 0)%len(kinds)])
		n.Labels = map[string]string{text: text, "a": text}
		n.Counts = []alert.Count{{Rule: text, Severity: text, Key: []string{text}}}
		n.Link = "https://kelpie.example/" + text
		for _, notice := range n.Alerts {
			a := notice.Alert
			a.ID += text[:min(len(text), 1)]
			a.Message, a.Severity, a.Key = text, text, []string{text, text}
			a.Values = nil
			for range min(max(values, 0), 100) {
				a.Values = append(a.Values, alert.Value{Name: text, Value: event.StringValue(text)})
			}
			a.Verdict = &alert.Mark{By: text, Word: text, Comment: text}
		}
		if strings.Contains(text, "evil") {
			n.Link = ""
		}
		check(t, compose(n, true))
	})
}

func TestEscaped(t *testing.T) {
	f := func(text string, max int, want string) {
		t.Helper()
		if got := escaped(text, max); got != want {
			t.Errorf("escaped(%q, %d) = %q, want %q", text, max, got, want)
		}
	}
	f("a<b>&c", 100, "a&lt;b&gt;&amp;c")
	f("&&&&", 20, "&amp;&amp;&amp;&amp;")
	f("&&&&", 19, "&amp;&amp;…")
	f("&&&&", 5, "…")
	if got, want := unmarked("<!here> @here *b* _i_ ~s~ `c`", 100), "&lt;!here&gt; ＠here ∗b∗ ＿i＿ ∼s∼ ˋcˋ"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l := func(address, want string) {
		t.Helper()
		if got := link(address, "x"); got != want {
			t.Errorf("link(%q) = %q, want %q", address, got, want)
		}
	}
	l("https://k.example/alerts/1?a=1&b=2", "<https://k.example/alerts/1?a=1&amp;b=2|x>")
	l("https://k.example/a|b><!here>", "<https://k.example/a%7Cb%3E%3C%21here%3E|x>")
	l("javascript:alert(1)", "")
	l("", "")
}
