// Package slack tells a channel of Slack: by an incoming webhook, or as a bot that edits its message as the incident goes
// on, answers in its thread when it is over, and offers buttons.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	slackapi "github.com/slack-go/slack"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/alert/words"
)

// Notifier tells one channel.
type Notifier struct {
	spec   Spec
	client *post.Client
	api    *slackapi.Client // nil: an incoming webhook
}

// New returns a notifier with the given settings, which must be valid.
func New(s Spec, o post.Options) (*Notifier, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	client, err := post.New(s.Spec, o, s.WebhookURL, s.Token, s.SigningSecret)
	if err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	n := &Notifier{spec: s, client: client}
	if !s.Token.IsZero() {
		n.api = slackapi.New(s.Token.Reveal(), slackapi.OptionHTTPClient(client), slackapi.OptionAPIURL(s.api()))
	}
	return n, nil
}

// Close closes the connections.
func (n *Notifier) Close() error { return n.client.Close() }

// NotifyGroup implements alert.GroupNotifier. A bot remembers where its message stands; an incoming webhook cannot.
func (n *Notifier) NotifyGroup(ctx context.Context, note *alert.Notification) (memo string, err error) {
	if n.api == nil {
		err = n.byWebhook(ctx, compose(note, false))
	} else {
		memo, err = n.byBot(ctx, note)
	}
	if err != nil {
		return "", fmt.Errorf("slack: %w", err)
	}
	return memo, nil
}

// place is where a message stands. It is the memo.
type place struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

// placeOf reads a memo; what is none of ours is no place.
func placeOf(memo string) (p place) {
	if json.Unmarshal([]byte(memo), &p) != nil || p.Channel == "" || p.TS == "" {
		return place{}
	}
	return p
}

func (p place) memo() string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // unreachable: two strings
	}
	return string(b)
}

// byBot writes the group's message, or edits it where it stands already, and answers in its thread where an edit would
// not be noticed.
func (n *Notifier) byBot(ctx context.Context, note *alert.Notification) (memo string, err error) {
	m := compose(note, !n.spec.SigningSecret.IsZero())
	at := placeOf(note.Memo)
	if at == (place{}) || note.Kind == alert.KindDigest || note.Kind == alert.KindTest {
		return n.write(ctx, m)
	}
	err = n.send(m, func(o ...slackapi.MsgOption) error {
		_, _, _, err := n.api.UpdateMessageContext(ctx, at.Channel, at.TS, o...)
		return err
	})
	if gone(err) {
		return n.write(ctx, m)
	}
	if err != nil {
		return "", err
	}
	if reply, broadcast := replyTo(note); reply != "" {
		err = n.reply(ctx, at, reply, broadcast)
	}
	return at.memo(), err
}

// write writes a new message.
func (n *Notifier) write(ctx context.Context, m message) (memo string, err error) {
	var at place
	err = n.send(m, func(o ...slackapi.MsgOption) (err error) {
		at.Channel, at.TS, err = n.api.PostMessageContext(ctx, n.spec.Channel, o...)
		return err
	})
	if err != nil {
		return "", err
	}
	return at.memo(), nil
}

// replyTo returns what is said in the thread of a group's message, and whether the channel is to see it too.
func replyTo(note *alert.Notification) (text string, broadcast bool) {
	switch note.Kind {
	case alert.KindResolved, alert.KindReminder, alert.KindEscalated:
		text = sign(note) + " " + words.Title(note, longestHeader)
		if a := words.Worst(note); a != nil && words.Count(note) == 1 && !a.Open() {
			text += ": " + words.Resolution(a)
		}
		return text, note.Kind != alert.KindResolved
	}
	return "", false
}

func (n *Notifier) reply(ctx context.Context, at place, text string, broadcast bool) error {
	m := message{text: unmarked(text, longestPreview), blocks: []slackapi.Block{slackapi.NewSectionBlock(plain(text, longestText), nil, nil)}}
	return n.send(m, func(o ...slackapi.MsgOption) error {
		o = append(o, slackapi.MsgOptionTS(at.TS))
		if broadcast {
			o = append(o, slackapi.MsgOptionBroadcast())
		}
		_, _, err := n.api.PostMessageContext(ctx, at.Channel, o...)
		return err
	})
}

// send calls the API with a message. If Slack refuses the blocks, the text is sent alone: it must not be lost for its looks.
func (n *Notifier) send(m message, call func(o ...slackapi.MsgOption) error) error {
	o := []slackapi.MsgOption{
		slackapi.MsgOptionText(m.text, false), slackapi.MsgOptionDisableMarkdown(),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl(),
	}
	err := call(append(o[:len(o):len(o)], slackapi.MsgOptionBlocks(m.blocks...))...)
	var refused slackapi.SlackErrorResponse
	if errors.As(err, &refused) && aboutBlocks[refused.Err] {
		err = call(append(o, slackapi.MsgOptionBlocks())...)
	}
	return n.failure(err)
}

// posted is what an incoming webhook is sent.
type posted struct {
	slackapi.WebhookMessage
	Markdown bool `json:"mrkdwn"`
}

// byWebhook posts to the incoming webhook. It answers with a word instead of JSON.
func (n *Notifier) byWebhook(ctx context.Context, m message) error {
	never := false
	p := posted{WebhookMessage: slackapi.WebhookMessage{
		Text: m.text, Blocks: &slackapi.Blocks{BlockSet: m.blocks}, UnfurlLinks: &never, UnfurlMedia: &never,
	}}
	word, err := n.post(ctx, &p)
	if aboutBlocks[word] {
		p.Blocks = nil
		_, err = n.post(ctx, &p)
	}
	return err
}

func (n *Notifier) post(ctx context.Context, p *posted) (word string, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	a, err := n.client.Ask(ctx, n.spec.WebhookURL.Reveal(), jsonHeader(), body)
	if err != nil {
		return "", err
	}
	if a.Status == 200 {
		return "", nil
	}
	word = string(a.Body[:min(len(a.Body), 100)])
	return word, n.refused(a, word)
}
