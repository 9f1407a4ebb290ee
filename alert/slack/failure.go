package slack

import (
	"errors"
	"fmt"
	"net/http"

	slackapi "github.com/slack-go/slack"

	"kelpie/alert"
	"kelpie/alert/post"
)

// aboutBlocks are the errors that say that the blocks are at fault, not the text.
var aboutBlocks = map[string]bool{"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true}

// refusals are the errors that another try cannot change: they are about the message. All others are about the channel,
// the token or Slack itself, which somebody may mend.
var refusals = map[string]bool{
	"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true, "msg_too_long": true, "no_text": true,
	"invalid_arguments": true, "invalid_arg_name": true, "invalid_array_arg": true, "invalid_form_data": true,
	"invalid_post_type": true, "invalid_payload": true, "too_many_attachments": true,
}

// hints say what to do about an error of Slack.
var hints = map[string]string{
	"account_inactive":    "the app has been removed, or its user: make a new token",
	"channel_is_archived": "name another channel",
	"channel_not_found":   "is its name right, and has the bot been invited (/invite)?",
	"invalid_auth":        "the token is not valid",
	"is_archived":         "the channel is archived: name another one",
	"missing_scope":       "the app needs the scope chat:write, and chat:write.public for channels that it is not in",
	"no_service":          "the webhook has been removed",
	"not_authed":          "the token is not valid",
	"not_in_channel":      "invite the bot (/invite)",
	"token_expired":       "make a new token",
	"token_revoked":       "make a new token",
}

// gone reports whether a message cannot be edited any more, and never will be.
func gone(err error) bool {
	var refused slackapi.SlackErrorResponse
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Err {
	case "message_not_found", "cant_update_message", "edit_window_closed":
		return true
	}
	return false
}

// failure says of an error of the API what it means for another try.
func (n *Notifier) failure(err error) error {
	var limited *slackapi.RateLimitedError
	var refused slackapi.SlackErrorResponse
	var status slackapi.StatusCodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		return &alert.DeliveryError{
			Err: errors.New("too many requests"), Code: http.StatusTooManyRequests,
			After: post.RetryAfter(http.Header{"Retry-After": {fmt.Sprint(int64(limited.RetryAfter.Seconds()))}}, n.client.Now()),
		}
	case errors.As(err, &refused):
		return &alert.DeliveryError{Err: named(refused), Final: refusals[refused.Err]}
	case errors.As(err, &status):
		return n.client.Failure(&post.Answer{Status: status.Code})
	}
	return err
}

// refusedError is an answer of Slack that names an error.
type refusedError struct {
	text string
	slackapi.SlackErrorResponse
}

func (e refusedError) Error() string { return e.text }
func (e refusedError) Unwrap() error { return e.SlackErrorResponse }

func named(e slackapi.SlackErrorResponse) error {
	text := "Slack says " + e.Err
	if hint := hints[e.Err]; hint != "" {
		text += ": " + hint
	}
	for _, m := range e.ResponseMetadata.Messages[:min(len(e.ResponseMetadata.Messages), 3)] {
		text += "; " + m
	}
	return refusedError{text, e}
}

// refused says of the answer of an incoming webhook what it means for another try.
func (n *Notifier) refused(a *post.Answer, word string) error {
	failure := n.client.Failure(a)
	if hint := hints[word]; hint != "" {
		failure.Err = refusedError{text: "Slack says " + word + ": " + hint}
	}
	failure.Final = refusals[word] || failure.Final && hints[word] == ""
	return failure
}

func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json; charset=utf-8"}}
}
