package alert

import "strings"

// quoting writes a value as a matcher reads it: of OpenMetrics, which knows these three escapes.
var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// SilenceLike returns a silence, without times and author, of alerts of the same rule and key as a. The error says that
// the key is too long to be silenced.
func SilenceLike(a *Alert) (Silence, error) {
	var s Silence
	for _, x := range [][2]string{{"rule", a.Rule}, {"key", strings.Join(a.Key, ",")}} {
		m, err := ParseMatcher(x[0] + `="` + quoting.Replace(x[1]) + `"`)
		if err != nil {
			return s, err
		}
		s.Match = append(s.Match, m)
	}
	return s, nil
}
