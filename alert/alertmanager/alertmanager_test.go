package alertmanager

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alertmanager/alertmanagertest"
	"kelpie/alert/alerttest"
	"kelpie/alert/post"
	"kelpie/event"
	"kelpie/secret"
)

func open(t *testing.T, s Spec, now func() time.Time) *Notifier {
	t.Helper()
	n, err := New(s, post.Options{Agent: "kelpie/test", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestConformance(t *testing.T) {
	alerttest.TestGroupNotifier(t, func(t *testing.T) alerttest.GroupSubject {
		s := alertmanagertest.New(t)
		n := open(t, Spec{URLs: []string{s.URL}, BasicAuth: BasicAuth{"kelpie", secret.New("hush")}}, nil)
		return alerttest.GroupSubject{
			Notifier: n, Arrived: s.Taken, Answer: s.Answer, Reached: s.Reached, Pause: 3 * time.Second, Secrets: []string{"hush"},
		}
	})
}

// TestLife sends the notifications of a group to our Alertmanager and to the real one, if there is one, and asks what is
// firing.
func TestLife(t *testing.T) {
	t.Run("ours", func(t *testing.T) { testLife(t, alertmanagertest.New(t).URL) })
	if binary := os.Getenv(alertmanagertest.Binary); binary != "" {
		t.Run("real", func(t *testing.T) { testLife(t, alertmanagertest.Start(t, binary)) })
	}
}

func testLife(t *testing.T, address string) {
	n := open(t, Spec{URLs: []string{address + "/"}, Expire: time.Hour}, nil)
	start := time.Now()
	tell := func(note *alert.Notification) {
		t.Helper()
		for _, notice := range note.Alerts {
			if a := notice.Alert; a.Rule == "order-burst" { // it opened a minute ago
				a.Opened = start.Add(-time.Minute).UnixMilli()
				a.Updated, a.Resolved = a.Opened, a.Opened+30_000
				a.By = []string{"customer.id"}
			}
		}
		if _, err := n.NotifyGroup(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	firing := func(want string) []alertmanagertest.Alert {
		t.Helper()
		var got []string
		all := alertmanagertest.Firing(t, address)
		for _, a := range all {
			got = append(got, a.Labels["alertname"]+" "+a.Labels["key"])
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("firing: %s; want %s", strings.Join(got, ", "), want)
		}
		return all
	}
	firing("")
	tell(alerttest.Group(2, alert.KindOpened))
	first := firing("order-burst c0, order-burst c1")[0]
	if first.Labels["severity"] != "high" || first.Labels["customer_id"] != "c0" || first.Labels["team"] != "fraud" || first.GeneratorURL != "https://kelpie.example/alerts/id-0" {
		t.Errorf("%+v", first)
	}
	if first.Annotations["run"] != "kelpie alerts show id-0 --events" || first.Annotations["description"] != "c0 placed 6 orders" || first.Annotations["values"] != "orders = 6 (> 5)" {
		t.Errorf("%+v", first.Annotations)
	}
	if ends := first.EndsAt.Sub(start); first.StartsAt.UnixMilli() != start.Add(-time.Minute).UnixMilli() || ends < time.Hour-time.Second || ends > time.Hour+5*time.Minute {
		t.Errorf("from %s to %s, seen from %s", first.StartsAt, first.EndsAt, start)
	}
	half := alerttest.Group(2, alert.KindUpdated)
	half.Alerts[0].Alert.State, half.Alerts[0].Alert.Reason = alert.Resolved, alert.Condition
	tell(half)
	firing("order-burst c1")
	tell(alerttest.Group(2, alert.KindReminder))
	firing("order-burst c0, order-burst c1") // c0 opened again
	tell(alerttest.Group(2, alert.KindResolved))
	firing("")
	tell(alert.Example(alert.KindTest, "r", start.UnixMilli()))
	tell(alert.Example(alert.KindDigest, "r", start.UnixMilli()))
	firing("example-rule example-key, kelpie-digest ")
	for i, text := range alerttest.HostileTexts() {
		note := alerttest.Group(1, alert.KindOpened)
		a := note.Alerts[0].Alert
		a.Rule, a.Labels, a.Message, a.Key = fmt.Sprint("hostile-", i), map[string]string{text: text, "a": text}, text, []string{text}
		note.Alerts[0].Link = "https://kelpie.example/" + text[:min(len(text), 100)]
		tell(note)
	}
	if got := len(alertmanagertest.Firing(t, address)); got != 2+len(alerttest.HostileTexts()) {
		t.Errorf("%d are firing", got)
	}
}

// TestTimes wants the end of what is over not to be ahead, and no end before its beginning, whatever the clocks say.
func TestTimes(t *testing.T) {
	now := time.UnixMilli(alerttest.Alert(0).Opened).UTC()
	n := open(t, Spec{URLs: []string{"http://127.0.0.1:1"}}, func() time.Time { return now })
	f := func(k alert.Kind, opened, resolved, starts, ends time.Duration) {
		t.Helper()
		note := alerttest.Group(1, k)
		a := note.Alerts[0].Alert
		a.Opened, a.Resolved = now.Add(opened).UnixMilli(), now.Add(resolved).UnixMilli()
		got := n.alerts(note)[0]
		if got.StartsAt.Sub(now) != starts || got.EndsAt.Sub(now) != ends {
			t.Errorf("%s: from %s to %s, want %s, %s", k, got.StartsAt.Sub(now), got.EndsAt.Sub(now), starts, ends)
		}
	}
	f(alert.KindOpened, -time.Minute, 0, -time.Minute, 12*time.Hour)
	f(alert.KindOpened, 24*time.Hour, 0, 12*time.Hour, 12*time.Hour)
	f(alert.KindResolved, -time.Hour, -time.Minute, -time.Hour, -time.Minute)
	f(alert.KindResolved, -time.Hour, time.Minute, -time.Hour, 0)
	f(alert.KindResolved, time.Minute, 2*time.Minute, 0, 0)
}

// TestCluster wants one Alertmanager of several to be enough.
func TestCluster(t *testing.T) {
	one, two := alertmanagertest.New(t), alertmanagertest.New(t)
	n := open(t, Spec{URLs: []string{one.URL, two.URL}, Bearer: secret.New("t0ken")}, nil)
	f := func(a, b alerttest.Answer, ok, final bool) {
		t.Helper()
		one.Answer(a)
		two.Answer(b)
		_, err := n.NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened))
		if (err == nil) != ok || alert.Permanent(err) != final {
			t.Errorf("%d, %d: %v, permanent %v", a, b, err, alert.Permanent(err))
		}
	}
	f(alerttest.Accept, alerttest.Accept, true, false)
	f(alerttest.Broken, alerttest.Accept, true, false)
	f(alerttest.Accept, alerttest.Refuse, true, false)
	f(alerttest.Refuse, alerttest.Broken, false, false)
	f(alerttest.Refuse, alerttest.Refuse, false, true)
	if len(one.Taken()) != 2 || len(two.Taken()) != 2 || one.Header().Get("Authorization") != "Bearer t0ken" {
		t.Errorf("%d and %d taken, %v", len(one.Taken()), len(two.Taken()), one.Header())
	}
}

// TestChunks wants many alerts in several requests.
func TestChunks(t *testing.T) {
	s := alertmanagertest.New(t)
	n := open(t, Spec{URLs: []string{s.URL}}, nil)
	if _, err := n.NotifyGroup(t.Context(), alerttest.Group(150, alert.KindOpened)); err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, body := range s.Taken() {
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) > mostAtOnce {
			t.Errorf("%d alerts, %v", len(list), err)
		}
		all += len(list)
	}
	if all != 150 {
		t.Errorf("%d alerts", all)
	}
}

// FuzzAlert wants every alert to be one that Alertmanager takes.
func FuzzAlert(f *testing.F) {
	for _, text := range alerttest.HostileTexts() {
		f.Add(text[:min(len(text), 2000)])
	}
	n, err := New(Spec{URLs: []string{"http://127.0.0.1:1"}}, post.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		note := alerttest.Group(1, alert.KindOpened)
		a := note.Alerts[0].Alert
		a.Rule, a.Severity, a.Key, a.By, a.Message = text, text, []string{text, text}, []string{text, "b"}, text
		a.Labels, a.Values = map[string]string{text: text}, []alert.Value{{Name: text, Value: event.StringValue(text)}}
		note.Alerts[0].Link, note.Receiver, note.Group = text, text, text
		for _, p := range append(n.alerts(note), n.digest(note)) {
			raw, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := alertmanagertest.Check(raw); err != nil {
				t.Errorf("%v: %s", err, raw)
			}
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
	urls := []string{"http://127.0.0.1:9093", "https://am.example/prefix/"}
	f("", Spec{URLs: urls})
	f("", Spec{URLs: urls, Expire: time.Minute, BasicAuth: BasicAuth{Username: "a"}})
	f("urls: ", Spec{})
	f("urls.1: ", Spec{URLs: []string{urls[0], "am:9093"}})
	f("bearer: ", Spec{URLs: urls, Bearer: secret.New("a"), BasicAuth: BasicAuth{Username: "a"}})
	f("bearer: ", Spec{URLs: urls, Bearer: secret.New("a\r\nb: c")})
	f("expire: ", Spec{URLs: urls, Expire: time.Second})
	f("timeout: ", Spec{URLs: urls, Spec: post.Spec{Timeout: -1}})
}
