// Package stdout prints alerts for people, or as JSON lines for programs.
package stdout

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"kelpie/alert"
	"kelpie/event"
)

// Format is how an alert is printed.
type Format string

// The formats.
const (
	Text Format = "text" // one line for people
	JSON Format = "json" // one JSON object a line
)

// Notifier prints to a writer.
type Notifier struct {
	w      io.Writer
	format Format
}

// New returns a notifier that prints to w.
func New(w io.Writer, f Format) *Notifier { return &Notifier{w, f} }

// Notify implements alert.Notifier: a message is delivered when the writer has taken it.
func (n *Notifier) Notify(_ context.Context, m alert.Message) (retry bool, err error) {
	line, err := n.line(m)
	if err != nil {
		return false, fmt.Errorf("stdout: %w", err)
	}
	if _, err := n.w.Write(line); err != nil {
		return true, fmt.Errorf("stdout: %w", err)
	}
	return false, nil
}

func (n *Notifier) line(m alert.Message) ([]byte, error) {
	if n.format == JSON {
		b, err := alert.EncodeMessage(m)
		return append(b, '\n'), err
	}
	return []byte(Line(m) + "\n"), nil
}

// Line writes a message in one line for people: when, how bad, what, for whom.
//
//	2026-01-05T10:05:00.000Z HIGH opened order-burst c1: c1 placed 6 orders worth 250 in 10 minutes [3f2a9c04]
func Line(m alert.Message) string {
	a := m.Alert
	at, what := a.Updated, string(m.Kind)
	switch {
	case m.Kind == alert.KindOpened:
		at = a.Opened
	case m.Kind == alert.KindResolved:
		at = a.Resolved
		what += " (" + string(a.Reason) + ")"
	case m.Kind == alert.KindAcknowledged && a.Acknowledged != nil:
		at = a.Acknowledged.At
		what += " by " + a.Acknowledged.By
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %s", event.FormatTime(at), strings.ToUpper(a.Severity), what, a.Rule)
	if len(a.Key) > 0 {
		b.WriteString(" " + strings.Join(a.Key, ", "))
	}
	if a.Message != "" {
		b.WriteString(": " + a.Message)
	}
	if len(a.Warming) > 0 {
		b.WriteString(" (warming up: " + strings.Join(a.Warming, ", ") + ")")
	}
	fmt.Fprintf(&b, " [%.8s]", a.ID)
	return strings.Map(printable, b.String())
}

// printable keeps what events put into keys and messages from moving the cursor of a terminal, or beginning a line.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}
