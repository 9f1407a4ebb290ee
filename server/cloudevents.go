package server

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
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
	if isJSON(kind) && len(bytes.TrimSpace(b.b)) > 0 {
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

// appendCloudEvent appends the JSON form of a CloudEvent whose attributes are headers: data is the payload if it is JSON by
// its type, a text if it is one, and data_base64 otherwise.
func appendCloudEvent(dst []byte, h http.Header, payload []byte) []byte {
	var names []string
	for name := range h {
		if attribute, ok := strings.CutPrefix(name, "Ce-"); ok {
			names = append(names, attribute)
		}
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for _, name := range names {
		dst = event.AppendJSON(dst, event.StringValue(strings.ToLower(name)))
		dst = event.AppendJSON(append(dst, ':'), event.StringValue(attributeOf(h.Get("Ce-"+name))))
		dst = append(dst, ',')
	}
	kind := h.Get("Content-Type")
	if kind != "" {
		dst = event.AppendJSON(append(dst, `"datacontenttype":`...), event.StringValue(kind))
		dst = append(dst, ',')
	}
	return append(appendData(dst, kind, payload), '}')
}

// isJSON reports whether a payload of that type is JSON: also one whose type is not said.
func isJSON(kind string) bool {
	name, _, _ := mime.ParseMediaType(kind) // what cannot be read is none
	return kind == "" || strings.HasSuffix(name, "/json") || strings.HasSuffix(name, "+json")
}

func appendData(dst []byte, kind string, payload []byte) []byte {
	switch {
	case len(bytes.TrimSpace(payload)) == 0:
		return append(dst, `"data":null`...)
	case isJSON(kind):
		return append(append(dst, `"data":`...), payload...)
	case strings.HasPrefix(kind, "text/") && utf8.Valid(payload):
		return event.AppendJSON(append(dst, `"data":`...), event.StringValue(string(payload)))
	}
	dst = append(dst, `"data_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, payload), '"')
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
