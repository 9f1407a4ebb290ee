package server

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"kelpie/event"
)

// NotCloudEvent is the reason why an event was refused that came as a CloudEvent and lacks what one must have.
const NotCloudEvent event.Reason = "not-a-cloudevent"

// isBinary reports whether the attributes of a CloudEvent are among the headers.
func isBinary(h http.Header) bool { return h["Ce-Specversion"] != nil }

// notCloud says what the decoded event lacks to be a CloudEvent.
func (d *decoder) notCloud() *event.Refusal {
	lacks := func(name string) *event.Refusal {
		return &event.Refusal{Reason: NotCloudEvent, Detail: fmt.Sprintf("a CloudEvent has %s, a text that is not empty", name)}
	}
	if v := d.rec.Value(specVersion); v.Kind != event.String || v.S != "1.0" {
		return &event.Refusal{Reason: NotCloudEvent, Detail: `specversion must be "1.0"`}
	}
	if v := d.rec.Value(cloudSource); v.Kind != event.String || v.S == "" {
		return lacks("source")
	}
	if d.rec.ID() == "" {
		return lacks("id")
	}
	return nil
}

// wrap makes a structured CloudEvent of a payload in binary mode.
func (b *body) wrap(h http.Header) *Problem {
	kind := h.Get("Content-Type")
	if event.IsJSONType(kind) && len(bytes.TrimSpace(b.b)) > 0 {
		if _, err := event.DecodeJSON(b.b); err != nil {
			return malformed("the payload is no JSON, which its type %q says: %v", kind, err)
		}
	}
	text := appendCloudEvent(nil, h, b.b)
	if p := b.grow(int64(len(text))); p != nil {
		return p
	}
	b.b = append(b.b[:0], text...)
	return nil
}

// appendCloudEvent appends the JSON form of a CloudEvent whose attributes are headers.
func appendCloudEvent(dst []byte, h http.Header, payload []byte) []byte {
	var attributes []event.Attribute
	for name := range h {
		if attribute, ok := strings.CutPrefix(name, "Ce-"); ok {
			attributes = append(attributes, event.Attribute{Name: strings.ToLower(attribute), Value: attributeOf(h.Get(name))})
		}
	}
	return event.AppendCloudEvent(dst, attributes, h.Get("Content-Type"), payload)
}

// attributeOf returns what the value of a header says: percent-encoded, and perhaps in quotes.
func attributeOf(value string) string {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : n-1])
	}
	if plain, err := url.PathUnescape(value); err == nil && utf8.ValidString(plain) {
		return plain
	}
	return value
}
