package kafka

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"kelpie/event"
	"kelpie/source"
)

// An event is a JSON object. What Kafka knows beside the value becomes part of it: the attributes of a CloudEvent in binary
// mode, which are headers that begin with ce_ (https://github.com/cloudevents/spec, Kafka protocol binding), and, for rules
// that name it, a member kafka with topic, partition, offset, timestamp, key and headers.

// cloudHeader begins the names of headers that are attributes of a CloudEvent.
const cloudHeader = "ce_"

// isCloud reports whether a record is a CloudEvent in binary mode.
func isCloud(b *Batch, i int) bool {
	for name := range b.Headers(i) {
		if string(name) == cloudHeader+"specversion" {
			return true
		}
	}
	return false
}

func anyCloud(b *Batch) bool {
	for i := range b.Len() {
		if b.fields[i].nHeaders > 0 && isCloud(b, i) {
			return true
		}
	}
	return false
}

// rewrite writes the events of a batch anew.
func rewrite(b *Batch, beside bool) (buf []byte, lines []source.Line) {
	buf = make([]byte, 0, len(b.Buf)+64*b.Len())
	lines = slices.Clone(b.Lines)
	for i := range lines {
		at := len(buf)
		buf = appendEvent(buf, b, i, beside)
		lines[i].Start, lines[i].End = at, len(buf)
	}
	return buf, lines
}

// appendEvent appends the event that a record is. A tombstone stays empty.
func appendEvent(dst []byte, b *Batch, i int, beside bool) []byte {
	value := b.Value(i)
	if isCloud(b, i) {
		value = cloudEvent(b, i)
	}
	rest, object := bytes.CutPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte{'{'})
	if !beside || !object {
		return append(dst, value...)
	}
	dst = appendBeside(append(dst, '{'), b, i)
	if more := bytes.TrimLeft(rest, " \t\r\n"); len(more) > 0 && more[0] != '}' {
		dst = append(dst, ',')
	}
	return append(dst, rest...)
}

func cloudEvent(b *Batch, i int) []byte {
	var attributes []event.Attribute
	kind := ""
	for name, value := range b.Headers(i) {
		if attribute, ok := strings.CutPrefix(string(name), cloudHeader); ok {
			attributes = append(attributes, event.Attribute{Name: attribute, Value: text(value)})
		}
		if string(name) == "content-type" {
			kind = text(value)
		}
	}
	return event.AppendCloudEvent(nil, attributes, kind, b.Value(i))
}

// appendBeside appends the member kafka.
func appendBeside(dst []byte, b *Batch, i int) []byte {
	dst = event.AppendJSON(append(dst, `"`+source.BesideName+`":{"topic":`...), event.StringValue(b.Partition.Topic))
	dst = strconv.AppendInt(append(dst, `,"partition":`...), int64(b.Partition.ID), 10)
	dst = strconv.AppendInt(append(dst, `,"offset":`...), b.Lines[i].Offset, 10)
	if at := b.Time(i); at >= 0 {
		dst = strconv.AppendInt(append(dst, `,"timestamp":`...), at, 10)
	}
	if key := b.Key(i); key != nil {
		dst = event.AppendJSON(append(dst, `,"key":`...), event.StringValue(text(key)))
	}
	return append(appendHeaders(append(dst, `,"headers":{`...), b, i), '}', '}')
}

// appendHeaders appends the headers as members; of those with one name the last.
func appendHeaders(dst []byte, b *Batch, i int) []byte {
	var names []string
	last := map[string]string{}
	for name, value := range b.Headers(i) {
		n := text(name)
		if _, has := last[n]; !has {
			names = append(names, n)
		}
		last[n] = text(value)
	}
	for k, n := range names {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = event.AppendJSON(append(event.AppendJSON(dst, event.StringValue(n)), ':'), event.StringValue(last[n]))
	}
	return dst
}

// text returns bytes as a text; what is no UTF-8 in them becomes U+FFFD.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
