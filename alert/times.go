package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kelpie/event"
)

// Moment is a time of the clock, ms since the epoch; in the configuration it is RFC 3339. 0 is none.
type Moment int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is no time: write one such as 2026-03-01T22:00:00Z or 2026-03-01T22:00:00+01:00", text)
	}
	*m = Moment(t.UnixMilli())
	return nil
}

// String writes the moment in UTC.
func (m Moment) String() string { return event.FormatTime(int64(m)) }

// WeeklySpec is a time of some days of the week, by the clock on the wall.
type WeeklySpec struct {
	Days     []string `yaml:"days"`     // monday, … sunday; none: all
	From     string   `yaml:"from"`     // such as 22:00; default 00:00
	To       string   `yaml:"to"`       // exclusive; not after from: of the next day; default 24:00
	Timezone string   `yaml:"timezone"` // such as Europe/Berlin; default UTC
}

var days = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s WeeklySpec) Validate() error {
	var errs []error
	for i, d := range s.Days {
		if !slices.Contains(days, d) {
			errs = append(errs, fmt.Errorf("days.%d: %q is no day: write %s", i, d, strings.Join(days, ", ")))
		}
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil {
		errs = append(errs, fmt.Errorf("timezone: there is no time zone %q: write one such as Europe/Berlin", s.Timezone))
	}
	if _, err := parseMinute(s.From, 0); err != nil {
		errs = append(errs, fmt.Errorf("from: %w", err))
	}
	if _, err := parseMinute(s.To, 24*60); err != nil {
		errs = append(errs, fmt.Errorf("to: %w", err))
	}
	return errors.Join(errs...)
}

// parseMinute reads hh:mm as minutes since midnight.
func parseMinute(text string, without int) (int, error) {
	if text == "" {
		return without, nil
	}
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day: write 00:00 to 24:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// weekly is a WeeklySpec to be asked.
type weekly struct {
	days     [7]bool // on which it begins
	from, to int     // minutes since midnight; to is more than from, and may lie on the next day
	zone     *time.Location
}

// newWeekly makes one of a valid spec.
func newWeekly(s WeeklySpec) (w weekly, err error) {
	if w.zone, err = time.LoadLocation(s.Timezone); err != nil {
		return w, fmt.Errorf("alert: %w", err)
	}
	if w.from, err = parseMinute(s.From, 0); err != nil {
		return w, fmt.Errorf("alert: %w", err)
	}
	if w.to, err = parseMinute(s.To, 24*60); err != nil {
		return w, fmt.Errorf("alert: %w", err)
	}
	if w.to <= w.from {
		w.to += 24 * 60
	}
	for i, d := range days {
		w.days[i] = len(s.Days) == 0 || slices.Contains(s.Days, d)
	}
	return w, nil
}

func newWeeklies(specs []WeeklySpec) (all []weekly, err error) {
	for _, s := range specs {
		w, err := newWeekly(s)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// span returns when it begins and ends that begins some days after the day of t; ok is false if it does not on that day.
func (w *weekly) span(t time.Time, later int) (from, to time.Time, ok bool) {
	t = t.In(w.zone)
	at := func(minute int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+later, 0, minute, 0, 0, w.zone)
	}
	from, to = at(w.from), at(w.to)
	return from, to, w.days[at(0).Weekday()]
}

// contains reports whether t lies in it.
func (w *weekly) contains(t time.Time) bool {
	for later := -1; later <= 0; later++ {
		if from, to, ok := w.span(t, later); ok && !t.Before(from) && t.Before(to) {
			return true
		}
	}
	return false
}

// next returns when it begins or ends next after t.
func (w *weekly) next(t time.Time) (next time.Time) {
	for later := -1; later <= 8; later++ {
		from, to, ok := w.span(t, later)
		if !ok {
			continue
		}
		for _, at := range []time.Time{from, to} {
			if at.After(t) {
				next = earliest(next, at)
			}
		}
	}
	return next
}

// earliest returns the earlier of two times, of which zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
