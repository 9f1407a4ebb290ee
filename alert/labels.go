package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// LabelSet returns the alert's labels as routes, silences and the like see them: rule, severity, mode and key (several
// values joined by commas), then the rule's own labels, then the fields of the key by their names. Where two have one
// name the former counts. What is no letter, digit or _ in a field's name is _ in the label's.
func (a *Alert) LabelSet() map[string]string {
	set := make(map[string]string, 4+len(a.Labels)+len(a.By))
	for i, name := range a.By {
		if i < len(a.Key) {
			set[labelName(name)] = a.Key[i]
		}
	}
	maps.Copy(set, a.Labels)
	set["rule"], set["severity"], set["mode"], set["key"] = a.Rule, a.Severity, a.Mode, strings.Join(a.Key, ",")
	return set
}

// labelName makes a label's name of a field's.
func labelName(field string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, field)
}

// Matcher is one or more conditions on labels, in Alertmanager's words: `severity = critical`, `team =~ "fraud|risk"`,
// `rule != heartbeat, key = c1`. A label that an alert has not is the empty text. As text and in JSON it is what was
// written, in one form.
type Matcher struct{ all []*labels.Matcher }

// ParseMatcher reads a matcher.
func ParseMatcher(text string) (Matcher, error) {
	if len(text) > mostMatcher {
		return Matcher{}, fmt.Errorf("a matcher has at most %d bytes", mostMatcher)
	}
	all, err := labels.ParseMatchers(text)
	if err != nil || len(all) == 0 {
		return Matcher{}, fmt.Errorf("%q is no matcher: write name = value, or != or =~ or !~ with a pattern", text)
	}
	return Matcher{all}, nil
}

// mostMatcher is how long the text of a matcher may be, in bytes.
const mostMatcher = 2000

// MarshalText implements encoding.TextMarshaler.
func (m Matcher) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Matcher) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMatcher(string(text))
	return err
}

// String returns the matcher as it can be written.
func (m Matcher) String() string {
	texts := make([]string, len(m.all))
	for i, one := range m.all {
		texts[i] = one.String()
	}
	return strings.Join(texts, ",")
}

// Matchers are conditions of which all must hold. Of none all hold.
type Matchers []Matcher

// Match reports whether labels fulfil all conditions.
func (ms Matchers) Match(set map[string]string) bool {
	for _, m := range ms {
		for _, one := range m.all {
			if !one.Matches(set[one.Name]) {
				return false
			}
		}
	}
	return true
}

// String returns all conditions, in the order of their texts.
func (ms Matchers) String() string {
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = m.String()
	}
	slices.Sort(texts)
	return strings.Join(texts, ",")
}

// vague reports whether an alert without labels would match.
func (ms Matchers) vague() bool { return ms.Match(nil) }
