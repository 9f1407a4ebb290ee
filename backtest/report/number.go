package report

import (
	"math"
	"strconv"
	"strings"

	"kelpie/backtest"
)

// thousands writes a whole number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted writes a number of things: 1 rule, 2 rules.
func counted(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(n) + " " + thing
}

// rate writes how many a day: with as many digits as say something.
func rate(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case x < 100:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return thousands(int64(math.Round(x)))
}

// lapse writes a length of time in its two greatest units.
func lapse(ms int64) string {
	units := []struct {
		ms   int64
		name string
	}{{day, "d"}, {60 * 60 * 1000, "h"}, {60 * 1000, "min"}, {1000, "s"}, {1, "ms"}}
	for i, u := range units[:len(units)-1] {
		if n := ms / u.ms; n > 0 {
			text := strconv.FormatInt(n, 10) + " " + u.name
			if rest := ms % u.ms / units[i+1].ms; rest > 0 && i < 3 {
				text += " " + strconv.FormatInt(rest, 10) + " " + units[i+1].name
			}
			return text
		}
	}
	return strconv.FormatInt(ms, 10) + " ms"
}

// share writes a share with three digits.
func share(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

// amount writes money: whole numbers, or cents where it is little.
func amount(x float64) string {
	if x == math.Trunc(x) || math.Abs(x) >= 1000 {
		return thousands(int64(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// moment writes a time for people, to the second.
func moment(t backtest.Time) string {
	s := t.String()
	if len(s) < len("2006-01-02T15:04:05") {
		return "–"
	}
	return strings.Replace(s[:len("2006-01-02T15:04:05")], "T", " ", 1)
}

// date is the day of a time.
func date(t backtest.Time) string {
	if s := t.String(); len(s) > len("2006-01-02") {
		return s[:len("2006-01-02")]
	}
	return "–"
}
