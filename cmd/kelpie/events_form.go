package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"kelpie/event"
	"kelpie/evidence"
	"kelpie/journal"
	"kelpie/mask"
)

// eventForm is how a record of the log is printed; JSON if neither is set.
type eventForm struct {
	raw  bool // as it came
	text bool // for people

	masks *mask.Fields // what is not to be seen
}

// append appends the record as one line.
func (f eventForm) append(b []byte, e *evidence.Event) []byte {
	switch {
	case f.raw:
		return append(evidence.AppendOneLine(b, evidence.Payload(e, f.masks)), '\n')
	case f.text:
		return appendEventText(b, e, f.masks)
	}
	return evidence.Form(f.masks)(b, e)
}

// textWidth is how much of an event a line for people shows, in characters.
const textWidth = 100

func appendEventText(b []byte, e *evidence.Event, m *mask.Fields) []byte {
	at, what := event.FormatTime(e.Appended), e.Kind.String()
	switch {
	case e.Decoded != nil:
		at, what = event.FormatTime(e.Decoded.Time), e.Decoded.TypeText()
	case e.Refused != nil:
		at, what = "refused", string(e.Refused.Reason)
	}
	b = fmt.Appendf(b, "%-12s  %-24s  %-20s  ", e.At, at, clean(what, 60))
	if e.Kind == journal.Event || e.Kind == journal.Cut {
		payload := evidence.Payload(e, m)
		b = append(b, clean(string(evidence.AppendOneLine(nil, payload[:min(len(payload), 8*textWidth)])), textWidth)...)
	}
	return append(bytes.TrimRight(b, " "), '\n')
}

// clean cuts a text to a number of characters, and keeps what events put into it from moving a terminal's cursor.
func clean(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			s = s[:i] + "…"
			break
		}
		n++
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// lineList prints lines, all of them, the first ones or the last ones.
type lineList struct {
	out   *bufio.Writer
	limit int      // 0: all
	last  int      // 0: all
	ring  [][]byte // the last ones so far; the oldest is at next
	next  int
	added int
}

func newLineList(w io.Writer, limit, last int) *lineList {
	return &lineList{out: bufio.NewWriterSize(w, outputBuffer), limit: limit, last: last}
}

// add takes one line; more is false when no further one is wanted.
func (l *lineList) add(line []byte) (more bool, err error) {
	l.added++
	switch {
	case l.last <= 0:
		_, err := l.out.Write(line)
		return l.limit <= 0 || l.added < l.limit, err
	case len(l.ring) < l.last:
		l.ring = append(l.ring, bytes.Clone(line))
	default:
		l.ring[l.next] = append(l.ring[l.next][:0], line...)
		l.next = (l.next + 1) % l.last
	}
	return true, nil
}

// close prints what is left.
func (l *lineList) close() error {
	for i := range l.ring {
		if _, err := l.out.Write(l.ring[(l.next+i)%len(l.ring)]); err != nil {
			return err
		}
	}
	return l.out.Flush()
}
