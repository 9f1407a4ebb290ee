package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// eventForm is how a record of the log is printed; JSON if neither is set.
type eventForm struct {
	raw  bool // as it came
	text bool // for people
}

// append appends the record as one line.
func (f eventForm) append(b []byte, e *logEvent) []byte {
	switch {
	case f.raw:
		return append(appendOneLine(b, e.Payload), '\n')
	case f.text:
		return appendEventText(b, e)
	}
	return appendEventJSON(b, e)
}

// logPosition is the position of a record of the log.
func logPosition(offset int64) event.Position {
	return event.Position{Stream: source.LogStream, Kind: event.LogPosition, Offset: offset}
}

func appendEventJSON(b []byte, e *logEvent) []byte {
	text := func(name, s string) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = event.AppendJSON(b, event.StringValue(s))
	}
	b = append(append(b, `{"position":"`...), logPosition(e.Offset).String()...)
	b = append(append(b, `","appended":"`...), event.FormatTime(e.Appended)...)
	b = append(b, '"')
	if e.Source.Name != "" {
		text("source", e.Source.Name+":"+strconv.FormatInt(e.Line, 10))
	}
	switch {
	case e.decoded != nil:
		text("type", e.decoded.TypeText())
		b = append(event.AppendTime(append(b, `,"time":"`...), e.decoded.Time), '"')
		if id := e.decoded.ID(); id != "" {
			text("id", id)
		}
		b = appendOneLine(append(b, `,"event":`...), e.decoded.Raw)
	case e.refused != nil:
		text("refused", string(e.refused.Reason))
		text("detail", e.refused.Detail)
		b = appendBytes(b, e.Payload)
	case json.Valid(e.Payload):
		text("kind", e.Kind.String())
		b = appendOneLine(append(b, `,"payload":`...), e.Payload)
	default:
		text("kind", e.Kind.String())
		b = appendBytes(b, e.Payload)
	}
	return append(b, "}\n"...)
}

// appendBytes appends any bytes as a member: as text if they are.
func appendBytes(b, raw []byte) []byte {
	if utf8.Valid(raw) {
		return event.AppendJSON(append(b, `,"raw":`...), event.StringValue(string(raw)))
	}
	b = append(b, `,"raw_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(b, raw), '"')
}

// appendOneLine appends an event without the line breaks that it may have between its members.
func appendOneLine(b, raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') < 0 {
		return append(b, raw...)
	}
	var c bytes.Buffer
	if err := json.Compact(&c, raw); err != nil {
		return append(b, bytes.ReplaceAll(raw, []byte("\n"), []byte(" "))...)
	}
	return append(b, c.Bytes()...)
}

// textWidth is how much of an event a line for people shows, in characters.
const textWidth = 100

func appendEventText(b []byte, e *logEvent) []byte {
	at, what := event.FormatTime(e.Appended), e.Kind.String()
	switch {
	case e.decoded != nil:
		at, what = event.FormatTime(e.decoded.Time), e.decoded.TypeText()
	case e.refused != nil:
		at, what = "refused", string(e.refused.Reason)
	}
	b = fmt.Appendf(b, "%-12s  %-24s  %-20s  ", logPosition(e.Offset), at, clean(what, 60))
	if e.Kind == journal.Event || e.Kind == journal.Cut {
		b = append(b, clean(string(appendOneLine(nil, e.Payload[:min(len(e.Payload), 8*textWidth)])), textWidth)...)
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
