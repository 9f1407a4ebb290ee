package report

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"golang.org/x/net/html"

	"kelpie/backtest"
	"kelpie/event"
	"kelpie/internal/chromium"
	"kelpie/rules"
)

const ruleset = `
rules:
  burst:
    description: Somebody tries again and again
    event: Tried
    by: who
    params: {most: 2}
    let: {tries: count over 1m}
    when: tries > most
    severity: high
    alert: "{{who}} tried {{tries}} times"
  far:
    event: Tried
    by: who
    when: place != "here"
`

// hostile is a key that would do harm on a page that does not escape.
const hostile = `</script><img src=x onerror=alert(1)>|*_[a](http://evil.example)` + "\u202e"

// history is tries of 30 days: the more on a day the later it is in its week.
func history() string {
	var b strings.Builder
	n := 0
	say := func(day, minute, second int, who, place string) {
		n++
		fmt.Fprintf(&b, `{"type":"Tried","time":"2026-01-%02dT10:%02d:%02dZ","id":"e%d","who":%q,"place":%q}`+"\n", day, minute, second, n, who, place)
	}
	for day := 1; day <= 30; day++ {
		for who := range day % 7 {
			for i := range 3 + who {
				say(day, who, i, fmt.Sprintf("customer-%d", who), "here")
			}
		}
	}
	say(31, 0, 0, "REPLACED", "away")
	b.WriteString("no event\n")
	return strings.Replace(b.String(), `"REPLACED"`, string(event.AppendJSON(nil, event.StringValue(hostile))), 1)
}

// result runs rules over the history, with other values of burst's param if they are given.
func result(t *testing.T, limits ...int) *backtest.Result {
	t.Helper()
	load := func(text string, o rules.Options) *rules.Set {
		set, err := rules.LoadBytes("rules.yml", []byte(text), o)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	today := load(ruleset, rules.Options{})
	spec := &backtest.Spec{Variants: []backtest.Variant{{Name: "rules", Role: backtest.Today, Set: today}}}
	for _, n := range limits {
		text := fmt.Sprint(n)
		spec.Variants = append(spec.Variants, backtest.Variant{Name: "burst.most=" + text, Role: backtest.Point,
			Params: []backtest.Setting{{Rule: "burst", Param: "most", Text: text, Value: event.IntValue(int64(n))}},
			Set:    load(strings.Replace(ruleset, "most: 2", "most: "+text, 1), rules.Options{Like: today})})
	}
	h, err := backtest.OpenFiles([]string{"-"}, strings.NewReader(history()), event.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	res, err := backtest.Run(context.Background(), spec, h)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func written(t *testing.T, form Form, res *backtest.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, form, res); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	got := written(t, Text, result(t, 2, 4, 6))
	want, err := os.ReadFile(filepath.Join("testdata", "report.txt"))
	if err != nil || got != string(want) {
		t.Errorf("%v, the report is\n%s\nwant\n%s", err, got, want)
	}
	for _, r := range got {
		if r != '\n' && r < ' ' || r == '\u202e' {
			t.Errorf("a terminal is told %q", r)
		}
	}
}

func TestMarkdown(t *testing.T) {
	got := written(t, Markdown, result(t, 2, 4, 6))
	want, err := os.ReadFile(filepath.Join("testdata", "report.md"))
	if err != nil || got != string(want) {
		t.Errorf("%v, the report is\n%s\nwant\n%s", err, got, want)
	}
	for _, bad := range []string{"<img", "<script", "[a](", "http://"} {
		if strings.Contains(got, bad) {
			t.Errorf("the comment holds %s", bad)
		}
	}
}

// TestHTML wants a file that holds what it says as text, loads nothing, and says so to the browser.
func TestHTML(t *testing.T) {
	res := result(t, 2, 4, 6)
	got := written(t, HTML, res)
	if again := written(t, HTML, res); got != again {
		t.Error("the same result gives other bytes")
	}
	root, err := html.Parse(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	var said bool
	for n := range root.Descendants() {
		said = said || n.Type == html.TextNode && strings.Contains(n.Data, hostile)
		for _, a := range n.Attr {
			if a.Key == "src" || a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	if !said {
		t.Error("the key is not said as it is")
	}
	if !strings.Contains(got, "default-src &#39;none&#39;") {
		t.Error("nothing is forbidden")
	}
}

// TestInABrowser opens the report from a file, where there is a browser.
func TestInABrowser(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(name, []byte(written(t, HTML, result(t, 2, 3, 4, 5, 6, 7))), 0o644); err != nil {
		t.Fatal(err)
	}
	s := chromium.Start(t, "file://")
	if s == nil {
		return // what a browser would be asked to load TestHTML looks for
	}
	s.Open(name)
	if n, _ := s.JS(`Array.from(document.querySelectorAll(".chart .bar, .chart circle")).filter((e) => e.getBoundingClientRect().width > 0).length`).(float64); n < 30 {
		t.Errorf("%v bars and dots are drawn", n)
	}
	sorts(t, s)
	for _, scheme := range []string{"light", "dark"} {
		s.Paint(scheme)
		s.Open(name)
		s.JS(`document.querySelectorAll("details").forEach((e) => { e.open = true; })`)
		s.Shoot(scheme)
		s.Readable(name, scheme)
	}
	s.Fits(name)
	s.Fits(name + "#rule-far")
	s.Quiet()
}

// sorts puts the rules in order of their alerts, by the keyboard.
func sorts(t *testing.T, s *chromium.Screen) {
	first := func() any {
		return s.JS(`document.querySelector("#rules tbody tr th").textContent + " … " + document.querySelector("#rules tbody tr:last-child th").textContent`)
	}
	press := func(want string) {
		t.Helper()
		s.JS(`document.querySelector("#rules thead th:nth-child(2) button").focus()`)
		s.Do(chromedp.KeyEvent(kb.Enter))
		if got := first(); got != want {
			t.Errorf("the rules are in the order %v, want %s", got, want)
		}
	}
	press("burst … total")
	press("far … total")
}

// TestChoice marks the point that was chosen, and says whether the backtest fails.
func TestChoice(t *testing.T) {
	res := result(t, 2, 4, 6)
	at := func(i int) *backtest.Chosen {
		return &backtest.Chosen{Variant: res.Variants[i].Name, Params: res.Variants[i].Params, Said: "alerts is 40"}
	}
	res.Choice = &backtest.Choice{Budget: "alerts/day < 2", Within: 2, By: "alerts", Best: at(2), Knee: at(2), Curve: "alerts/day over the values"}
	res.Verdicts = []backtest.Verdict{{Condition: "alerts > 80", Holds: true, Said: "alerts is 88"}, {Condition: "keys > 8", Said: "keys is 7"}}
	got := written(t, Text, res)
	for _, want := range []string{"\n→ 4       40", "Best of those that keep to alerts/day < 2: most = 4 (alerts is 40).\nThe knee of alerts/day over the values: most = 4 (alerts is 40).\n",
		"It does not fail for keys > 8: keys is 7.\nThe backtest fails, for alerts > 80: alerts is 88.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if page := written(t, HTML, res); strings.Count(page, `class="line0 chosen"`) != 1 || strings.Count(page, `<tr class="mark">`) != 1 {
		t.Error("the page marks another number of points than one")
	}
	if comment := written(t, Markdown, res); !strings.Contains(comment, "| **4** | **40** |") {
		t.Errorf("the comment does not mark the point:\n%s", comment)
	}
}

// TestOverlap says which rules catch the same, in a table and in a drawing.
func TestOverlap(t *testing.T) {
	res := result(t)
	if got := written(t, Text, res); strings.Contains(got, "Overlap") {
		t.Errorf("nothing meets, and it says\n%s", got)
	}
	res.Variants[0].Overlaps = []backtest.Overlap{{A: "burst", B: "far", AMetB: 29, BMetA: 1}}
	res.Variants[0].Rules[0].Alone, res.Variants[0].Rules[1].Alone = 58, 0
	got := written(t, Text, res)
	want := "rule   alerts  alone  met    of its alerts  share\nburst      87     58  far               29  0.333\nfar         1      0  burst              1  1.000\n"
	if !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
	if page := written(t, HTML, res); strings.Count(page, `class="square"`) != 2 || !strings.Contains(page, "29 of 87 alerts of burst met far") {
		t.Error("the page does not draw who meets whom")
	}
}
