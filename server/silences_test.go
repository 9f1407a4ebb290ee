package server_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type silenceDoc struct {
	ID, From, To, By, Comment, State string
	Match                            []string
	Expired                          *markDoc
}

// TestSilences adds a silence, sees which alerts it is about, and ends it.
func TestSilences(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	h.bursts("c1", "c2")
	var s silenceDoc
	x := h.ask("POST", "/v1/silences", `{"match":["customer_id=c1"],"for":"1h","by":"ann","comment":"known"}`, &s)
	if x.status != 201 || s.ID == "" || s.State != "active" || s.By != "ann" || s.Comment != "known" || s.Match[0] != `customer_id="c1"` {
		t.Fatalf("%d %s", x.status, x.body)
	}
	quiet := h.alerts("silenced=true")
	if quiet.keys() != "c1" || quiet.Alerts[0].SilencedBy[0] != s.ID {
		t.Errorf("%+v", quiet)
	}
	if loud := h.alerts("silenced=false"); loud.keys() != "c2" {
		t.Errorf("%+v", loud)
	}
	list := func(query, want string) {
		t.Helper()
		var d struct{ Silences []silenceDoc }
		x := h.ask("GET", "/v1/silences"+query, "", &d)
		var states []string
		for _, s := range d.Silences {
			states = append(states, s.State)
		}
		if x.status != 200 || strings.Join(states, " ") != want {
			t.Errorf("%s: %d %s", query, x.status, x.body)
		}
	}
	list("", "active")
	list("?state=expired", "")
	x = h.ask("DELETE", "/v1/silences/"+s.ID, `{"by":"bob","comment":"fixed"}`, &s)
	if x.status != 200 || s.State != "expired" || s.Expired == nil || s.Expired.By != "bob" || s.Expired.Comment != "fixed" {
		t.Errorf("%d %s", x.status, x.body)
	}
	list("?state=expired", "expired")
	if x = h.ask("DELETE", "/v1/silences/"+s.ID, `{"by":"bob"}`, nil); x.status != 409 {
		t.Errorf("%d %s", x.status, x.body)
	}
	if x = h.ask("DELETE", "/v1/silences/none", `{"by":"bob"}`, nil); x.status != 404 {
		t.Errorf("%d %s", x.status, x.body)
	}
	x = h.ask("POST", "/v1/silences", `{"match":["rule=burst"],"from":"2030-01-01T00:00:00Z","to":"2030-01-02T00:00:00Z","by":"ann"}`, &s)
	if x.status != 201 || s.State != "pending" || s.To != "2030-01-02T00:00:00.000Z" {
		t.Errorf("%d %s", x.status, x.body)
	}
	for body, says := range map[string]string{
		`{"match":["a=b"],"for":"1h"}`:                             "by: say who you are",
		`{"match":["a"],"for":"1h","by":"ann"}`:                    `match: "a" is no matcher`,
		`{"match":["a=b"],"by":"ann"}`:                             "one of to and for",
		`{"match":["a=b"],"for":"soon","by":"ann"}`:                "for: ",
		`{"match":["a=b"],"to":"soon","by":"ann"}`:                 "to: it is a time",
		`{"match":["a=b"],"from":"x","for":"1h","by":"ann"}`:       "from: it is a time",
		`{"match":["a=~\".*\"],"for":"1h","by":"ann"}`:             "invalid",
		`{"match":["a=~\".*\""],"for":"1h","by":"ann"}`:            "silence everything",
		`{"match":[],"for":"1h","by":"ann"}`:                       "at least one matcher",
		`{"match":["a=b"],"to":"2020-01-01T00:00:00Z","by":"ann"}`: "to: must be after from",
	} {
		if x := h.ask("POST", "/v1/silences", body, nil); x.status != 400 || !strings.Contains(x.Detail, says) {
			t.Errorf("%s: %d %s", body, x.status, x.body)
		}
	}
}

// TestAlertEvents finds the events of an alert again.
func TestAlertEvents(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	h.bursts("c1", "c2")
	id := h.alerts("key=c2").Alerts[0].ID
	var d struct {
		Alert  string
		Whole  bool
		Events []struct {
			Position, Type string
			Event          struct {
				Customer string `json:"customer_id"`
			}
		}
	}
	x := h.ask("GET", "/v1/alerts/"+id[:10]+"/events", "", &d)
	if x.status != 200 || d.Alert != id || !d.Whole || len(d.Events) != 2 || d.Events[1].Position != "log@4" || d.Events[1].Event.Customer != "c2" {
		t.Errorf("%d %s", x.status, x.body)
	}
	if x = h.ask("GET", "/v1/alerts/"+id+"/events?limit=1", "", &d); len(d.Events) != 1 || d.Events[0].Position != "log@4" {
		t.Errorf("%d %s", x.status, x.body)
	}
	if x = h.ask("GET", "/v1/alerts/fff0/events", "", nil); x.status != 404 {
		t.Errorf("%d %s", x.status, x.body)
	}
}
