package slack

import (
	"strings"

	slackapi "github.com/slack-go/slack"

	"kelpie/alert"
)

// The buttons, by their action ids. The value of each is the ids of the alerts that it is about.
const (
	actionAcknowledge   = "kelpie_acknowledge"
	actionTruePositive  = "kelpie_true_positive"
	actionFalsePositive = "kelpie_false_positive"
	actionSilence       = "kelpie_silence_1h"

	// blockSaid is the block that says what somebody has just done with a button.
	blockSaid    = "kelpie_said"
	blockButtons = "kelpie_buttons"
)

// buttons adds what people can do: with firing alerts all of it, with resolved ones only to say what they were.
func (m *message) buttons(n *alert.Notification) {
	if n.Kind == alert.KindTest || n.Kind == alert.KindDigest {
		return
	}
	all := idsOf(n, func(*alert.Alert) bool { return true })
	if all == "" {
		return
	}
	var elements []slackapi.BlockElement
	add := func(action, ids, text string) {
		if ids != "" {
			elements = append(elements, slackapi.NewButtonBlockElement(action, ids, slackapi.NewTextBlockObject(slackapi.PlainTextType, text, false, false)))
		}
	}
	add(actionAcknowledge, idsOf(n, func(a *alert.Alert) bool { return a.Open() && a.Acknowledged == nil }), "Acknowledge")
	add(actionTruePositive, all, "True positive")
	add(actionFalsePositive, all, "False positive")
	add(actionSilence, idsOf(n, (*alert.Alert).Open), "Silence 1 h")
	m.add(slackapi.NewActionBlock(blockButtons, elements...))
}

// idsOf returns the ids of the alerts that a message shows, as the value of a button.
func idsOf(n *alert.Notification, about func(*alert.Alert) bool) string {
	var ids []string
	length := 0
	for _, notice := range n.Alerts {
		a := notice.Alert
		if a == nil || !about(a) || !plainID.MatchString(a.ID) {
			continue
		}
		if length += len(a.ID) + 1; length > longestValue || len(ids) == mostInAValue {
			break
		}
		ids = append(ids, a.ID)
	}
	return strings.Join(ids, ",")
}
