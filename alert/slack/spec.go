package slack

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"kelpie/alert/post"
	"kelpie/secret"
)

// Spec is the part `slack:` of a receiver: an incoming webhook, or a bot with its channel.
type Spec struct {
	WebhookURL    secret.Value `yaml:"webhook_url"`    // of an incoming webhook
	Token         secret.Value `yaml:"token"`          // of a bot (xoxb-) that may chat:write
	Channel       string       `yaml:"channel"`        // where the bot writes: its id (C…) or its name
	SigningSecret secret.Value `yaml:"signing_secret"` // of the app: with it a bot's messages have buttons
	APIURL        string       `yaml:"api_url"`        // of the Web API; default https://slack.com/api/

	post.Spec `yaml:",inline"`
}

const defaultAPI = "https://slack.com/api/"

// api returns the address of the Web API, with a slash at its end.
func (s Spec) api() string {
	if s.APIURL == "" {
		return defaultAPI
	}
	return strings.TrimSuffix(s.APIURL, "/") + "/"
}

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := []error{s.Spec.Validate()}
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	bot := !s.Token.IsZero()
	switch {
	case bot && !s.WebhookURL.IsZero():
		wrong("token: a receiver has a webhook_url or a token, not both")
	case !bot && s.WebhookURL.IsZero():
		wrong("webhook_url: is needed, or a token with a channel")
	case bot && s.Channel == "":
		wrong("channel: a bot needs a channel")
	case !bot && s.Channel != "":
		wrong("channel: an incoming webhook has its channel already; a channel needs a token")
	case !bot && !s.SigningSecret.IsZero():
		wrong("signing_secret: only a bot's messages have buttons; they need a token")
	}
	if !bot && !s.WebhookURL.IsZero() {
		if err := post.CheckURL(s.WebhookURL.Reveal()); err != nil {
			wrong("webhook_url: %w", err)
		}
	}
	if strings.ContainsFunc(s.Channel, func(r rune) bool { return r <= ' ' }) || len(s.Channel) > 200 {
		wrong("channel: is no channel")
	}
	if s.APIURL != "" {
		if err := post.CheckURL(s.APIURL); err != nil {
			wrong("api_url: %w", err)
		}
	}
	return errors.Join(errs...)
}

// Where says where messages go, without what is secret.
func (s Spec) Where() string {
	if !s.Token.IsZero() {
		return s.Channel
	}
	return "an incoming webhook at " + post.Host(s.WebhookURL.Reveal())
}

// Paths returns the settings that are paths of files.
func (s *Spec) Paths() []*string { return s.TLS.Paths() }

// mayAnswer reports whether an address is one that Slack gives for answers: nothing else is sent to, whatever a request
// says.
func (s Spec) mayAnswer(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if s.APIURL != "" {
		api, err := url.Parse(s.APIURL)
		if err == nil && u.Scheme == api.Scheme && u.Host == api.Host {
			return true
		}
	}
	return u.Scheme == "https" && (u.Host == "hooks.slack.com" || u.Host == "hooks.slack-gov.com")
}
