package main

import (
	"fmt"
	"strconv"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// duration is the value of a flag: a duration as rules write it (500ms 30s 10m 2h 7d 4w), in milliseconds.
type duration int64

func (d *duration) Set(s string) error {
	ms, err := rules.ParseDuration(s)
	if err == nil {
		*d = duration(ms)
	}
	return err
}

func (d *duration) String() string { return rules.FormatDuration(int64(*d)) }
func (d *duration) Type() string   { return "duration" }

// moment is the value of a flag: an RFC 3339 time, in milliseconds.
type moment int64

func (m *moment) Set(s string) error {
	ms, ok := event.ParseTime(event.StringValue(s))
	if !ok {
		return fmt.Errorf("write a time such as 2026-01-05T10:00:00Z")
	}
	*m = moment(ms)
	return nil
}

func (m *moment) String() string { return event.FormatTime(int64(*m)) }
func (m *moment) Type() string   { return "time" }

// choice is the value of a flag that takes one of a few words.
type choice struct {
	value string
	words []string
}

func (c *choice) Set(s string) error {
	for _, w := range c.words {
		if s == w {
			c.value = s
			return nil
		}
	}
	return fmt.Errorf("must be %s", strings.Join(c.words, " or "))
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.words, "|") }

// thousands writes a number with commas, for people.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText writes a number of bytes for people.
func bytesText(n int64) string {
	switch {
	case n < 10_000:
		return thousands(n) + " bytes"
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 10_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// counted writes a number with its noun: 1 rule, 2 rules.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(int64(n)) + " " + noun + "s"
}
