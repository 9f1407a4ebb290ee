package words

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/event"
)

func TestLine(t *testing.T) {
	f := func(text string, max int, want string) {
		t.Helper()
		if got := Line(text, max); got != want {
			t.Errorf("Line(%q, %d) = %q, want %q", text, max, got, want)
		}
	}
	f("abc", 3, "abc")
	f("abcd", 3, "ab…")
	f("abcd", 1, "…")
	f("abcd", 0, "")
	f("abcd", -1, "")
	f("🐟🐟", 4, "🐟🐟")
	f("🐟🐟", 3, "🐟…")
	f("🐟🐟", 2, "…")
	f("a\nb\tc", 9, "a b c")
	f("a\x00\x1b\u202eb", 9, "a\ufffd\ufffd\ufffdb")
	f("\xff", 9, "\ufffd")
	if got := Lines("a\r\nb\rc\n", 9); got != "a\nb c\n" {
		t.Errorf("%q", got)
	}
}

func TestTitle(t *testing.T) {
	f := func(n *alert.Notification, want string) {
		t.Helper()
		if got := Title(n, 80); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(alerttest.Group(1, alert.KindOpened), "[HIGH] order-burst c0")
	f(alerttest.Group(3, alert.KindOpened), "[HIGH] order-burst c0 (+2 more)")
	f(alerttest.Group(1, alert.KindResolved), "resolved: [HIGH] order-burst c0")
	f(alerttest.Group(1, alert.KindReminder), "still firing: [HIGH] order-burst c0")
	f(alerttest.Group(1, alert.KindEscalated), "escalated: [HIGH] order-burst c0")
	f(alerttest.Group(1, alert.KindAcknowledged), "acknowledged: [HIGH] order-burst c0")
	f(alert.Example(alert.KindTest, "r", 0), "test: [INFO] example-rule example-key")
	f(alert.Example(alert.KindDigest, "r", 0), "digest: 42 alerts held back, since there are too many")
	f(&alert.Notification{}, "no alert")
	point := alerttest.Group(1, alert.KindResolved)
	point.Kind = alert.KindOpened
	f(point, "[HIGH] order-burst c0")
	worst := alerttest.Group(3, alert.KindOpened)
	worst.Alerts[0].Alert.State, worst.Alerts[0].Alert.Severity = alert.Resolved, "critical"
	worst.Alerts[2].Alert.Severity, worst.Omitted = "critical", 5
	f(worst, "[CRITICAL] order-burst c2 (+7 more)")
	worst.Alerts[2].Alert.Key = []string{strings.Repeat("k", 200)}
	if got := Title(worst, 40); got != "[CRITICAL] order-burst kkkkkk… (+7 more)" {
		t.Errorf("%q", got)
	}
}

func TestFacts(t *testing.T) {
	a := alerttest.Alert(1)
	a.Values = []alert.Value{
		{Name: "n", Value: event.IntValue(6), Limit: "> 5"}, {Name: "who", Value: event.StringValue("c\n1")}, {Name: "p", Value: event.FloatValue(1.5), Approx: 0.01, Limit: ">= 1 and\n < 2"},
		{Name: "sum", Value: event.IntValue(7), Inexact: true}, {Name: "left out"},
	}
	var got []string
	for _, f := range Facts(a, 4, 40) {
		got = append(got, f.Name+"="+f.Value)
	}
	if want := "n=6 (> 5) who=c 1 p=1.5 (>= 1 and  < 2, within 1 %) sum=7 (not exact)"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	long := alert.Value{Value: event.StringValue(strings.Repeat("v", 100)), Limit: `!= "` + strings.Repeat("w", 100) + `"`}
	if got, want := Value(long, 70), "vvvvvv… (!= \""+strings.Repeat("w", longestLimit-5)+"…)"; got != want || Units(got) != 70 {
		t.Errorf("%q, want %q", got, want)
	}
	a.Acknowledged = &alert.Mark{By: "ann", Comment: "on\nit"}
	a.Verdict = &alert.Mark{By: "bob", Word: alert.FalsePositive}
	if got := strings.Join(Remarks(a), "; "); got != "acknowledged by ann: on it; labelled false positive by bob" {
		t.Errorf("%q", got)
	}
	if got := Resolution(a); got != "" {
		t.Errorf("%q", got)
	}
	a.State, a.Reason, a.ResolvedBy = alert.Resolved, alert.ByHand, a.Verdict
	if got := Resolution(a); got != "by bob" {
		t.Errorf("%q", got)
	}
	if a.Reason = alert.Left; Resolution(a) != "events have left the window" {
		t.Errorf("%q", Resolution(a))
	}
	if got := Commands(a); len(got) != 1 || got[0] != "kelpie alerts show id-1 --events" {
		t.Errorf("%q", got)
	}
}

// FuzzLine wants any text to be one printable line within its limit, and a limit of bytes to be kept.
func FuzzLine(f *testing.F) {
	for _, text := range alerttest.HostileTexts() {
		f.Add(text[:min(len(text), 1000)], 20)
	}
	f.Fuzz(func(t *testing.T, text string, max int) {
		if got := Line(text, max); Units(got) > len(text)+1 || max >= 0 && Units(got) > max || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Line(%q, %d) = %q", text, max, got)
		}
		if got := Bytes(text, max); len(got) > max && max >= 0 || !utf8.ValidString(got) {
			t.Errorf("Bytes(%q, %d) = %q", text, max, got)
		}
	})
}
