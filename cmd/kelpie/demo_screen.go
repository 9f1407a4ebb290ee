package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"kelpie/alert"
	"kelpie/event"
)

// screen is the alert.Notifier of the demo: alerts go by as they open and resolve. On a terminal they have colours, and
// below them stands a line that is kept up to date.
type screen struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
	live   bool
	asJSON bool
	status string // the line below, as it stands there
	open   int    // alerts that have opened and not resolved
}

// newScreen returns a screen on w. NO_COLOR (no-color.org) and a terminal that can do nothing are honoured.
func newScreen(w io.Writer, asJSON bool) *screen {
	able := isTerminal(w) && os.Getenv("TERM") != "dumb" && !asJSON
	return &screen{w: w, live: able, colour: able && os.Getenv("NO_COLOR") == "", asJSON: asJSON}
}

// Notify implements alert.Notifier.
func (s *screen) Notify(_ context.Context, m alert.Message) (retry bool, err error) {
	line, err := s.line(m)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.Kind {
	case alert.KindOpened:
		s.open++
	case alert.KindResolved:
		s.open--
	}
	_, err = io.WriteString(s.w, s.erase()+line+"\n"+s.status)
	return true, err
}

func (s *screen) line(m alert.Message) (string, error) {
	if s.asJSON {
		b, err := alert.EncodeMessage(m)
		return string(b), err
	}
	a := m.Alert
	at, what, text := a.Opened, "opened", a.Message
	if m.Kind == alert.KindResolved {
		at, what = a.Resolved, "resolved"
		lasted := time.Duration(a.Resolved-a.Opened) * time.Millisecond
		text = fmt.Sprintf("after %s: %s", lasted.Round(time.Second), reasonText(a.Reason))
	}
	return fmt.Sprintf("%s  %s  %s  %-17s  %-13s  %s", event.FormatTime(at)[11:19], s.paint(what, fmt.Sprintf("%-8s", what)),
		s.paint(a.Severity, fmt.Sprintf("%-8s", a.Severity)), clean(a.Rule, 40), keyText(a.Key), clean(text, textWidth)), nil
}

// The colours of words, as terminals name them.
var colours = map[string]string{
	"opened": "1", "resolved": "32", "critical": "1;31", "high": "31", "medium": "33", "low": "36", "info": "2",
}

// paint gives a text the colour of a word.
func (s *screen) paint(word, text string) string {
	c := colours[word]
	if !s.colour || c == "" {
		return text
	}
	return "\x1b[" + c + "m" + text + "\x1b[0m"
}

// say prints a line.
func (s *screen) say(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.w, s.erase()+fmt.Sprintf(format, args...)+"\n"+s.status)
	return err
}

// show replaces the line below; on anything but a terminal there is none.
func (s *screen) show(status func(open int) string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.erase()
	s.status = s.fit(status(s.open))
	io.WriteString(s.w, old+s.status)
}

// fit cuts a text to the width of the terminal.
func (s *screen) fit(text string) string {
	f, ok := s.w.(*os.File)
	if !ok {
		return text
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || utf8.RuneCountInString(text) < width {
		return text
	}
	return string([]rune(text)[:max(0, width-1)])
}

// close removes the line below.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	io.WriteString(s.w, s.erase())
	s.status, s.live = "", false
}

// erase returns what takes the line below away.
func (s *screen) erase() string {
	if s.status == "" {
		return ""
	}
	return "\r\x1b[K"
}

// rates measures how many events a second there are, over the last second or so.
type rates struct {
	at     []time.Time
	events []int64
}

const ratesOver = 5 // measurements

// add takes a measurement and returns the rate.
func (r *rates) add(now time.Time, events int64) float64 {
	r.at, r.events = append(r.at, now), append(r.events, events)
	if len(r.at) > ratesOver {
		r.at, r.events = r.at[1:], r.events[1:]
	}
	passed := now.Sub(r.at[0]).Seconds()
	if passed == 0 {
		return 0
	}
	return float64(events-r.events[0]) / passed
}

// statusLine is the line below the alerts.
func statusLine(perSecond float64, events, rows int64, watermark int64, open int) string {
	parts := []string{thousands(int64(perSecond)) + " events/s", counted(int(events), "event"), counted(int(rows), "row"), counted(open, "open alert")}
	if watermark > 0 {
		parts = append(parts, "the shop's clock "+event.FormatTime(watermark)[11:19])
	}
	return strings.Join(parts, " · ")
}
