package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/alert/words"
	"kelpie/secret"
)

// Desk does what people ask for by buttons. An error's text is shown to the person. It may be called by several
// goroutines.
type Desk interface {
	// Acknowledge notes that somebody takes care of an alert.
	Acknowledge(ctx context.Context, alertID, by string) error
	// Label notes what an alert turned out to be: alert.TruePositive or alert.FalsePositive.
	Label(ctx context.Context, alertID, word, by string) error
	// Silence keeps alerts like this one quiet for a while.
	Silence(ctx context.Context, alertID, by string, d time.Duration) error
}

// Interactions is the endpoint that Slack calls when somebody presses a button: it checks the signature, asks the Desk,
// answers within the three seconds that Slack waits, and then says in the message who did what.
type Interactions struct {
	specs  []Spec
	desk   Desk
	client *post.Client
	now    func() time.Time
	out    *slog.Logger
	seen   replays
}

// NewInteractions returns the endpoint for the apps of the given receivers; those without a signing secret count
// for nothing. It returns nil if no receiver has one.
func NewInteractions(specs []Spec, desk Desk, o post.Options, out *slog.Logger) (*Interactions, error) {
	x := &Interactions{desk: desk, now: o.WithDefaults().Now, out: out}
	var hide []secret.Value
	for _, s := range specs {
		if !s.SigningSecret.IsZero() {
			x.specs, hide = append(x.specs, s), append(hide, s.SigningSecret)
		}
	}
	if len(x.specs) == 0 {
		return nil, nil
	}
	client, err := post.New(x.specs[0].Spec, o, hide...)
	if err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	x.client = client
	return x, nil
}

const (
	largestInteraction = 1 << 20
	// deskTime is how long the Desk has: Slack waits for three seconds.
	deskTime = 2 * time.Second
	// sayTime is how long Slack has to take what we say in the message.
	sayTime = 10 * time.Second
	// silenceTime is that of the button.
	silenceTime = time.Hour
)

// ServeHTTP implements http.Handler.
func (x *Interactions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestInteraction))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the request was cut off", http.StatusBadRequest)
		return
	}
	spec, ok := x.signedBy(r.Header, body)
	if !ok {
		http.Error(w, "the signature is not valid", http.StatusUnauthorized)
		return
	}
	if x.seen.before(r.Header.Get("X-Slack-Signature"), x.now()) {
		return // what it asked for has been done
	}
	i, err := parseInteraction(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	said := x.act(r.Context(), i)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		x.out.Debug("slack: an answer waits until the message has been updated", "error", err)
	}
	if len(said) > 0 && spec.mayAnswer(i.ResponseURL) {
		x.say(context.WithoutCancel(r.Context()), i, said)
	}
}

// signedBy returns the receiver whose app has signed a request within the last five minutes.
func (x *Interactions) signedBy(h http.Header, body []byte) (Spec, bool) {
	for _, s := range x.specs {
		v, err := slackapi.NewSecretsVerifier(h, s.SigningSecret.Reveal())
		if err != nil {
			continue
		}
		if _, err := v.Write(body); err == nil && v.Ensure() == nil {
			return s, true
		}
	}
	return Spec{}, false
}

// interaction is what we read of Slack's payload.
type interaction struct {
	Type string `json:"type"`
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"user"`
	Actions []struct {
		ID    string `json:"action_id"`
		Value string `json:"value"`
	} `json:"actions"`
	Message struct {
		Text   string            `json:"text"`
		Blocks []json.RawMessage `json:"blocks"`
	} `json:"message"`
	ResponseURL string `json:"response_url"`
}

func parseInteraction(body []byte) (*interaction, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the body is no form")
	}
	i := new(interaction)
	if err := json.Unmarshal([]byte(form.Get("payload")), i); err != nil {
		return nil, errors.New("the payload is no JSON")
	}
	return i, nil
}

// by names the person: slack:ann (U123).
func (i *interaction) by() string {
	name := i.User.Username
	if name == "" {
		name = i.User.Name
	}
	return words.Line(fmt.Sprintf("slack:%s (%s)", words.Line(name, 80), words.Line(i.User.ID, 40)), 150)
}

// act does what the buttons ask for, and returns what to say of it, one line a button.
func (x *Interactions) act(ctx context.Context, i *interaction) (said []string) {
	if i.Type != string(slackapi.InteractionTypeBlockActions) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	for _, a := range i.Actions[:min(len(i.Actions), 5)] {
		do, done := x.deed(a.ID, i.by())
		if do == nil {
			continue
		}
		said = append(said, i.by()+": "+x.all(ctx, a.ID, a.Value, do, done))
	}
	return said
}

// deed returns what a button does to one alert, and the word for it.
func (x *Interactions) deed(action, by string) (do func(ctx context.Context, id string) error, done string) {
	switch action {
	case actionAcknowledge:
		return func(ctx context.Context, id string) error { return x.desk.Acknowledge(ctx, id, by) }, "acknowledged"
	case actionTruePositive:
		return func(ctx context.Context, id string) error { return x.desk.Label(ctx, id, alert.TruePositive, by) }, "labelled true positive"
	case actionFalsePositive:
		return func(ctx context.Context, id string) error { return x.desk.Label(ctx, id, alert.FalsePositive, by) }, "labelled false positive"
	case actionSilence:
		return func(ctx context.Context, id string) error { return x.desk.Silence(ctx, id, by, silenceTime) }, "silenced for 1 h"
	}
	return nil, ""
}

// all does something to each alert of a button.
func (x *Interactions) all(ctx context.Context, action, value string, do func(ctx context.Context, id string) error, done string) string {
	worked, failed := 0, error(nil)
	for _, id := range strings.SplitN(value, ",", mostInAValue+1) {
		if !plainID.MatchString(id) {
			continue
		}
		if err := do(ctx, id); err != nil {
			failed = fmt.Errorf("%.8s: %w", id, err)
			x.out.Warn("slack: a button did not work", "action", action, "alert", id, "error", err)
			continue
		}
		worked++
	}
	text := done
	if worked != 1 {
		text += fmt.Sprintf(" %d alerts", worked)
	}
	if failed != nil {
		text += " — not all: " + words.Line(failed.Error(), 200)
	}
	return text
}

// say shows in the message who did what, until the next notification of the group writes it anew.
func (x *Interactions) say(ctx context.Context, i *interaction, said []string) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	line := strings.Join(said, "; ")
	answer := map[string]any{"text": unmarked(line, longestPreview), "response_type": "ephemeral", "replace_original": false}
	if blocks := i.blocksSaying(line); blocks != nil {
		answer = map[string]any{"text": i.Message.Text, "blocks": blocks, "replace_original": true}
	}
	body, err := json.Marshal(answer)
	if err == nil {
		_, err = x.client.Post(ctx, i.ResponseURL, jsonHeader(), body)
	}
	if err != nil {
		x.out.Warn("slack: a message was not updated after a button", "error", err)
	}
}

// blocksSaying returns the message's blocks with a line at the end, in place of what was said there before; nil if there
// is no room.
func (i *interaction) blocksSaying(line string) []any {
	var blocks []any
	for _, raw := range i.Message.Blocks {
		var b struct {
			ID string `json:"block_id"`
		}
		if json.Unmarshal(raw, &b) == nil && b.ID != blockSaid {
			blocks = append(blocks, raw)
		}
	}
	if len(blocks) == 0 || len(blocks) >= 50 {
		return nil
	}
	return append(blocks, slackapi.NewContextBlock(blockSaid, plain(line, longestRemark)))
}

// replays remembers signatures for as long as they are valid.
type replays struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// replayTime is a little more than twice the five minutes that a timestamp may be off.
const replayTime = 11 * time.Minute

// before reports whether a signature has been there before, and remembers it.
func (r *replays) before(signature string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]time.Time{}
	}
	for s, at := range r.seen {
		if now.Sub(at) > replayTime {
			delete(r.seen, s)
		}
	}
	signature = strings.ToLower(signature)
	_, known := r.seen[signature]
	if !known {
		r.seen[signature] = now
	}
	return known
}

// Close closes the connections.
func (x *Interactions) Close() error { return x.client.Close() }
