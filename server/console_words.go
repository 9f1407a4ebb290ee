package server

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kelpie/alert"
	"kelpie/event"
)

// consoleFuncs are what templates write values with.
var consoleFuncs = template.FuncMap{
	"iso":    event.FormatTime,
	"clock":  clockText,
	"key":    func(key []string) string { return strings.Join(key, ", ") },
	"short":  func(id string) string { return id[:min(len(id), 8)] },
	"value":  valueText,
	"exact":  func(v event.Value) string { return string(event.AppendJSON(nil, v)) },
	"reason": reasonWords,
	"list":   func(texts []string) string { return strings.Join(texts, ", ") },
	"count":  countText,
	"bytes":  bytesText,
	"pairs":  pairsOf,
	"plural": plural,
	"both":   func(f frame, c card) framed { return framed{f, &c} },
}

// framed is an alert within a page.
type framed struct {
	Frame frame
	Card  *card
}

// clockText writes a time, ms, for people: with its day, in UTC.
func clockText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2 Jan 15:04:05") }

// spanText says how long something is, ms, in its two largest units.
func spanText(ms int64) string {
	d := time.Duration(max(ms, 0)) * time.Millisecond
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 24*time.Hour:
		return twoUnits(int64(d/time.Hour), "h", int64(d%time.Hour/time.Minute), "min")
	}
	return twoUnits(int64(d/(24*time.Hour)), "d", int64(d%(24*time.Hour)/time.Hour), "h")
}

func twoUnits(n int64, unit string, m int64, smaller string) string {
	if m == 0 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %s %d %s", n, unit, m, smaller)
}

// valueText writes a value for people: numbers with groups of digits, long fractions cut, texts as they are.
func valueText(v event.Value) string {
	text := string(event.AppendJSON(nil, v))
	if !v.IsNumber() {
		if len(v.S) > 0 && text[0] == '"' {
			return v.S
		}
		return text
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.ContainsAny(text, "eE") {
		return text
	}
	if len(fraction) > 4 {
		if f, ok := v.Float64(); ok && len(whole) < 12 {
			return groups(strconv.FormatFloat(f, 'g', max(4, len(whole)+2), 64))
		}
	}
	return groups(text)
}

// groups parts the digits before the point by thin spaces, if there are more than four.
func groups(text string) string {
	if strings.ContainsAny(text, "eE") {
		return text
	}
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, rest := text, ""
	if i := strings.IndexByte(text, '.'); i >= 0 {
		whole, rest = text[:i], text[i:]
	}
	if len(whole) <= 4 {
		return sign + text
	}
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(c)
	}
	return sign + b.String() + rest
}

func countText(n int64) string { return groups(strconv.FormatInt(n, 10)) }

// bytesText writes a size in the unit that suits it.
func bytesText(n int64) string {
	x, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if x < 1024 {
			break
		}
		x, unit = x/1024, next
	}
	if x < 10 && unit != "B" {
		return fmt.Sprintf("%.1f %s", x, unit)
	}
	return fmt.Sprintf("%.0f %s", x, unit)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// pair is a name with a text.
type pair struct{ Name, Text string }

// pairsOf returns labels in the order of their names.
func pairsOf(labels map[string]string) (all []pair) {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, pair{name, labels[name]})
	}
	return all
}

// reasonWords says why an alert is over.
func reasonWords(r alert.Reason) string {
	switch r {
	case alert.Condition:
		return "its condition does not hold any more"
	case alert.Left:
		return "events have left its window"
	case alert.Empty:
		return "a window without an event has closed"
	case alert.Expired:
		return "nothing was judged for as long as the rule waits"
	case alert.Removed:
		return "the rule is not there any more"
	case alert.Point:
		return "it was about a single event"
	case alert.ByHand:
		return "somebody resolved it"
	}
	return string(r)
}
