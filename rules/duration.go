package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// The units of time in milliseconds.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

// longestDuration bounds durations, so that sums of a few of them and a time never overflow.
const longestDuration = 100 * 366 * day

// units in the order in which FormatDuration tries them.
var units = []struct {
	name string
	ms   int64
}{{"w", week}, {"d", day}, {"h", hour}, {"m", minute}, {"s", second}, {"ms", 1}}

// ParseDuration reads a duration as rules and configuration write it: a whole number and a unit, one of
// ms s m h d w (500ms, 30s, 10m, 2h, 7d, 4w). It returns milliseconds.
func ParseDuration(s string) (ms int64, err error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	unit := s[digits:]
	if digits == 0 {
		return 0, fmt.Errorf("expected a duration such as 10m, not %q", s)
	}
	if unit == "" {
		return 0, fmt.Errorf("%s has no unit: a duration is written %ss, %sm or %sh", s, s, s, s)
	}
	for _, u := range units {
		if u.name != unit {
			continue
		}
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil || n > longestDuration/u.ms {
			return 0, fmt.Errorf("%s is too long: durations end at 100 years", s)
		}
		return n * u.ms, nil
	}
	return 0, fmt.Errorf("%q is no duration: write a whole number and one unit of ms, s, m, h, d, w (90m, not 1h30m or 1.5h)", s)
}

// FormatDuration writes milliseconds in the largest unit that leaves a whole number: 90m, 2h, 500ms, 0s.
// ParseDuration reads it back.
func FormatDuration(ms int64) string {
	if ms == 0 {
		return "0s"
	}
	for _, u := range units {
		if ms%u.ms == 0 {
			return strconv.FormatInt(ms/u.ms, 10) + u.name
		}
	}
	return strconv.FormatInt(ms, 10) + "ms"
}
