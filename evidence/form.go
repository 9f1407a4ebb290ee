package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/source"
)

// Position is the position of a record of the log.
func Position(offset int64) event.Position {
	return event.Position{Stream: source.LogStream, Kind: event.LogPosition, Offset: offset}
}

// ParsePosition reads a position: log@42, the offset of the log alone, or orders/3@42.
func ParsePosition(s string) (event.Position, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 && n < math.MaxInt64 {
		return Position(n), nil
	}
	p, err := event.ParsePosition(s)
	if err != nil || p.Offset == math.MaxInt64 || p.Kind != event.KafkaPosition && p != Position(p.Offset) {
		return event.Position{}, fmt.Errorf("%q is no position of the log or of a topic: write log@42, 42 or orders/3@42", s)
	}
	return p, nil
}

// Form returns what appends a record as a line of JSON, as it may leave: an event as it came, what is none as raw text or
// base64 with the reason, a record of our own with its payload.
func Form(m *mask.Fields) func(b []byte, e *Event) []byte {
	return func(b []byte, e *Event) []byte { return appendJSON(b, e, m) }
}

// Payload returns the bytes of a record as they may leave.
func Payload(e *Event, m *mask.Fields) []byte {
	switch {
	case m == nil || e.Kind != journal.Event && e.Kind != journal.Cut && e.Kind != journal.SilenceAdded:
		return e.Payload
	case e.Kind == journal.SilenceAdded:
		var x alert.Silence
		if err := json.Unmarshal(e.Payload, &x); err != nil {
			return mask.Withheld(len(e.Payload))
		}
		doc, err := x.Masked(m).MarshalJSON()
		if err != nil {
			return mask.Withheld(len(e.Payload))
		}
		return doc
	}
	raw, _ := m.Refused(e.Payload, "")
	return raw
}

func appendJSON(b []byte, e *Event, m *mask.Fields) []byte {
	payload := Payload(e, m)
	text := func(name, s string) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = event.AppendJSON(b, event.StringValue(s))
	}
	b = append(append(b, `{"position":"`...), e.At.String()...)
	b = append(append(b, `","appended":"`...), event.FormatTime(e.Appended)...)
	b = append(b, '"')
	if e.Source.Name != "" {
		text("source", e.Source.Name+":"+strconv.FormatInt(e.Line, 10))
	}
	switch {
	case e.Decoded != nil:
		text("type", e.Decoded.TypeText())
		b = append(event.AppendTime(append(b, `,"time":"`...), e.Decoded.Time), '"')
		if id := e.Decoded.ID(); id != "" {
			text("id", id)
		}
		b = AppendOneLine(append(b, `,"event":`...), payload)
	case e.Refused != nil:
		text("refused", string(e.Refused.Reason))
		_, detail := m.Refused(nil, e.Refused.Detail)
		text("detail", detail)
		b = appendBytes(b, payload)
	case json.Valid(payload):
		text("kind", e.Kind.String())
		b = AppendOneLine(append(b, `,"payload":`...), payload)
	default:
		text("kind", e.Kind.String())
		b = appendBytes(b, payload)
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

// AppendOneLine appends an event without the line breaks that it may have between its members.
func AppendOneLine(b, raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') < 0 {
		return append(b, raw...)
	}
	var c bytes.Buffer
	if err := json.Compact(&c, raw); err != nil {
		return append(b, bytes.ReplaceAll(raw, []byte("\n"), []byte(" "))...)
	}
	return append(b, c.Bytes()...)
}
