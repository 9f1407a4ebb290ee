package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/mask"
)

// The values that nobody may see, whole or in part.
const (
	secretCard = "4111111111111111"
	secretMail = "ann.private@example.com"
)

const personalRules = `
tables:
  buyers: {key: card, on: {Paid: {mail: customer.email}}}
rules:
  card:
    event: Paid
    by: card
    let: {mail: last(customer.email) over 1h, n: count over 1h, usual: max(n1 ?? 1) over 1h}
    when: n > 1
    alert: "{{card}} of {{upper(customer.email)}} ({{buyers.mail}}): {{n}}"
  plain: {event: Paid, by: customer.email, let: {mail: last(customer.email) over 1h, n: count over 1h}, when: n > 1}
`

// personalHouse is a service that masks, with alerts, a silence, and events that were refused.
func personalHouse(t *testing.T) *house {
	h := newHouse(t, vfs.NewMem())
	h.rules = personalRules
	h.mask = mask.New([]mask.Field{{Path: "card"}, {Path: "customer.email"}}, []byte("a key"))
	h.open()
	paid := func(id int, more string) string {
		return fmt.Sprintf(`{"id":"p%d","type":"Paid","shop":"s1","card":%s,"customer":{"email":%q,"city":"x"}%s}`, id, secretCard, secretMail, more)
	}
	at := fmt.Sprintf(`,"time":%q`, h.now().Format("2006-01-02T15:04:05Z07:00"))
	if x := h.post(paid(1, at)+"\n"+paid(2, at)+"\n"+paid(3, "")+"\n"+paid(4, `,"card":1`)+"\n"+secretCard+"\n"+paid(5, at)[:90]+"\n"+`{"card":"\q`+secretCard, "Content-Type", "application/x-ndjson"); x.Refused != 5 || x.Accepted != 2 {
		t.Fatalf("%+v", x)
	} else {
		unseen(t, "the answer to events", x.body)
	}
	h.until("alerts are there", func() bool { return len(h.alerts("").Alerts) == 2 })
	return h
}

// unseen fails if a secret is in a text, in any of the ways in which a text is written.
func unseen(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{secretCard, secretMail, "ann.private", "411111"} {
		if strings.Contains(strings.ToLower(text), secret) || strings.Contains(strings.ToLower(text), strings.ToLower(url.QueryEscape(secret))) {
			t.Errorf("%s: %s can be seen:\n%.3000s", where, secret, text)
		}
	}
}

// TestMaskedNowhere asks for every route of a service with personal data in it: nothing of that is in an answer.
func TestMaskedNowhere(t *testing.T) {
	h := personalHouse(t)
	id := h.alerts("rule=card").Alerts[0].ID
	var s silenceDoc
	decode(t, h.ask("POST", "/v1/silences", fmt.Sprintf(`{"match":["card=%s","key=%s"],"for":"1h","by":"ann"}`, secretCard, secretCard), nil).body, &s)
	values := map[string]string{
		"/v1/rules/{name}": "/v1/rules/card", "/v1/tables/{name}/{key...}": "/v1/tables/buyers/" + secretCard,
		"/v1/features": "/v1/features?rule=card&key=" + secretCard, "/{$}": "/",
	}
	bodies := map[string]string{
		"/v1/alerts/{id}/label": `{"by":"ann","verdict":"true_positive"}`, "/v1/alerts/{id}/redeliver": `{}`, "/v1/silences": `{"match":["card=` + secretCard + `"],"for":"1h","by":"ann"}`,
		"/v1/decisions": `{"id":"d1","type":"Paid","card":"` + secretCard + `"}`, "/v1/events": `{"card":"` + secretCard + `"}`,
	}
	walked := 0
	for _, rt := range h.api.Routes() {
		path := values[rt.Path]
		if path == "" {
			path = rt.Path
		}
		if strings.HasPrefix(path, "/v1/silences/") || strings.HasPrefix(path, "/silences/") {
			path = strings.ReplaceAll(path, "{id}", s.ID)
		}
		path = strings.ReplaceAll(path, "{id}", id)
		if path == "/v1/stream" {
			continue // below
		}
		body := bodies[rt.Path]
		if body == "" && rt.Method != "GET" && !rt.Page {
			body = `{"by":"ann"}`
		}
		r, err := http.NewRequest(rt.Method, h.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if rt.Page && rt.Method == "POST" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Body = io.NopCloser(strings.NewReader("match=" + url.QueryEscape("card="+secretCard) + "&for=1h&verdict=true_positive"))
			r.ContentLength = -1
		} else if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode == http.StatusInternalServerError {
			t.Errorf("%s %s: %s %v", rt.Method, path, a.Status, err)
		}
		a.Body.Close()
		unseen(t, rt.Method+" "+rt.Path, string(text)+fmt.Sprint(a.Header))
		walked++
	}
	if walked < 40 {
		t.Errorf("only %d routes were walked", walked)
	}
	h.unseenInStream(t)
	for _, path := range []string{"/", "/silences", "/rules", "/alerts/" + id, "/v1/alerts?limit=1000", "/v1/silences", "/v1/rejected"} {
		if x := h.get(path); x.status != 200 {
			t.Errorf("%s: %d", path, x.status)
		} else {
			unseen(t, path+" after all that", x.body)
		}
	}
}

func (h *house) get(path string) reply {
	h.t.Helper()
	a, err := http.Get(h.url + path)
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := io.ReadAll(a.Body)
	a.Body.Close()
	if err != nil {
		h.t.Fatal(err)
	}
	return reply{status: a.StatusCode, header: a.Header, body: string(b)}
}

// unseenInStream reads what has been told of alerts from the beginning.
func (h *house) unseenInStream(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/v1/stream?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var b strings.Builder
	for buf := make([]byte, 4096); strings.Count(b.String(), "event: opened") < 2; {
		n, err := a.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
	}
	unseen(t, "the stream", b.String())
}

// TestMaskedAnswers holds what stands in place of what is masked, and that people can go on with it.
func TestMaskedAnswers(t *testing.T) {
	h := personalHouse(t)
	card, mail := h.mask.Text(secretCard, "card"), h.mask.Text(secretMail, "customer.email")
	f := func(path string, want ...string) {
		t.Helper()
		x := h.ask("GET", path, "", nil)
		for _, text := range want {
			if x.status != 200 || !strings.Contains(x.body, text) {
				t.Errorf("%s: %d %s\nwant %s", path, x.status, x.body, text)
			}
		}
	}
	id := h.alerts("rule=card").Alerts[0].ID
	upper := h.mask.Text(strings.ToUpper(secretMail), "customer.email")
	f("/v1/alerts/"+id, `"key":"`+card+`"`, `"message":"`+card+" of "+upper+" ("+mail+`): 2"`, `"values":{"mail":"`+mail+`","n":2`)
	f("/v1/alerts/"+id+"/events", `"event":{"id":"p1","type":"Paid","shop":"s1","card":"`+card+`","customer":{"email":"`+mail+`","city":"x"}`)
	f("/v1/tables/buyers/"+secretCard, `{"key":"`+card+`","row":{"mail":"`+mail+`"}}`)
	f("/v1/features?rule=card&key="+secretCard, `"key":"`+card+`"`, `"mail":"`+mail+`","n":2`)
	f("/v1/rejected", `"reason":"missing-time","offset":0,"detail":"no time","raw":"{\"id\":\"p3\",\"type\":\"Paid\",\"shop\":\"s1\",\"card\":\"`+card)
	for _, query := range []string{"rule=card&key=" + card, "rule=card&key=" + secretCard, "match=key%3D" + card, "rule=card&match=card%3D" + card} {
		if got := h.alerts(query).Alerts; len(got) != 1 || got[0].ID != id {
			t.Errorf("%s finds %v", query, got)
		}
	}
	f("/v1/alerts?rule=card&match=card!%3D"+card, `{"alerts":[]}`)

	a, _ := h.api.FindAlert(id)
	x, err := alert.SilenceLike(a.Alert)
	if err != nil {
		t.Fatal(err)
	}
	x.From, x.To, x.By = h.now().UnixMilli(), h.now().UnixMilli()+60_000, "ann"
	if _, p := h.api.Silence(t.Context(), x); p != nil {
		t.Fatal(p)
	}
	f("/v1/alerts/"+id, `"silenced_by":[`)
	f("/v1/silences", card)
	row, err := h.store.Alert(id)
	if err != nil || !strings.Contains(string(row.Data), secretCard) {
		t.Errorf("what is kept is masked: %s, %v", row.Data, err)
	}
}
