package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode/utf8"

	"kelpie/event"
)

// Fields are the declared fields, with the key of their tokens. A nil *Fields masks nothing. Safe for concurrent use.
type Fields struct {
	all    []declared
	labels map[string]bool // what the fields are called as labels of alerts
	tree   *level
	key    []byte
}

// declared is a field by its path as rules write it.
type declared struct {
	path string
	show Show
}

// New returns fields to be masked with a key; nil if there are none. The fields have been validated.
func New(fields []Field, key []byte) *Fields {
	if len(fields) == 0 {
		return nil
	}
	m := &Fields{labels: map[string]bool{"key": true}, tree: &level{}, key: key}
	for _, f := range fields {
		path, err := event.ParsePath(f.Path)
		if err != nil {
			continue
		}
		m.all = append(m.all, declared{path.String(), f.Show})
		m.labels[LabelName(path.String())] = true
		m.tree.add(path, f.Show)
	}
	return m
}

// covers returns what may be seen of a value in which fields can be seen: of several the least. ok is false if none of
// them is declared.
func (m *Fields) covers(fields []string) (show Show, ok bool) {
	if m == nil {
		return show, false
	}
	for _, f := range fields {
		for _, d := range m.all {
			if !touches(f, d.path) {
				continue
			}
			least := d.show
			if d.path != f { // there is more in it than the field, or only a part of it
				least = Show{}
			}
			if !ok || least.Chars < show.Chars {
				show = least
			}
			ok = true
		}
	}
	return show, ok
}

// Covers reports whether one of the fields is declared, or holds or is part of one that is.
func (m *Fields) Covers(fields ...string) bool {
	_, ok := m.covers(fields)
	return ok
}

// Text returns a text in which fields can be seen, or what stands for it.
func (m *Fields) Text(s string, fields ...string) string {
	show, ok := m.covers(fields)
	if !ok {
		return s
	}
	return m.token(s, show)
}

// Value returns a value in which fields can be seen, or what stands for it: a text. What is missing stays so.
func (m *Fields) Value(v event.Value, fields ...string) event.Value {
	show, ok := m.covers(fields)
	if !ok || v.IsMissing() {
		return v
	}
	return event.StringValue(m.token(valueText(v), show))
}

// Hide returns what stands for a value of which nobody knows what can be seen in it.
func (m *Fields) Hide(v event.Value) event.Value {
	if m == nil || v.IsMissing() {
		return v
	}
	return event.StringValue(m.token(valueText(v), Show{}))
}

// Key returns a key, of whose parts the fields are known.
func (m *Fields) Key(key, by []string) []string {
	if m == nil {
		return key
	}
	out := append([]string(nil), key...)
	for i := range out {
		if i < len(by) {
			out[i] = m.Text(out[i], by[i])
		}
	}
	return out
}

// Label returns the value of a label of alerts. Whether that of `key` is personal depends on the rule: it is taken to be.
func (m *Fields) Label(name, value string) string {
	if m == nil || value == "" || !m.labels[name] || IsToken(value) {
		return value
	}
	return m.token(value, m.shownAs(name))
}

// shownAs returns what may be seen of the value of a label.
func (m *Fields) shownAs(label string) (show Show) {
	for _, d := range m.all {
		if LabelName(d.path) == label {
			return d.show
		}
	}
	return Show{}
}

// LabelName makes a label's name of a field's: what is no letter or digit is _.
func LabelName(field string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, field)
}

// valueText is the text of a value as it would be a key, and of what cannot be one its JSON.
func valueText(v event.Value) string {
	if b, ok := event.AppendKey(nil, v); ok {
		return string(b)
	}
	return string(event.AppendJSON(nil, v))
}

// prefix is how every token begins, and tokenSize the length of its hash.
const (
	prefix    = "masked-"
	tokenSize = 10
)

// letters of a token: they mean nothing in matchers, addresses, markup and file names.
var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// token returns what stands for a text. The hash is the same whatever is shown of it: masked-3k0v9q2x7a-1234.
func (m *Fields) token(s string, show Show) string {
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(s))
	t := prefix + letters.EncodeToString(h.Sum(nil))[:tokenSize]
	if seen := show.of(s); seen != "" {
		t += "-" + seen
	}
	return t
}

// of returns what may be seen of a text: never more than half of it.
func (s Show) of(text string) string {
	n := utf8.RuneCountInString(text)
	if s.Chars == 0 || n < 2*s.Chars || !utf8.ValidString(text) {
		return ""
	}
	runes := []rune(text)
	if s.Last {
		return string(runes[n-s.Chars:])
	}
	return string(runes[:s.Chars])
}

// IsToken reports whether a text may be a token.
func IsToken(s string) bool {
	hash, ok := strings.CutPrefix(s, prefix)
	return ok && len(hash) >= tokenSize && (len(hash) == tokenSize || hash[tokenSize] == '-')
}
