package oracle

import (
	"slices"
	"sync"
	"time"
)

// Windows of a rule with a time zone, by looking at every quarter of an hour: no zone changes its clock at another time
// in the years that scenarios are about.

// calendar holds the starts of the local days of a zone, and their numbers since 1970.
type calendar struct {
	zone            *time.Location
	starts, numbers []int64
}

var (
	firstQuarter = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	lastQuarter  = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

	calendars sync.Map // zone name -> *calendar
	beats     sync.Map // zone name and length -> []int64
)

// calendarOf returns the days of a zone: one begins when a date is there for the first time.
func calendarOf(zone string) *calendar {
	if c, ok := calendars.Load(zone); ok {
		return c.(*calendar)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	c, newest := &calendar{zone: loc}, int64(0)
	for t := firstQuarter; t < lastQuarter; t += 15 * 60_000 {
		y, m, d := time.UnixMilli(t).In(loc).Date()
		if n := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400; n > newest {
			c.starts, c.numbers, newest = append(c.starts, t), append(c.numbers, n), n
		}
	}
	calendars.Store(zone, c)
	return c
}

// beat returns all starts of windows of length d in a zone: of whole days the days whose number is a multiple; else
// each day is cut, from its start on.
func beat(zone string, d int64) (starts []int64) {
	key := [2]any{zone, d}
	if b, ok := beats.Load(key); ok {
		return b.([]int64)
	}
	c := calendarOf(zone)
	for i, s := range c.starts[:len(c.starts)-1] {
		if d >= day && mod(c.numbers[i], d/day) == 0 {
			starts = append(starts, s)
		}
		for at := s; d < day && at < c.starts[i+1]; at += d {
			starts = append(starts, at)
		}
	}
	beats.Store(key, starts)
	return starts
}

// floor returns the start of the window of length d that holds t.
func (r *ruleState) floor(t, d int64) int64 { return r.beats(t, d, 0) }

// beats returns the start of the window that lies n windows after the one that holds t.
func (r *ruleState) beats(t, d int64, n int) int64 {
	if r.Timezone == "" || t <= minTime || t >= maxTime {
		return t - mod(t, d) + int64(n)*d
	}
	all := beat(r.Timezone, d)
	i, found := slices.BinarySearch(all, t)
	if !found {
		i--
	}
	return all[i+n]
}

// ofWeek returns how far into its week the clock of the zone shows t.
func (r *ruleState) ofWeek(t int64) int64 {
	if r.Timezone == "" {
		return mod(t, week)
	}
	l := time.UnixMilli(t).In(calendarOf(r.Timezone).zone)
	midnight := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
	clock := time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
	return int64(l.Weekday())*day + clock.Sub(midnight).Milliseconds()
}

func mod(a, b int64) int64 { return (a%b + b) % b }
