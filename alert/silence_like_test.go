package alert_test

import (
	"strings"
	"testing"

	"kelpie/alert"
)

// TestSilenceLike wants the silence of an alert to match it and none of another rule or key, whatever is in the key.
func TestSilenceLike(t *testing.T) {
	for _, key := range []string{"c1", "", "a,b", `quo"te \ back`, "line\nbreak", "tab\tø 漢", "\x01", "{x=~\".*\"}"} {
		a := &alert.Alert{ID: "1", Rule: "burst", Key: []string{key}}
		s, err := alert.SilenceLike(a)
		if err != nil {
			t.Errorf("%q: %v", key, err)
			continue
		}
		s.From, s.To = 0, 10
		other := *a
		other.Key = []string{key + "x"}
		foreign := *a
		foreign.Rule = "other"
		if alert.SilencedBy([]*alert.Silence{&s}, a, nil, 5) == nil || alert.SilencedBy([]*alert.Silence{&s}, &other, nil, 5) != nil ||
			alert.SilencedBy([]*alert.Silence{&s}, &foreign, nil, 5) != nil {
			t.Errorf("%q: %v silences others, or not the alert", key, s.Match)
		}
	}
	if _, err := alert.SilenceLike(&alert.Alert{Rule: "r", Key: []string{strings.Repeat("x", 1<<20)}}); err == nil {
		t.Error("a key of 1 MiB can be silenced")
	}
}
