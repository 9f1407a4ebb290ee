// Package words says what a notification says, in the words that all receivers share: its title, its facts, what to run
// next. What comes from events is made harmless for one line of plain text and cut; what a receiver needs beyond that
// (escapes of its own) is its own affair. Receivers that are programs are sent a Document.
package words

import (
	"fmt"
	"strings"

	"kelpie/alert"
	"kelpie/event"
)

// Key writes an alert's key in one line of at most max units.
func Key(key []string, max int) string {
	short := make([]string, len(key))
	for i, k := range key {
		short[i] = Line(k, max)
	}
	return Line(strings.Join(short, ", "), max)
}

// Title names what a notification is about: its worst alert, in one line of at most max units.
//
//	[HIGH] order-burst c1 (+2 more)
//	resolved: [HIGH] order-burst c1
func Title(n *alert.Notification, max int) string {
	before, after := "", ""
	switch {
	case n.Kind == alert.KindTest:
		before = "test: "
	case n.Kind == alert.KindDigest:
		return Line("digest: "+counted(held(n), "alert")+" held back, since there are too many", max)
	case n.State == alert.Resolved && n.Kind != alert.KindOpened: // an alert about a single event is over when it opens
		before = "resolved: "
	case n.Kind == alert.KindEscalated:
		before = "escalated: "
	case n.Kind == alert.KindReminder:
		before = "still firing: "
	case n.Kind == alert.KindAcknowledged:
		before = "acknowledged: "
	}
	if more := Count(n) - 1; more > 0 {
		after = fmt.Sprintf(" (+%d more)", more)
	}
	worst := Worst(n)
	if worst == nil {
		return Line(before+"no alert", max)
	}
	about := "[" + strings.ToUpper(Line(worst.Severity, 20)) + "] " + Line(worst.Rule, 100)
	if len(worst.Key) > 0 {
		about += " " + Key(worst.Key, 200)
	}
	return Line(before+Line(about, max-len(before)-len(after))+after, max)
}

// held counts the alerts of a digest.
func held(n *alert.Notification) (all int) {
	for _, c := range n.Counts {
		all += c.Alerts
	}
	return all
}

// Count returns how many alerts a notification is about.
func Count(n *alert.Notification) int { return len(n.Alerts) + n.Omitted }

// severities are the words of severity, from the least to the most.
var severities = []string{"info", "low", "medium", "high", "critical"}

// Rank returns how severe a word is: 0 for info (and for words that are none), 4 for critical.
func Rank(severity string) int {
	for i, s := range severities {
		if s == severity {
			return i
		}
	}
	return 0
}

// Worst returns the alert that speaks for the notification: the most severe of the firing ones, or of all if none is; nil if
// there is no alert.
func Worst(n *alert.Notification) (worst *alert.Alert) {
	for _, notice := range n.Alerts {
		a := notice.Alert
		switch {
		case a == nil:
		case worst == nil, a.Open() && !worst.Open(), a.Open() == worst.Open() && Rank(a.Severity) > Rank(worst.Severity):
			worst = a
		}
	}
	return worst
}

// Fact is one value of an alert, in words.
type Fact struct {
	Name, Value string
}

// Facts returns the values of an alert, as many as max, each text at most width units long.
func Facts(a *alert.Alert, max, width int) (facts []Fact) {
	for _, v := range a.Values[:min(len(a.Values), max)] {
		facts = append(facts, Fact{Line(v.Name, width), Value(v, width)})
	}
	return facts
}

// Value writes a value in one line of at most max units, with its limit and how exact it is: 7 (> 5, within 1 %).
func Value(v alert.Value, max int) string {
	text := v.Value.S
	if v.Value.Kind != event.String {
		text = string(event.AppendJSON(nil, v.Value))
	}
	note := Note(v)
	return Line(Line(text, max-Units(note))+note, max)
}

// longestLimit is how long a limit is shown, in units.
const longestLimit = 60

// Note says what stands behind a value, " (> 5, within 1 %)": what the rule compares it with, and that it is not exact;
// "" if there is nothing to say.
func Note(v alert.Value) string {
	var notes []string
	if v.Limit != "" {
		notes = append(notes, Line(v.Limit, longestLimit))
	}
	if v.Approx != 0 {
		notes = append(notes, fmt.Sprintf("within %.3g %%", v.Approx*100))
	}
	if v.Inexact {
		notes = append(notes, "not exact")
	}
	if notes == nil {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

// Commands returns what to run next, to see more of an alert.
func Commands(a *alert.Alert) []string {
	if a.ID == "" {
		return nil
	}
	return []string{"kelpie alerts show " + Line(a.ID, 64) + " --events"}
}

// Time writes an event time for people.
func Time(ms int64) string { return event.FormatTime(ms) }

// Moment returns the newest event time that a notification's alerts hold, or its Since: when it came about, whenever it
// is sent.
func Moment(n *alert.Notification) int64 {
	at := n.Since
	for _, notice := range n.Alerts {
		if a := notice.Alert; a != nil {
			at = max(at, a.Opened, a.Updated)
			if !a.Open() {
				at = max(at, a.Resolved)
			}
		}
	}
	return at
}

// Resolution says why an alert is over, "" while it is not.
func Resolution(a *alert.Alert) string {
	if a.Open() {
		return ""
	}
	text := map[alert.Reason]string{
		alert.Condition: "the condition does not hold any more",
		alert.Left:      "events have left the window",
		alert.Empty:     "a window without an event has closed",
		alert.Expired:   "nothing was judged for as long as the rule waits",
		alert.Removed:   "the rule is not there any more",
		alert.Point:     "it was about a single event",
		alert.ByHand:    "by hand",
	}[a.Reason]
	if text == "" {
		text = Line(string(a.Reason), 40)
	}
	if a.Reason == alert.ByHand && a.ResolvedBy != nil {
		text = "by " + Line(a.ResolvedBy.By, 80)
	}
	return text
}

// Remarks say what people have said of an alert, one remark an entry.
func Remarks(a *alert.Alert) (all []string) {
	if m := a.Acknowledged; m != nil {
		all = append(all, "acknowledged by "+Line(m.By, 80)+comment(m))
	}
	if m := a.Verdict; m != nil {
		all = append(all, "labelled "+strings.ReplaceAll(Line(m.Word, 20), "_", " ")+" by "+Line(m.By, 80)+comment(m))
	}
	return all
}

func comment(m *alert.Mark) string {
	if m.Comment == "" {
		return ""
	}
	return ": " + Line(m.Comment, 200)
}

// CountLine writes a line of a digest, at most max units long.
func CountLine(c alert.Count, max int) string {
	key := "other keys"
	if c.Key != nil {
		key = Key(c.Key, 100)
	}
	return Line(fmt.Sprintf("%s × [%s] %s %s", fmt.Sprint(c.Alerts), strings.ToUpper(Line(c.Severity, 20)), Line(c.Rule, 100), key), max)
}

// AlertLine writes an alert in one line of at most max units.
func AlertLine(a *alert.Alert, max int) string {
	text := "[" + strings.ToUpper(Line(a.Severity, 20)) + "] " + Line(a.Rule, 100)
	if len(a.Key) > 0 {
		text += " " + Key(a.Key, 100)
	}
	if a.Message != "" {
		text += ": " + Line(a.Message, 300)
	}
	text += " (since " + Time(a.Opened)
	if !a.Open() {
		text += ", resolved"
	}
	return Line(text+")", max)
}

// counted writes a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
