// Package slacktest is a workspace of Slack on this machine, as far as messages go: it keeps them, and refuses what Slack
// refuses by its published limits.
package slacktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"kelpie/alert/alerttest"
)

// What the workspace knows.
const (
	Token         = "xoxb-t0ken"
	Channel       = "#alerts"
	ChannelID     = "C0ALERTS"
	HookPath      = "/services/T0/B0/h00kS3cret"
	SigningSecret = "8f742231b10e8888abcd99yyyzzz85a5"
	responsePath  = "/actions/T0/1/"
)

// Message is one that was written.
type Message struct {
	TS        string
	Thread    string // of the message that it answers
	Broadcast bool
	Text      string
	Blocks    []map[string]any
	Edits     int
}

// Workspace is the server.
type Workspace struct {
	*alerttest.Web
	t *testing.T

	mu       sync.Mutex
	messages []*Message
	taken    []string // bodies in the order of arrival
	fails    string   // the error of the next calls, by its name
	dislikes bool     // the next message with blocks is refused
}

// New starts a workspace.
func New(t *testing.T) *Workspace {
	w := &Workspace{t: t}
	w.Web = alerttest.NewWeb(t, false, w.take, w.fail)
	return w
}

// API returns the address of the Web API.
func (w *Workspace) API() string { return w.URL + "/api/" }

// Hook returns the address of the incoming webhook.
func (w *Workspace) Hook() string { return w.URL + HookPath }

// Fail makes the calls that follow fail by the name of an error; "" ends that.
func (w *Workspace) Fail(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = name
}

// RefuseBlocks makes the next message that has blocks be refused.
func (w *Workspace) RefuseBlocks() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dislikes = true
}

// Messages returns what stands in the channel.
func (w *Workspace) Messages() (all []Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		all = append(all, *m)
	}
	return all
}

// Forget deletes all messages.
func (w *Workspace) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = nil
}

// Taken returns the bodies that were accepted.
func (w *Workspace) Taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.taken)
}

func (w *Workspace) fail(out http.ResponseWriter, r *http.Request, a alerttest.Answer) {
	switch a {
	case alerttest.Busy:
		out.Header().Set("Retry-After", "30")
		out.WriteHeader(http.StatusTooManyRequests)
	case alerttest.Broken:
		out.Header().Set("Content-Type", "text/html")
		out.WriteHeader(http.StatusServiceUnavailable)
		out.Write([]byte("<html>"))
	case alerttest.Refuse:
		if strings.HasPrefix(r.URL.Path, "/api/") {
			w.say(out, "invalid_arguments")
			return
		}
		out.WriteHeader(http.StatusBadRequest)
		out.Write([]byte("invalid_payload"))
	}
}

// say answers a call of the Web API with an error.
func (w *Workspace) say(out http.ResponseWriter, name string) {
	out.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(out).Encode(map[string]any{"ok": false, "error": name})
}

// hookStatus is the status with which a webhook says an error, if it is not 400.
var hookStatus = map[string]int{"action_prohibited": 403, "channel_not_found": 404, "no_service": 404, "channel_is_archived": 410}

func (w *Workspace) take(out http.ResponseWriter, r *http.Request, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	method, api := strings.CutPrefix(r.URL.Path, "/api/")
	switch {
	case api:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			w.t.Errorf("the body is no form: %v", err)
		}
		w.takeCall(out, r, method, form)
	case r.URL.Path == HookPath, strings.HasPrefix(r.URL.Path, responsePath):
		w.takePost(out, r, body)
	default:
		http.NotFound(out, r)
	}
}

func (w *Workspace) takeCall(out http.ResponseWriter, r *http.Request, method string, form url.Values) {
	if token := r.Header.Get("Authorization"); form.Get("token") != Token && token != "Bearer "+Token {
		w.say(out, "invalid_auth")
		return
	}
	if w.fails != "" {
		w.say(out, w.fails)
		return
	}
	m := &Message{Thread: form.Get("thread_ts"), Broadcast: form.Get("reply_broadcast") == "true", Text: form.Get("text")}
	if form.Get("mrkdwn") != "false" {
		w.t.Errorf("%s: markup is read in the text", method)
	}
	if name := w.read(m, []byte(form.Get("blocks"))); name != "" {
		w.say(out, name)
		return
	}
	switch channel := form.Get("channel"); method {
	case "chat.postMessage":
		if channel != Channel && channel != ChannelID {
			w.say(out, "channel_not_found")
			return
		}
		m.TS = fmt.Sprintf("1767607200.%06d", len(w.taken))
		w.messages = append(w.messages, m)
	case "chat.update":
		i := slices.IndexFunc(w.messages, func(m *Message) bool { return m.TS == form.Get("ts") })
		switch {
		case channel != ChannelID: // a name will not do
			w.say(out, "channel_not_found")
			return
		case i < 0:
			w.say(out, "message_not_found")
			return
		}
		old := w.messages[i]
		m.TS, m.Thread, m.Edits = old.TS, old.Thread, old.Edits+1
		w.messages[i] = m
	default:
		w.say(out, "unknown_method")
		return
	}
	w.taken = append(w.taken, m.Text+form.Get("blocks"))
	out.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(out).Encode(map[string]any{"ok": true, "channel": ChannelID, "ts": m.TS})
}

// takePost takes what is posted to a webhook, or to the address for answers to a button.
func (w *Workspace) takePost(out http.ResponseWriter, r *http.Request, body []byte) {
	var p struct {
		Text    string          `json:"text"`
		Blocks  json.RawMessage `json:"blocks"`
		Replace bool            `json:"replace_original"`
	}
	name := w.fails
	m := &Message{}
	if name == "" && json.Unmarshal(body, &p) != nil {
		name = "invalid_payload"
	}
	if m.Text = p.Text; name == "" {
		name = w.read(m, p.Blocks)
	}
	if name != "" {
		status := hookStatus[name]
		if status == 0 {
			status = http.StatusBadRequest
		}
		out.WriteHeader(status)
		out.Write([]byte(name))
		return
	}
	ts, answers := strings.CutPrefix(r.URL.Path, responsePath)
	i := slices.IndexFunc(w.messages, func(m *Message) bool { return answers && p.Replace && m.TS == ts })
	if i >= 0 {
		m.TS, m.Edits = ts, w.messages[i].Edits+1
		w.messages[i] = m
	} else {
		m.TS = fmt.Sprintf("1767607200.%06d", len(w.taken))
		w.messages = append(w.messages, m)
	}
	w.taken = append(w.taken, string(body))
	out.Write([]byte("ok"))
}

// read reads blocks and returns the error by which Slack refuses the message; "" if it does not.
func (w *Workspace) read(m *Message, blocks []byte) string {
	if len(blocks) > 0 && json.Unmarshal(blocks, &m.Blocks) != nil {
		return "invalid_blocks_format"
	}
	switch {
	case m.Text == "" && len(m.Blocks) == 0:
		return "no_text"
	case units(m.Text) > 40_000:
		return "msg_too_long"
	}
	if w.dislikes && len(m.Blocks) > 0 || CheckBlocks(m.Blocks) != nil {
		w.dislikes = false
		return "invalid_blocks"
	}
	return ""
}

// Press makes the request by which Slack says that somebody pressed a button of a message, signed at a time.
func (w *Workspace) Press(m Message, action, user string, at time.Time) *http.Request {
	value := ""
	for _, b := range m.Blocks {
		elements, _ := b["elements"].([]any)
		for _, e := range elements {
			if e, ok := e.(map[string]any); ok && e["action_id"] == action {
				value, _ = e["value"].(string)
			}
		}
	}
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "user": map[string]any{"id": "U1", "username": user, "team_id": "T0"},
		"actions": []any{map[string]any{"action_id": action, "block_id": "b", "type": "button", "value": value}},
		"message": map[string]any{"ts": m.TS, "text": m.Text, "blocks": m.Blocks}, "response_url": w.URL + responsePath + m.TS,
		"container": map[string]any{"type": "message", "message_ts": m.TS, "channel_id": ChannelID},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return Sign([]byte(url.Values{"payload": {string(payload)}}.Encode()), SigningSecret, at)
}

// Sign makes a request with a body, signed as Slack signs.
func Sign(body []byte, secret string, at time.Time) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "/v1/slack/interactions", strings.NewReader(string(body)))
	if err != nil {
		panic(err) // unreachable: the address is fixed
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", seconds, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", seconds)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

// units is how long a text is, as JavaScript counts.
func units(s string) int { return len(utf16.Encode([]rune(s))) }
