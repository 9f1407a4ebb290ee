package slack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	slackapi "github.com/slack-go/slack"

	"kelpie/alert"
	"kelpie/alert/words"
)

// What we show. Slack allows more: 50 blocks, 3000 characters in a text, 150 in a header, 10 fields of 2000, 10 elements
// in a context, 25 in actions, 2000 in a button's value; a message that long nobody reads.
const (
	longestHeader  = 150
	longestText    = 1500
	longestField   = 300
	longestRemark  = 600
	longestLine    = 300
	mostFields     = 20
	fieldsABlock   = 10
	mostLines      = 20
	mostLabels     = 10
	mostCounts     = 30
	longestValue   = 2000
	mostInAValue   = 50
	longestPreview = 600
)

// message is a message to be sent: its blocks, and the text for where blocks are not shown.
type message struct {
	text   string
	blocks []slackapi.Block
}

// compose writes a notification. buttons says whether it has some.
func compose(n *alert.Notification, buttons bool) message {
	title := words.Title(n, longestHeader-3)
	m := message{text: unmarked(sign(n)+" "+title+preview(n), longestPreview)}
	m.add(slackapi.NewHeaderBlock(plain(sign(n)+" "+title, longestHeader)))
	switch {
	case n.Kind == alert.KindDigest:
		m.lines(countLines(n))
	case words.Count(n) == 1 && len(n.Alerts) == 1 && n.Alerts[0].Alert != nil:
		m.details(n.Alerts[0].Alert)
	default:
		m.lines(alertLines(n))
	}
	m.context(n)
	if buttons {
		m.buttons(n)
	}
	return m
}

func (m *message) add(b slackapi.Block) { m.blocks = append(m.blocks, b) }

// plain makes a text object in which no markup is read. Slack takes no empty one.
func plain(text string, max int) *slackapi.TextBlockObject {
	text = escaped(text, max)
	if strings.TrimSpace(text) == "" {
		text = "-"
	}
	return slackapi.NewTextBlockObject(slackapi.PlainTextType, text, false, false)
}

// sign stands at the beginning of a message.
func sign(n *alert.Notification) string {
	switch worst := words.Worst(n); {
	case n.Kind == alert.KindTest:
		return "🧪"
	case n.Kind == alert.KindDigest:
		return "📚"
	case n.State == alert.Resolved && n.Kind != alert.KindOpened:
		return "✅"
	case worst == nil:
		return "⚪"
	default:
		return []string{"🔵", "🔵", "🟡", "🟠", "🔴"}[words.Rank(worst.Severity)]
	}
}

// preview is what the text says after the title.
func preview(n *alert.Notification) string {
	if a := words.Worst(n); a != nil && a.Message != "" {
		return ": " + words.Line(a.Message, longestPreview)
	}
	return ""
}

// details show one alert: its message and its facts.
func (m *message) details(a *alert.Alert) {
	if a.Message != "" {
		m.add(slackapi.NewSectionBlock(plain(a.Message, longestText), nil, nil))
	}
	facts := words.Facts(a, mostFields, longestField)
	for chunk := range slices.Chunk(facts, fieldsABlock) {
		var fields []*slackapi.TextBlockObject
		for _, f := range chunk {
			fields = append(fields, plain(f.Name+"\n"+f.Value, longestField))
		}
		m.add(slackapi.NewSectionBlock(nil, fields, nil))
	}
	if more := len(a.Values) - len(facts); more > 0 {
		m.add(slackapi.NewContextBlock("", plain(fmt.Sprintf("and %d more values", more), longestRemark)))
	}
}

// lines show many things, each in a line.
func (m *message) lines(lines []string) {
	var b strings.Builder
	for _, line := range lines {
		if words.Units(b.String())+words.Units(line) > longestText {
			m.add(slackapi.NewSectionBlock(plain(b.String(), longestText), nil, nil))
			b.Reset()
		}
		b.WriteString(line + "\n")
	}
	if b.Len() > 0 {
		m.add(slackapi.NewSectionBlock(plain(strings.TrimSpace(b.String()), longestText), nil, nil))
	}
}

func alertLines(n *alert.Notification) (lines []string) {
	for _, notice := range n.Alerts {
		if notice.Alert == nil {
			continue
		}
		if len(lines) == mostLines {
			break
		}
		mark := "• "
		if notice.New {
			mark = "★ "
		}
		lines = append(lines, mark+words.AlertLine(notice.Alert, longestLine))
	}
	if more := words.Count(n) - len(lines); more > 0 && len(lines) > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	return lines
}

func countLines(n *alert.Notification) (lines []string) {
	for _, c := range n.Counts[:min(len(n.Counts), mostCounts)] {
		lines = append(lines, words.CountLine(c, longestLine))
	}
	if more := len(n.Counts) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more lines", more))
	}
	return lines
}

// context says since when, what labels, what people said, and what to run next.
func (m *message) context(n *alert.Notification) {
	var about []slackapi.MixedElement
	add := func(text string) { about = append(about, plain(text, longestRemark)) }
	if n.Since != 0 {
		add("since " + words.Time(n.Since))
	}
	if text := labelText(n.Labels); text != "" {
		add(text)
	}
	worst := words.Worst(n)
	if worst != nil && words.Count(n) == 1 {
		if why := words.Resolution(worst); why != "" {
			add("over: " + why)
		}
		for _, remark := range words.Remarks(worst) {
			add(remark)
		}
	}
	if len(about) > 0 {
		m.add(slackapi.NewContextBlock("", about...))
	}
	if next := nextText(n, worst); next != "" {
		m.add(slackapi.NewContextBlock("", slackapi.NewTextBlockObject(slackapi.MarkdownType, next, false, true)))
	}
}

func labelText(labels map[string]string) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(labels))[:min(len(labels), mostLabels)] {
		texts = append(texts, words.Line(name, 50)+"="+words.Line(labels[name], 100))
	}
	return strings.Join(texts, ", ")
}

// nextText is in markup, and holds nothing that events can choose.
func nextText(n *alert.Notification, worst *alert.Alert) string {
	var parts []string
	if worst != nil && plainID.MatchString(worst.ID) && n.Kind != alert.KindTest {
		for _, c := range words.Commands(worst) {
			parts = append(parts, "`"+c+"`")
		}
	}
	if l := link(n.Link, "open in Kelpie"); l != "" {
		parts = append(parts, l)
	}
	return strings.Join(parts, "  ")
}
