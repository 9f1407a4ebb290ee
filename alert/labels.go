package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"

	"kelpie/mask"
)

// LabelSet returns the alert's labels as routes, silences and the like see them: rule, severity, mode and key (several
// values joined by commas), then the rule's own labels, then the fields of the key by their names. Where two have one
// name the former counts. What is no letter, digit or _ in a field's name is _ in the label's.
func (a *Alert) LabelSet() map[string]string {
	set := make(map[string]string, 4+len(a.Labels)+len(a.By))
	for i, name := range a.By {
		if i < len(a.Key) {
			set[mask.LabelName(name)] = a.Key[i]
		}
	}
	maps.Copy(set, a.Labels)
	set["rule"], set["severity"], set["mode"], set["key"] = a.Rule, a.Severity, a.Mode, strings.Join(a.Key, ",")
	return set
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
func (ms Matchers) Match(set map[string]string) bool { return ms.MatchEither(set, nil) }

// MatchEither is Match for somebody who may know labels by their values or by what is seen of them, which masked has
// unless it is nil: a condition that wants a value is fulfilled by one of them, one that excludes it by both.
func (ms Matchers) MatchEither(set, masked map[string]string) bool {
	for _, m := range ms {
		for _, one := range m.all {
			is := one.Matches(set[one.Name])
			if masked != nil {
				seen := one.Matches(masked[one.Name])
				if excludes := one.Type == labels.MatchNotEqual || one.Type == labels.MatchNotRegexp; excludes {
					is = is && seen
				} else {
					is = is || seen
				}
			}
			if !is {
				return false
			}
		}
	}
	return true
}

// Masked returns the conditions as they may leave.
func (ms Matchers) Masked(f *mask.Fields) Matchers {
	out := make(Matchers, len(ms))
	for i, m := range ms {
		for _, one := range m.all {
			value := f.Label(one.Name, one.Value)
			masked, err := labels.NewMatcher(one.Type, one.Name, value)
			if err != nil || value == one.Value {
				masked = one // a token is always a pattern, too
			}
			out[i].all = append(out[i].all, masked)
		}
	}
	return out
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
