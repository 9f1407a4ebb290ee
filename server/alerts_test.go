package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// alertDoc is an alert as it is answered.
type alertDoc struct {
	ID, Rule, Key, Severity, State, Reason string
	SilencedBy                             []string `json:"silenced_by"`
	Acknowledged, Verdict                  *markDoc
	ResolvedBy                             *markDoc `json:"resolved_by"`
}

type markDoc struct{ By, Word, Comment, At string }

// decode reads JSON.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

type alertsDoc struct {
	Alerts []alertDoc
	Next   string
}

// ask sends a request, without a body where it is "", and reads the answer into a value, unless that is nil.
func (h *house) ask(method, path, body string, into any, header ...string) reply {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	x := reply{status: a.StatusCode, header: a.Header, body: string(b)}
	hold(h.t, method, path, x)
	if x.status >= 400 {
		into = &x
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			h.t.Errorf("%v: %s", err, b)
		}
	}
	return x
}

// alerts returns the alerts of a query.
func (h *house) alerts(query string) (d alertsDoc) {
	h.t.Helper()
	if x := h.ask("GET", "/v1/alerts?"+query, "", &d); x.status != http.StatusOK {
		h.t.Fatalf("%s: %d %s", query, x.status, x.body)
	}
	return d
}

// bursts posts two orders of each customer, so that there is an alert for each, and waits until those can be seen.
func (h *house) bursts(customers ...string) {
	h.t.Helper()
	now := h.now()
	for i, c := range customers {
		at := now.Add(time.Duration(i) * time.Millisecond)
		if a := h.post("[" + order("", c, at) + "," + order("", c, at) + "]"); a.Accepted != 2 {
			h.t.Fatal(a.body)
		}
	}
	h.until("alerted", func() bool { return len(h.alerts("limit=1000").Alerts) >= len(customers) })
}

func (d *alertsDoc) keys() string {
	keys := make([]string, len(d.Alerts))
	for i := range d.Alerts {
		keys[i] = d.Alerts[i].Key
	}
	return strings.Join(keys, " ")
}

// TestAlerts lists alerts by what can be asked for, page by page, and finds one by the beginning of its id.
func TestAlerts(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	h.bursts("c1", "c2", "c3", "c4", "c5")
	list := func(query, want string) {
		t.Helper()
		if d := h.alerts(query); d.keys() != want {
			t.Errorf("%s: %q, want %q", query, d.keys(), want)
		}
	}
	list("", "c5 c4 c3 c2 c1")
	list("order=oldest&limit=2", "c1 c2")
	list("rule=burst&key=c3&state=firing&severity=medium", "c3")
	list("state=resolved", "")
	list("severity=critical", "")
	list("key=c3&key=c4", "") // a compound key
	list("match="+url.QueryEscape(`customer_id=~"c[24]"`), "c4 c2")
	list("match="+url.QueryEscape(`customer_id=~"c[24]"`)+"&match=key!%3Dc4", "c2")
	list("to=2026-01-05T10:00:00Z", "")

	var pages []string
	for after, n := "", 0; n < 10; n++ {
		d := h.alerts("limit=2" + after)
		pages = append(pages, d.keys())
		if d.Next == "" {
			break
		}
		after = "&after=" + d.Next
	}
	if !slices.Equal(pages, []string{"c5 c4", "c3 c2", "c1"}) {
		t.Errorf("the pages are %q", pages)
	}

	id := h.alerts("key=c2").Alerts[0].ID
	for _, typed := range []string{id, id[:len(id)-1], strings.ToUpper(id)} {
		var a alertDoc
		if x := h.ask("GET", "/v1/alerts/"+typed, "", &a); x.status != http.StatusOK || a.ID != id || a.Key != "c2" {
			t.Errorf("%s: %d %s", typed, x.status, x.body)
		}
	}
	if x := h.ask("GET", "/v1/alerts/zzz", "", nil); x.status != http.StatusNotFound || x.Type != "urn:kelpie:no-alert" {
		t.Errorf("%d %s", x.status, x.body)
	}
}

// TestAmbiguousID names several alerts where the beginning of an id is that of several.
func TestAmbiguousID(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	customers := make([]string, 17) // of which two ids begin alike
	for i := range customers {
		customers[i] = fmt.Sprintf("c%d", i)
	}
	h.bursts(customers...)
	first := map[string]int{}
	for _, a := range h.alerts("").Alerts {
		first[a.ID[:1]]++
	}
	for c, n := range first {
		want := http.StatusOK
		if n > 1 {
			want = http.StatusConflict
		}
		if x := h.ask("GET", "/v1/alerts/"+c, "", nil); x.status != want {
			t.Errorf("%s begins %d ids: %d %s", c, n, x.status, x.body)
		}
	}
}

// TestCommands acknowledges, labels and resolves: the answer is the alert as it is then.
func TestCommands(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	h.bursts("c1", "c2")
	id := h.alerts("key=c1").Alerts[0].ID
	var a alertDoc
	do := func(what, body string, status int) reply {
		t.Helper()
		a = alertDoc{}
		x := h.ask("POST", "/v1/alerts/"+id[:8]+"/"+what, body, &a)
		if x.status != status {
			t.Errorf("%s %s: %d %s", what, body, x.status, x.body)
		}
		return x
	}
	do("acknowledge", `{"by":"ann","comment":"on it"}`, 200)
	if m := a.Acknowledged; m == nil || m.By != "ann" || m.Comment != "on it" || m.At == "" {
		t.Errorf("%+v", a)
	}
	do("label", `{"by":"bob","verdict":"false_positive"}`, 200)
	if m := a.Verdict; m == nil || m.By != "bob" || m.Word != "false_positive" {
		t.Errorf("%+v", a)
	}
	if got := h.alerts("acknowledged=true&verdict=false_positive"); got.keys() != "c1" {
		t.Errorf("%+v", got)
	}
	if got := h.alerts("acknowledged=false&verdict=none"); got.keys() != "c2" {
		t.Errorf("%+v", got)
	}
	do("resolve", `{"by":"ann"}`, 200)
	if a.State != "resolved" || a.Reason != "by-hand" || a.ResolvedBy == nil || a.ResolvedBy.By != "ann" {
		t.Errorf("%+v", a)
	}
	do("resolve", `{"by":"ann"}`, 409)
	do("acknowledge", `{"by":"ann"}`, 409)
	do("label", `{"by":"ann","verdict":"true_positive"}`, 200)

	for body, says := range map[string]string{
		``:                                    "by: say who you are",
		`{}`:                                  "by: say who you are",
		`{"by":"ann"`:                         "unexpected EOF",
		`{"by":"ann"} x`:                      "something stands behind",
		`{"by":7}`:                            "by: it cannot be a number",
		`{"by":"ann","verdict":"maybe"}`:      "verdict: it is true_positive or false_positive",
		`{"by":"ann","verdict":"true","x":1}`: `unknown field "x"`,
		`{"by":"ann"}`:                        "verdict: it is true_positive or false_positive",
		`{"by":"` + strings.Repeat("a", 300) + `","verdict":"true_positive"}`: "by: who says it is needed, in at most 256 bytes",
	} {
		if x := do("label", body, 400); !strings.Contains(x.Detail, says) {
			t.Errorf("%s: %s", body, x.body)
		}
	}
	do("resolve", `{"by":"ann","verdict":"true_positive"}`, 400)
	do("label?by=ann", `{"by":"ann","verdict":"true_positive"}`, 400)
	do("label", `{"by":"ann","comment":"`+strings.Repeat("a", 70<<10)+`"}`, 413)
	id = "ffffffffffff"
	do("label", `{"by":"ann","verdict":"true_positive"}`, 404)
}

// TestRules shows the rules that run, with what they have done.
func TestRules(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	h.bursts("c1", "c2")
	var d struct {
		Version string
		Rules   []struct {
			Rule, Severity, Mode, Health, Text string
			Events, By, Warming                []string
			Evaluated, Fired, Open             int
		}
	}
	h.until("counted", func() bool { // which is after the alerts can be seen
		if x := h.ask("GET", "/v1/rules", "", &d); x.status != 200 || len(d.Version) != 32 || len(d.Rules) != 1 {
			t.Fatalf("%d %s", x.status, x.body)
		}
		return d.Rules[0].Open == 2
	})
	r := d.Rules[0]
	if r.Rule != "burst" || r.Evaluated != 4 || r.Fired != 2 || r.Open != 2 || r.Health != "warming" || !slices.Equal(r.Warming, []string{"orders"}) ||
		!slices.Equal(r.By, []string{"customer_id"}) || !slices.Equal(r.Events, []string{"OrderCreated"}) || r.Text != "" {
		t.Errorf("%+v", r)
	}
	if x := h.ask("GET", "/v1/rules/burst", "", &r); x.status != 200 || !strings.Contains(r.Text, "count over 10m") {
		t.Errorf("%d %s", x.status, x.body)
	}
	if x := h.ask("GET", "/v1/rules/bust", "", nil); x.status != 404 || !strings.Contains(x.Detail, "did you mean burst?") {
		t.Errorf("%d %s", x.status, x.body)
	}
}

// TestQueries refuses what makes no sense, and says what was meant.
func TestQueries(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	for query, says := range map[string]string{
		"/v1/alerts?sate=firing":               `there is no parameter "sate": did you mean state?`,
		"/v1/alerts?state=open":                `state: "open": there are firing, resolved`,
		"/v1/alerts?state=firing&state=firing": "state: it can be given once",
		"/v1/alerts?limit=0":                   `limit: "0": it is a number from 1 to 1000`,
		"/v1/alerts?limit=1e9":                 `limit: "1e9": it is a number from 1 to 1000`,
		"/v1/alerts?rule=":                     "rule: it is empty",
		"/v1/alerts?from=yesterday":            `from: "yesterday" is no time`,
		"/v1/alerts?match=x":                   `match: "x" is no matcher`,
		"/v1/alerts?after=x":                   `after: "x" is not what a page has named`,
		"/v1/alerts?silenced=yes":              `silenced: "yes": there are true, false`,
		"/v1/alerts?%zz":                       "the query cannot be read",
		"/v1/alerts/abc?x=1":                   `there is no parameter "x": none is taken here`,
		"/v1/rules?name=burst":                 `there is no parameter "name": none is taken here`,
	} {
		if x := h.ask("GET", query, "", nil); x.status != 400 || !strings.Contains(x.Detail, says) {
			t.Errorf("%s: %d %s", query, x.status, x.body)
		}
	}
}
