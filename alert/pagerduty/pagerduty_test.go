package pagerduty

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/pagerduty/pagerdutytest"
	"kelpie/alert/post"
	"kelpie/event"
	"kelpie/secret"
)

func open(t *testing.T, s *pagerdutytest.Service) *Notifier {
	t.Helper()
	n, err := New(Spec{RoutingKey: secret.New(pagerdutytest.RoutingKey), URL: s.Address()}, post.Options{Agent: "kelpie/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestConformance(t *testing.T) {
	alerttest.TestGroupNotifier(t, func(t *testing.T) alerttest.GroupSubject {
		s := pagerdutytest.New(t)
		n := open(t, s)
		return alerttest.GroupSubject{
			Notifier: n, Arrived: s.Taken, Answer: s.Answer, Reached: s.Reached, Pause: 11 * time.Second,
			Secrets: []string{pagerdutytest.RoutingKey},
		}
	})
}

func tell(t *testing.T, n *Notifier, note *alert.Notification) {
	t.Helper()
	if _, err := n.NotifyGroup(t.Context(), note); err != nil {
		t.Fatal(err)
	}
}

// TestIncident follows one group: it is one incident from its opening to its resolution, and its next life another one.
func TestIncident(t *testing.T) {
	s := pagerdutytest.New(t)
	n := open(t, s)
	f := func(k alert.Kind, want string) {
		t.Helper()
		tell(t, n, alerttest.Group(2, k))
		got := s.Incidents()
		if last := got[len(got)-1]; fmt.Sprint(len(got), " ", last.Status, " ", last.Triggers) != want {
			t.Errorf("%s: %d incidents, the last %+v; want %s", k, len(got), last, want)
		}
	}
	f(alert.KindOpened, "1 triggered 1")
	f(alert.KindUpdated, "1 triggered 2")
	f(alert.KindAcknowledged, "1 acknowledged 2")
	f(alert.KindReminder, "1 acknowledged 3")
	f(alert.KindResolved, "1 resolved 3")
	f(alert.KindResolved, "1 resolved 3")
	f(alert.KindOpened, "2 triggered 1")
	point := alerttest.Group(1, alert.KindResolved)
	point.Kind, point.Group = alert.KindOpened, "point"
	tell(t, n, point)
	tell(t, n, alert.Example(alert.KindTest, "r", 0))
	tell(t, n, alert.Example(alert.KindDigest, "r", 0))
	got := s.Incidents()
	if len(got) != 5 || got[2].Status != "triggered" || got[3].Status != "resolved" || got[4].Status != "triggered" || !strings.HasPrefix(got[4].Summary, "digest: ") {
		t.Errorf("%+v", got)
	}
	first := got[0]
	if first.Key != "group-1" || first.Severity != "error" || first.Summary != "[HIGH] order-burst c0 (+1 more): c0 placed 6 orders" {
		t.Errorf("%+v", first)
	}
	if text := fmt.Sprint(first.Details); !strings.Contains(text, "kelpie alerts show id-1 --events") || !strings.Contains(text, "orders:6") {
		t.Errorf("%s", text)
	}
}

// FuzzEvent wants every event within the limits, whatever an alert holds.
func FuzzEvent(f *testing.F) {
	for i, text := range alerttest.HostileTexts() {
		f.Add(text[:min(len(text), 5000)], i*30)
	}
	f.Add(strings.Repeat("\x01\"<", 2000), 600)
	f.Add(strings.Repeat("🐟", 2000), 600)
	n := &Notifier{spec: Spec{RoutingKey: secret.New(pagerdutytest.RoutingKey), Source: "kelpie"}}
	f.Fuzz(func(t *testing.T, text string, alerts int) {
		note := alerttest.Group(min(max(alerts, 0), 2000), alert.KindOpened)
		note.Group, note.Labels = text, map[string]string{text: text}
		for i, notice := range note.Alerts {
			a := notice.Alert
			a.Message, a.Severity, a.Key, a.Rule = text, text, []string{text, text}, text
			a.Verdict = &alert.Mark{By: text, Word: text, Comment: text}
			for v := range i % 25 {
				a.Values = append(a.Values, alert.Value{Name: fmt.Sprint(v) + text, Value: event.StringValue(text)})
			}
		}
		b, err := n.request(note, trigger)
		if err != nil || !json.Valid(b) {
			t.Fatalf("%v: %.200s", err, b)
		}
		if err := pagerdutytest.Check(b); err != nil {
			t.Errorf("%v: %.200s", err, b)
		}
	})
}

func TestValidate(t *testing.T) {
	f := func(want string, s Spec) {
		t.Helper()
		err := s.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	key := secret.New(pagerdutytest.RoutingKey)
	f("", Spec{RoutingKey: key})
	f("", Spec{RoutingKey: key, URL: "https://events.eu.pagerduty.com/v2/enqueue"})
	f("routing_key: ", Spec{})
	f("routing_key: ", Spec{RoutingKey: secret.New("short")})
	f("url: ", Spec{RoutingKey: key, URL: "events.pagerduty.com"})
	f("timeout: ", Spec{RoutingKey: key, Spec: post.Spec{Timeout: -1}})
	n, err := New(Spec{RoutingKey: key}, post.Options{})
	if err != nil || n.spec.URL != defaultURL || n.spec.Source != defaultSource {
		t.Errorf("%+v, %v", n, err)
	}
}
