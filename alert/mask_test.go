package alert

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"kelpie/event"
	"kelpie/mask"
)

func masks() *mask.Fields {
	return mask.New([]mask.Field{{Path: "card"}, {Path: "customer.email"}}, []byte("key"))
}

// personal is an alert as the fold makes it, with personal fields in key, message and values.
func personal() *Alert {
	return &Alert{
		ID: "a1", Rule: "burst", By: []string{"card", "region"}, Key: []string{"4111", "eu"}, State: Firing,
		Message: "4111 in eu by ann <ann@x>: 3", Traced: true,
		Shown: []Shown{{0, 4, []string{"card"}}, {8, 10, []string{"region"}}, {14, 25, []string{"customer.email", "name"}}},
		Values: []Value{
			{Name: "mail", Value: event.StringValue("ann@x"), Fields: []string{"customer.email"}},
			{Name: "n", Value: event.IntValue(3)}, {Name: "last", Value: event.IntValue(4111), Fields: []string{"card"}},
		},
	}
}

func TestAlertMasked(t *testing.T) {
	m := masks()
	card, mail := m.Text("4111", "card"), m.Text("ann@x", "customer.email")
	a := personal()
	var kept keptAlert
	row, err := a.appendRow(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(row, &kept); err != nil {
		t.Fatal(err)
	}
	got := kept.Masked(m)
	if got.Key[0] != card || got.Key[1] != "eu" || got.Values[0].Value.S != mail || got.Values[1].Value.N != 3 || got.Values[2].Value.S != card {
		t.Errorf("key %v, values %v", got.Key, got.Values)
	}
	if want := card + " in eu by " + m.Text("ann <ann@x>", "customer.email") + ": 3"; got.Message != want {
		t.Errorf("message %q, want %q", got.Message, want)
	}
	if again, err := kept.appendRow(nil); err != nil || !bytes.Equal(again, row) {
		t.Errorf("masking has changed what is kept: %s, %v", again, err)
	}
	if doc, err := a.MarshalJSON(); err != nil || strings.Contains(string(doc), "shows") {
		t.Errorf("what can be seen leaves: %s, %v", doc, err)
	}
	if a.Masked(nil) != a {
		t.Error("without masks the alert is another one")
	}
	old := *a
	old.Traced = false
	if x := old.Masked(m); strings.Contains(x.Message, "ann") || !mask.IsToken(x.Values[1].Value.S) {
		t.Errorf("of an alert of an older version: %q, %v", x.Message, x.Values)
	}
}

func TestNotificationMasked(t *testing.T) {
	m := masks()
	card := m.Text("4111", "card")
	n := &Notification{
		Labels: map[string]string{"card": "4111", "key": "4111,eu", "rule": "burst"}, Alerts: []Notice{{Alert: personal()}},
		Counts: []Count{{Rule: "burst", Key: []string{"4111", "eu"}, By: []string{"card", "region"}}, {Rule: "old", Key: []string{"4111"}}, {Rule: "rest"}},
	}
	row, err := encodeNotification(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, _, err = decodeNotification(1, row)
	if err != nil {
		t.Fatal(err)
	}
	got := n.Masked(m)
	if got.Labels["card"] != card || got.Labels["key"] != card+",eu" || got.Labels["rule"] != "burst" {
		t.Errorf("labels %v", got.Labels)
	}
	if c := got.Counts; c[0].Key[0] != card || c[0].Key[1] != "eu" || c[1].Key[0] != m.Label("key", "4111") || c[2].Key != nil {
		t.Errorf("counts %v", c)
	}
	if n.Alerts[0].Alert.Key[0] != "4111" || n.Labels["card"] != "4111" || n.Counts[0].Key[0] != "4111" {
		t.Error("masking has changed what is kept")
	}
	n.Alerts = nil
	if got := n.Masked(m); got.Labels["card"] != card || got.Labels["key"] != m.Label("key", "4111,eu") || got.Labels["rule"] != "burst" {
		t.Errorf("labels of a digest %v", got.Labels)
	}
}

// TestTokensMatch silences by what is seen, and by what is.
func TestTokensMatch(t *testing.T) {
	m := masks()
	a := personal()
	card := m.Text("4111", "card")
	f := func(matcher string, want bool) {
		t.Helper()
		x, err := ParseMatcher(matcher)
		if err != nil {
			t.Fatal(err)
		}
		s := &Silence{ID: "s", Match: Matchers{x}, To: 10}
		if got := SilencedBy([]*Silence{s}, a, m, 5) != nil; got != want {
			t.Errorf("%s: %v", matcher, got)
		}
		if text := s.Masked(m).Match.String(); strings.Contains(text, "4111") {
			t.Errorf("%s is shown as %s", matcher, text)
		}
	}
	f("card = 4111", true)
	f("card = "+card, true)
	f("card =~ 4.*, region = eu", true)
	f("key = \""+card+",eu\"", true)
	f("region = eu, card != 4111", false)
	f("region = eu, card != "+card, false)
	f("region = eu, card != 5", true)
	f("card = 5", false)
	like, err := SilenceLike(a.Masked(m))
	if err != nil || strings.Contains(like.Match.String(), "4111") {
		t.Errorf("what is like it: %v, %v", like.Match, err)
	}
	like.ID, like.To = "like", 10
	if SilencedBy([]*Silence{&like}, a, m, 5) == nil {
		t.Errorf("%v does not silence the alert", like.Match)
	}
}
