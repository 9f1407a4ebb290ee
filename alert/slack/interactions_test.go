package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/post"
	"kelpie/alert/slack/slacktest"
	"kelpie/secret"
)

// desk writes down what it is asked for.
type desk struct {
	mu   sync.Mutex
	done []string
	fail error
}

func (d *desk) note(format string, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = append(d.done, fmt.Sprintf(format, args...))
	return d.fail
}

func (d *desk) Acknowledge(ctx context.Context, id, by string) error {
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("there is no deadline")
	}
	return d.note("acknowledge %s %s", id, by)
}

func (d *desk) Label(_ context.Context, id, word, by string) error {
	return d.note("label %s %s %s", id, word, by)
}

func (d *desk) Silence(_ context.Context, id, by string, span time.Duration) error {
	return d.note("silence %s %s %s", id, by, span)
}

func endpoint(t *testing.T, d Desk, specs ...Spec) *httptest.Server {
	t.Helper()
	x, err := NewInteractions(specs, d, post.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(x)
	t.Cleanup(func() { s.Close(); x.Close() })
	return s
}

// send sends a request to the endpoint and returns its status. When it returns, the endpoint has done all.
func send(t *testing.T, s *httptest.Server, r *http.Request) int {
	t.Helper()
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, r)
	return w.Code
}

// TestPressed presses every button of a message about two alerts.
func TestPressed(t *testing.T) {
	w, d := slacktest.New(t), &desk{}
	s := endpoint(t, d, botSpec(w))
	tell(t, open(t, botSpec(w)), alerttest.Group(2, alert.KindOpened), "")
	for _, action := range []string{actionAcknowledge, actionTruePositive, actionFalsePositive, actionSilence, "someone_elses"} {
		if got := send(t, s, w.Press(w.Messages()[0], action, "ann", time.Now())); got != http.StatusOK {
			t.Errorf("%s: %d", action, got)
		}
	}
	want := []string{
		"acknowledge id-0 slack:ann (U1)", "acknowledge id-1 slack:ann (U1)",
		"label id-0 true_positive slack:ann (U1)", "label id-1 true_positive slack:ann (U1)",
		"label id-0 false_positive slack:ann (U1)", "label id-1 false_positive slack:ann (U1)",
		"silence id-0 slack:ann (U1) 1h0m0s", "silence id-1 slack:ann (U1) 1h0m0s",
	}
	if !slices.Equal(d.done, want) {
		t.Errorf("done %q", d.done)
	}
	m := w.Messages()
	if len(m) != 1 || m[0].Edits != 4 {
		t.Fatalf("%+v", m)
	}
	last := m[0].Blocks[len(m[0].Blocks)-1]
	if got := fmt.Sprint(last); last["block_id"] != blockSaid || !strings.Contains(got, "slack:ann (U1): silenced for 1 h 2 alerts") || strings.Contains(fmt.Sprint(m[0].Blocks), "labelled") {
		t.Errorf("the message says %v", m[0].Blocks)
	}
}

// TestDeskFails wants the person to see why.
func TestDeskFails(t *testing.T) {
	w, d := slacktest.New(t), &desk{fail: errors.New("there is no such <!channel> alert")}
	s := endpoint(t, d, botSpec(w))
	tell(t, open(t, botSpec(w)), alerttest.Group(1, alert.KindOpened), "")
	if got := send(t, s, w.Press(w.Messages()[0], actionAcknowledge, "ann", time.Now())); got != http.StatusOK {
		t.Errorf("%d", got)
	}
	if got := fmt.Sprint(w.Messages()[0].Blocks); !strings.Contains(got, "there is no such &lt;!channel&gt; alert") {
		t.Errorf("the message says %s", got)
	}
}

// TestRefusedInteractions sends what does not come from Slack.
func TestRefusedInteractions(t *testing.T) {
	w, d := slacktest.New(t), &desk{}
	s := endpoint(t, d, Spec{}, botSpec(w))
	tell(t, open(t, botSpec(w)), alerttest.Group(1, alert.KindOpened), "")
	m := w.Messages()[0]
	press := func(at time.Time) *http.Request { return w.Press(m, actionAcknowledge, "eve", at) }
	f := func(name string, want int, r *http.Request) {
		t.Helper()
		if got := send(t, s, r); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	change := func(c func(r *http.Request)) *http.Request { r := press(time.Now()); c(r); return r }
	f("an old one", 401, press(time.Now().Add(-6*time.Minute)))
	f("one of tomorrow", 401, press(time.Now().Add(6*time.Minute)))
	f("no signature", 401, change(func(r *http.Request) { r.Header.Del("X-Slack-Signature") }))
	f("no time", 401, change(func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") }))
	f("another time", 401, change(func(r *http.Request) {
		r.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(time.Now().Unix()-1))
	}))
	f("another version", 401, change(func(r *http.Request) {
		r.Header.Set("X-Slack-Signature", "v1"+strings.TrimPrefix(r.Header.Get("X-Slack-Signature"), "v0"))
	}))
	f("another body", 401, change(func(r *http.Request) {
		r.Body = http.NoBody
	}))
	f("another secret", 401, slacktest.Sign([]byte("payload={}"), "wrong", time.Now()))
	f("an empty secret", 401, slacktest.Sign([]byte("payload={}"), "", time.Now()))
	f("GET", 405, change(func(r *http.Request) { r.Method = http.MethodGet }))
	f("too large", 413, slacktest.Sign([]byte(strings.Repeat("x", largestInteraction+1)), slacktest.SigningSecret, time.Now()))
	f("no JSON", 400, slacktest.Sign([]byte("payload=x"), slacktest.SigningSecret, time.Now()))
	f("no form", 400, slacktest.Sign([]byte("%zz"), slacktest.SigningSecret, time.Now()))
	f("another kind", 200, slacktest.Sign([]byte(`payload={"type":"view_submission"}`), slacktest.SigningSecret, time.Now()))
	if len(d.done) > 0 {
		t.Fatalf("done %q", d.done)
	}
	again := time.Now()
	f("pressed", 200, press(again))
	f("sent again", 200, press(again))
	if len(d.done) != 1 {
		t.Errorf("done %q", d.done)
	}
}

// TestAnswerGoesToSlack wants nothing to be sent to an address that is not Slack's, though a signed request names it.
func TestAnswerGoesToSlack(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent elsewhere") }))
	defer elsewhere.Close()
	w, d := slacktest.New(t), &desk{}
	s := endpoint(t, d, botSpec(w))
	body := `payload={"type":"block_actions","actions":[{"action_id":"kelpie_acknowledge","value":"id-0, ,a b,id-1"}],"response_url":"` + elsewhere.URL + `"}`
	if got := send(t, s, slacktest.Sign([]byte(body), slacktest.SigningSecret, time.Now())); got != 200 || len(d.done) != 2 {
		t.Errorf("%d, done %q", got, d.done)
	}
	f := func(address string, want bool) {
		t.Helper()
		if got := (Spec{}).mayAnswer(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	f("https://hooks.slack.com/actions/T0/1/x", true)
	f("http://hooks.slack.com/actions/T0/1/x", false)
	f("https://hooks.slack.com.evil.example/", false)
	f("https://hooks.slack.com@evil.example/", false)
	f("", false)
}

// TestAnswersAtOnce wants Slack to be answered before the message is updated: it waits for three seconds only.
func TestAnswersAtOnce(t *testing.T) {
	w, d := slacktest.New(t), &desk{}
	s := endpoint(t, d, botSpec(w))
	tell(t, open(t, botSpec(w)), alerttest.Group(1, alert.KindOpened), "")
	r := w.Press(w.Messages()[0], actionAcknowledge, "ann", time.Now())
	w.Answer(alerttest.Hang)
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(s.URL, "http://")
	answer, err := s.Client().Do(r)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	<-w.Reached
	w.Release()
}

// TestNoEndpoint wants none where no receiver has buttons.
func TestNoEndpoint(t *testing.T) {
	x, err := NewInteractions([]Spec{{}}, &desk{}, post.Options{}, slog.New(slog.DiscardHandler))
	if x != nil || err != nil {
		t.Errorf("%v, %v", x, err)
	}
}

// FuzzInteraction sends anything, rightly signed.
func FuzzInteraction(f *testing.F) {
	f.Add([]byte(`payload={"type":"block_actions","actions":[{"action_id":"kelpie_acknowledge","value":"id-0"}],"user":{"id":"U1"},"message":{"blocks":[{}]}}`))
	f.Add([]byte(`payload=%7B%22actions%22%3A%5B%7B%7D%5D%7D`))
	f.Add([]byte("payload=[]"))
	x, err := NewInteractions([]Spec{{SigningSecret: secret.New("s")}}, &desk{}, post.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		x.ServeHTTP(w, slacktest.Sign(body, "s", time.Now()))
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%d", w.Code)
		}
	})
}

// FuzzSignature sends what anybody may send: nothing is done unless the signature is that of the body and of a time that is
// near.
func FuzzSignature(f *testing.F) {
	body := []byte(`payload={"type":"block_actions","actions":[{"action_id":"kelpie_acknowledge","value":"id-0"}],"user":{"id":"U1"}}`)
	now := time.Now()
	right := slacktest.Sign(body, "s", now)
	stamp, signature := right.Header.Get("X-Slack-Request-Timestamp"), right.Header.Get("X-Slack-Signature")
	f.Add(body, stamp, signature, "application/x-www-form-urlencoded")
	f.Add(body, stamp, strings.ToUpper(signature), "")
	f.Add(body, stamp, strings.TrimPrefix(signature, "v0="), "")
	f.Add(body, stamp, "v0=", "")
	f.Add(body, stamp, "", "text/plain")
	f.Add(body, "", signature, "")
	f.Add(body, "-"+stamp, signature, "")
	f.Add(body, stamp+"0", signature, "")
	f.Add(body, " "+stamp, signature, "")
	f.Add(append([]byte("x"), body...), stamp, signature, "")
	f.Add([]byte{}, "9223372036854775807", "v0=00", "multipart/form-data")
	f.Fuzz(func(t *testing.T, body []byte, stamp, signature, kind string) {
		d := &desk{}
		x, err := NewInteractions([]Spec{{SigningSecret: secret.New("s")}}, d, post.Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		r := httptest.NewRequest(http.MethodPost, "/v1/slack/interactions", bytes.NewReader(body))
		r.Header["X-Slack-Request-Timestamp"], r.Header["X-Slack-Signature"], r.Header["Content-Type"] = []string{stamp}, []string{signature}, []string{kind}
		w := httptest.NewRecorder()
		x.ServeHTTP(w, r)
		h := hmac.New(sha256.New, []byte("s"))
		h.Write([]byte("v0:" + stamp + ":" + string(body)))
		signed := strings.EqualFold(signature, "v0="+hex.EncodeToString(h.Sum(nil)))
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		near := err == nil && time.Since(time.Unix(seconds, 0)).Abs() < 6*time.Minute
		switch {
		case w.Code == http.StatusUnauthorized && len(d.done) == 0:
		case (w.Code == http.StatusOK || w.Code == http.StatusBadRequest) && signed && near:
		default:
			t.Errorf("%d, done %q, with the signature %q of %q, at %q", w.Code, d.done, signature, body, stamp)
		}
	})
}
