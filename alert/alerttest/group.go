package alerttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/event"
)

// Answer is how a receiver answers.
type Answer int

// The answers.
const (
	Accept Answer = iota // it takes what it is sent
	Busy                 // it asks to be left alone for a while, GroupSubject.Pause if it can say how long
	Broken               // it fails, and may not the next time
	Refuse               // it refuses this notification for good
	Hang                 // it does not answer
)

// GroupSubject is a notifier of groups under test, and its receiver, which the test steers.
type GroupSubject struct {
	Notifier alert.GroupNotifier
	// Arrived returns what the receiver has taken, in the order of arrival, each as a text in which the alerts' rules can be
	// found.
	Arrived func() []string
	// Answer says how the receiver answers from now on.
	Answer func(Answer)
	// Reached gets a value whenever a request has reached a receiver that hangs.
	Reached <-chan struct{}
	// Pause is what a busy receiver asks for; 0 if its protocol has no word for that.
	Pause time.Duration
	// Secrets are in no error, whatever happens.
	Secrets []string
}

// TestGroupNotifier runs the suite. New makes a subject with an empty receiver that accepts.
func TestGroupNotifier(t *testing.T, New func(t *testing.T) GroupSubject) {
	t.Run("every kind", func(t *testing.T) {
		s := New(t)
		for _, k := range alert.Kinds() {
			before := len(s.Arrived())
			s.deliver(t, alert.Example(k, "receiver", 1_767_607_200_000))
			if got := s.Arrived(); len(got) == before || !strings.Contains(strings.Join(got[before:], "\n"), "example-rule") {
				t.Errorf("%s: arrived %q", k, got[before:])
			}
		}
	})
	t.Run("a life with its memo", func(t *testing.T) { testLife(t, New(t)) })
	t.Run("as hostile as events", func(t *testing.T) { testHostile(t, New(t)) })
	t.Run("answers", func(t *testing.T) { testAnswers(t, New(t)) })
	t.Run("a receiver that hangs", func(t *testing.T) {
		s := New(t)
		s.Answer(Hang)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := s.Notifier.NotifyGroup(ctx, Group(1, alert.KindOpened))
			ended <- err
		}()
		<-s.Reached
		cancel()
		err := <-ended
		if err == nil || alert.Permanent(err) {
			t.Errorf("an interrupted delivery gives %v (permanent: %v)", err, alert.Permanent(err))
		}
		s.hidden(t, err)
	})
}

// testLife delivers the notifications of one group, each with what the one before it left behind, and one of them again.
func testLife(t *testing.T, s GroupSubject) {
	memo := ""
	for _, k := range []alert.Kind{alert.KindOpened, alert.KindUpdated, alert.KindUpdated, alert.KindReminder, alert.KindAcknowledged, alert.KindResolved} {
		n := Group(3, k)
		n.Memo = memo
		memo = s.deliver(t, n)
		if len(memo) > 4<<10 {
			t.Errorf("%s: a memo of %d bytes", k, len(memo))
		}
	}
	again := Group(3, alert.KindResolved)
	again.Memo, again.Attempt = memo, 2
	s.deliver(t, again)
	foreign := Group(3, alert.KindUpdated)
	foreign.Memo = `{"of":"another notifier"}`
	s.deliver(t, foreign)
}

// testHostile delivers alerts with all that events may hold.
func testHostile(t *testing.T, s GroupSubject) {
	for i, text := range HostileTexts() {
		n := Group(2, alert.KindOpened)
		n.Key, n.Group = fmt.Sprintf("hostile-%d", i), fmt.Sprintf("hostile-group-%d", i)
		n.Labels = map[string]string{"customer": text, text: "x"}
		for _, notice := range n.Alerts {
			a := notice.Alert
			a.Message, a.Key, a.Severity, a.Actions = text, []string{text, text}, text, []string{text}
			a.Values = []alert.Value{{Name: text, Value: event.StringValue(text), Limit: text}, {Name: "list", Value: event.Value{Kind: event.List, S: "[1,2]"}}, {}}
			a.Labels = map[string]string{text: text}
			a.Opener = alert.Opener{Event: text, Position: text}
			a.Acknowledged = &alert.Mark{By: text, Comment: text}
			a.Verdict = &alert.Mark{By: text, Word: text, Comment: text}
		}
		before := len(s.Arrived())
		s.deliver(t, n)
		if got := s.Arrived(); len(got) == before || !strings.Contains(strings.Join(got[before:], "\n"), "order-burst") {
			t.Errorf("%.20q: nothing arrived that names the rule", text)
		}
	}
	s.deliver(t, &alert.Notification{Kind: alert.KindUpdated, State: alert.Firing})
	s.deliver(t, &alert.Notification{Key: "k", Group: "g", Kind: alert.KindOpened, State: alert.Firing, Alerts: []alert.Notice{{Alert: &alert.Alert{State: alert.Firing}}, {}}})
	s.deliver(t, Group(1000, alert.KindOpened))
	digest := alert.Example(alert.KindDigest, "receiver", 0)
	for i := range 500 {
		digest.Counts = append(digest.Counts, alert.Count{Rule: "order-burst", Severity: "high", Key: []string{strings.Repeat("k", i*10)}, Alerts: i})
	}
	s.deliver(t, digest)
}

// testAnswers wants every answer to be understood.
func testAnswers(t *testing.T, s GroupSubject) {
	try := func(a Answer, final bool, pause time.Duration) {
		t.Helper()
		s.Answer(a)
		_, err := s.Notifier.NotifyGroup(t.Context(), Group(1, alert.KindOpened))
		if err == nil {
			t.Fatalf("answer %d: no error", a)
		}
		if alert.Permanent(err) != final || alert.RetryAfter(err) != pause {
			t.Errorf("answer %d: %v: permanent %v, after %s; want %v, %s", a, err, alert.Permanent(err), alert.RetryAfter(err), final, pause)
		}
		s.hidden(t, err)
	}
	try(Busy, false, s.Pause)
	try(Broken, false, 0)
	try(Refuse, true, 0)
	if got := s.Arrived(); len(got) > 0 {
		t.Errorf("arrived %q", got)
	}
	s.Answer(Accept)
	s.deliver(t, Group(1, alert.KindOpened))
	if got := s.Arrived(); len(got) == 0 {
		t.Error("nothing arrives at a receiver that has come back")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	if _, err := s.Notifier.NotifyGroup(ctx, Group(1, alert.KindOpened)); err == nil || alert.Permanent(err) {
		t.Errorf("a context that is over gives %v", err)
	} else {
		s.hidden(t, err)
	}
}

// deliver wants a notification to be delivered.
func (s GroupSubject) deliver(t *testing.T, n *alert.Notification) (memo string) {
	t.Helper()
	memo, err := s.Notifier.NotifyGroup(t.Context(), n)
	if err != nil {
		t.Fatalf("%s %.40q: %v", n.Kind, n.Key, err)
	}
	return memo
}

// hidden wants no secret in an error.
func (s GroupSubject) hidden(t *testing.T, err error) {
	t.Helper()
	for _, secret := range s.Secrets {
		if strings.Contains(fmt.Sprintf("%v %+v %q", err, err, err), secret) {
			t.Errorf("an error holds a secret: %v", err)
		}
	}
}

// HostileTexts returns texts that events may hold, each of which has broken some program.
func HostileTexts() []string {
	return []string{
		"", " ", "a\nb\r\nc\x1b[2J\x00\x7f", `"quoted" \ {{.}} ${env:HOME} %s %d`, "\u202e\u2028\u2029\u200b\ufeff",
		"<!channel> <@U1> @here <https://evil.example|click> `code` *bold* _it_ ~st~ &lt;!here&gt; :bomb:",
		"<script>alert(1)</script>&amp;<img src=x onerror=y>", "x\r\nBcc: evil@example.org\r\n\r\nbody", "\xff\xfe\xc0 broken \xed\xa0\x80",
		"ü🐟👩‍👩‍👧‍👦", "=?utf-8?q?word?=", ".\r\n.\r\nQUIT\r\n", strings.Repeat("x", 1<<20), strings.Repeat("&<>\"\\\x01🐟", 20_000),
	}
}

// Group returns a notification of a kind about n alerts.
func Group(n int, k alert.Kind) *alert.Notification {
	g := &alert.Notification{
		Key: "group-1/" + string(k), Group: "group-1", Receiver: "receiver", Kind: k, State: alert.Firing,
		Labels: map[string]string{"rule": "order-burst"}, Link: "https://kelpie.example/alerts/id-0", Attempt: 1,
	}
	for i := range n {
		a := Alert(i)
		if k == alert.KindResolved {
			a.State, a.Reason, a.Resolved, g.State = alert.Resolved, alert.Condition, a.Updated+60_000, alert.Resolved
		}
		if g.Since == 0 {
			g.Since = a.Opened
		}
		g.Alerts = append(g.Alerts, alert.Notice{Alert: a, New: k == alert.KindOpened, Link: "https://kelpie.example/alerts/" + a.ID})
	}
	return g
}
