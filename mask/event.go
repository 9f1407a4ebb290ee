package mask

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"kelpie/event"
)

// level is one level of the declared paths.
type level struct {
	whole bool // the member itself is declared
	show  Show
	below map[string]*level
}

func (l *level) add(path event.Path, show Show) {
	if len(path) == 0 {
		l.whole, l.show = true, show
		return
	}
	if l.below == nil {
		l.below = map[string]*level{}
	}
	next := l.below[path[0]]
	if next == nil {
		next = &level{}
		l.below[path[0]] = next
	}
	next.add(path[1:], show)
}

// Event returns an event, which is a JSON object, with tokens in place of the members that are declared: everything else
// is as it came, byte for byte. ok is false, and nothing is returned, if it is no such object: nobody knows what is in it.
func (m *Fields) Event(raw []byte) (masked []byte, ok bool) {
	if m == nil {
		return raw, true
	}
	if text := bytes.TrimLeft(raw, " \t\r\n"); len(text) == 0 || text[0] != '{' || !json.Valid(raw) {
		return nil, false
	}
	return m.inside(make([]byte, 0, len(raw)), raw, m.tree), true
}

// inside appends a valid JSON value with what is declared in it masked: of an object the members, with equal names all of
// them, and of a list whatever is declared in its elements.
func (m *Fields) inside(b, raw []byte, l *level) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	t, err := d.Token()
	if err != nil || t != json.Delim('{') && t != json.Delim('[') {
		return append(b, raw...)
	}
	done := 0
	for d.More() {
		next := l
		if t == json.Delim('{') {
			name, _ := d.Token()
			text, _ := name.(string)
			next = l.below[text]
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			break // unreachable: it is valid
		}
		if next == nil {
			continue
		}
		to := int(d.InputOffset())
		b = append(b, raw[done:to-len(value)]...)
		if t == json.Delim('{') {
			b = m.member(b, value, next)
		} else {
			b = m.inside(b, value, next)
		}
		done = to
	}
	return append(b, raw[done:]...)
}

// member appends the value of a member that is declared, or in which something is.
func (m *Fields) member(b, value []byte, l *level) []byte {
	switch {
	case !l.whole:
		return m.inside(b, value, l)
	case string(value) == "null":
		return append(b, value...)
	}
	v, err := event.DecodeJSON(value)
	if err != nil { // half a surrogate, or the like
		v = event.StringValue(string(value))
	}
	return event.AppendJSON(b, event.StringValue(m.token(valueText(v), l.show)))
}

// Refused returns the bytes and the detail of an event that was refused. Bytes that are no JSON object are not shown:
// nobody knows where in them a field is.
func (m *Fields) Refused(raw []byte, detail string) ([]byte, string) {
	if m == nil {
		return raw, detail
	}
	detail = quoted.ReplaceAllString(detail, `"…"`)
	if masked, ok := m.Event(raw); ok {
		return masked, detail
	}
	return Withheld(len(raw)), detail
}

// quoted finds what a detail quotes of the event's bytes.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// Withheld stands for bytes that are not shown.
func Withheld(n int) []byte {
	return slices.Concat([]byte("masked: "), strconv.AppendInt(nil, int64(n), 10), []byte(" bytes that are no JSON object"))
}
