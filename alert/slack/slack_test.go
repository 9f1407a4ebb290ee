package slack

import (
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/post"
	"kelpie/alert/slack/slacktest"
	"kelpie/secret"
)

func botSpec(w *slacktest.Workspace) Spec {
	return Spec{Token: secret.New(slacktest.Token), Channel: slacktest.Channel, SigningSecret: secret.New(slacktest.SigningSecret), APIURL: w.API()}
}

func open(t *testing.T, s Spec) *Notifier {
	t.Helper()
	n, err := New(s, post.Options{Agent: "kelpie/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestConformance(t *testing.T) {
	f := func(spec func(w *slacktest.Workspace) Spec) func(t *testing.T) {
		return func(t *testing.T) {
			alerttest.TestGroupNotifier(t, func(t *testing.T) alerttest.GroupSubject {
				w := slacktest.New(t)
				return alerttest.GroupSubject{
					Notifier: open(t, spec(w)), Arrived: w.Taken, Answer: w.Answer, Reached: w.Reached, Pause: 30 * time.Second,
					Secrets: []string{slacktest.Token, "h00kS3cret", slacktest.SigningSecret},
				}
			})
		}
	}
	t.Run("bot", f(botSpec))
	t.Run("webhook", f(func(w *slacktest.Workspace) Spec { return Spec{WebhookURL: secret.New(w.Hook())} }))
}

// tell delivers a notification with a memo and returns the next one.
func tell(t *testing.T, n *Notifier, note *alert.Notification, memo string) string {
	t.Helper()
	note.Memo = memo
	memo, err := n.NotifyGroup(t.Context(), note)
	if err != nil {
		t.Fatal(err)
	}
	return memo
}

// TestIncident follows one group: its message is edited, what must be noticed is said in the thread, and a message that
// somebody has deleted is written anew.
func TestIncident(t *testing.T) {
	w := slacktest.New(t)
	n := open(t, botSpec(w))
	memo := tell(t, n, alerttest.Group(1, alert.KindOpened), "")
	memo = tell(t, n, alerttest.Group(2, alert.KindUpdated), memo)
	memo = tell(t, n, alerttest.Group(2, alert.KindAcknowledged), memo)
	if got := w.Messages(); len(got) != 1 || got[0].Edits != 2 || !strings.Contains(got[0].Text, "acknowledged") {
		t.Fatalf("%+v", got)
	}
	memo = tell(t, n, alerttest.Group(2, alert.KindReminder), memo)
	if got := w.Messages(); len(got) != 2 || got[1].Thread != got[0].TS || !got[1].Broadcast || !strings.Contains(got[1].Text, "still firing") {
		t.Fatalf("%+v", got)
	}
	memo = tell(t, n, alerttest.Group(1, alert.KindResolved), memo)
	got := w.Messages()
	if len(got) != 3 || got[2].Thread != got[0].TS || got[2].Broadcast || !strings.HasPrefix(got[0].Text, "✅ resolved: ") {
		t.Fatalf("%+v", got)
	}
	if !strings.Contains(got[2].Text, "the condition does not hold any more") {
		t.Errorf("%+v", got[2])
	}
	w.Forget()
	if again := tell(t, n, alerttest.Group(1, alert.KindUpdated), memo); again == memo {
		t.Error("a deleted message is where it was")
	}
	if got := w.Messages(); len(got) != 1 || got[0].Thread != "" {
		t.Errorf("%+v", got)
	}
}

// TestMessage wants a message to say what a person needs, and to have its buttons only where they work.
func TestMessage(t *testing.T) {
	w := slacktest.New(t)
	tell(t, open(t, botSpec(w)), alerttest.Group(1, alert.KindOpened), "")
	tell(t, open(t, Spec{WebhookURL: secret.New(w.Hook())}), alerttest.Group(1, alert.KindOpened), "")
	no := botSpec(w)
	no.SigningSecret = secret.Value{}
	tell(t, open(t, no), alerttest.Group(1, alert.KindOpened), "")
	tell(t, open(t, botSpec(w)), alerttest.Group(1, alert.KindResolved), "")
	taken := w.Taken()
	for _, want := range []string{
		"🟠 [HIGH] order-burst c0", "c0 placed 6 orders", `orders\n6`, "since 2026-01-05T10:00:00.000Z", "kelpie alerts show id-0 --events", "rule=order-burst",
		`https://kelpie.example/alerts/id-0|open in Kelpie`,
	} {
		if !strings.Contains(unescape(taken[0]), want) || !strings.Contains(unescape(taken[1]), want) {
			t.Errorf("%q is not said in %s", want, taken[0])
		}
	}
	for i, want := range []bool{true, false, false, false} {
		if got := strings.Contains(taken[i], actionAcknowledge); got != want {
			t.Errorf("message %d has a button to acknowledge: %v", i, got)
		}
	}
	if !strings.Contains(taken[3], actionFalsePositive) || strings.Contains(taken[3], actionSilence) {
		t.Errorf("the buttons of a resolved message: %s", taken[3])
	}
}

// unescape undoes what JSON does to markup.
func unescape(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

// TestErrors wants the errors of Slack to be told with what to do, and to be final only where the message is at fault.
func TestErrors(t *testing.T) {
	w := slacktest.New(t)
	bot, hook := open(t, botSpec(w)), open(t, Spec{WebhookURL: secret.New(w.Hook())})
	f := func(n *Notifier, name, want string, final bool) {
		t.Helper()
		w.Fail(name)
		_, err := n.NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened))
		if err == nil || !strings.Contains(err.Error(), want) || alert.Permanent(err) != final {
			t.Errorf("%s: %v, permanent %v; want %q", name, err, alert.Permanent(err), want)
		}
	}
	for _, name := range []string{"channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "token_revoked", "missing_scope", "account_inactive"} {
		f(bot, name, "Slack says "+name+": "+hints[name], false)
	}
	f(bot, "internal_error", "internal_error", false)
	f(bot, "msg_too_long", "msg_too_long", true)
	f(bot, "invalid_blocks", "invalid_blocks", true)
	f(hook, "no_service", hints["no_service"], false)
	f(hook, "channel_is_archived", hints["channel_is_archived"], false)
	f(hook, "action_prohibited", "action_prohibited", false)
	f(hook, "invalid_payload", "invalid_payload", true)
	f(hook, "invalid_blocks", "invalid_blocks", true)
	w.Fail("")
	_, err := open(t, Spec{Token: secret.New("xoxb-wr0ng"), Channel: "#a", APIURL: w.API()}).NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened))
	if err == nil || !strings.Contains(err.Error(), "invalid_auth") || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("%v", err)
	}
}

// TestBlocksRefused wants a message whose blocks Slack refuses to arrive as text.
func TestBlocksRefused(t *testing.T) {
	w := slacktest.New(t)
	for _, n := range []*Notifier{open(t, botSpec(w)), open(t, Spec{WebhookURL: secret.New(w.Hook())})} {
		w.RefuseBlocks()
		tell(t, n, alerttest.Group(1, alert.KindOpened), "")
		got := w.Messages()
		if last := got[len(got)-1]; len(last.Blocks) != 0 || !strings.Contains(last.Text, "order-burst") {
			t.Errorf("%+v", last)
		}
	}
}

func TestValidate(t *testing.T) {
	f := func(want string, s Spec) {
		t.Helper()
		err := s.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	hush := secret.New("https://hooks.slack.com/hush")
	f("", Spec{WebhookURL: hush})
	f("", Spec{Token: hush, Channel: "#a", SigningSecret: hush})
	f("webhook_url: ", Spec{})
	f("webhook_url: ", Spec{WebhookURL: secret.New("hush")})
	f("token: ", Spec{WebhookURL: hush, Token: hush})
	f("channel: ", Spec{Token: hush})
	f("channel: ", Spec{Token: hush, Channel: "a b"})
	f("channel: ", Spec{WebhookURL: hush, Channel: "#a"})
	f("signing_secret: ", Spec{WebhookURL: hush, SigningSecret: hush})
	f("api_url: ", Spec{Token: hush, Channel: "#a", APIURL: "slack.com"})
	f("timeout: ", Spec{WebhookURL: hush, Spec: post.Spec{Timeout: -1}})
}
