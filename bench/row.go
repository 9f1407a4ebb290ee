package main

import (
	"fmt"
	"strings"
)

// row is one line of the table.
type row struct {
	What      string  // what has been measured, and in which mode
	Figure    string  // the median, and what lies around it
	Yardstick float64 // the figure as a multiple of json.Valid's rate; 0: that says nothing here
	CPU       float64 // µs of all cores per event; 0: that says nothing here
	CPUTimes  float64 // the same as a multiple of json.Valid's
	Peak      int64   // bytes in memory at most, without the events themselves; 0: not known
	Allocs    float64 // objects per event; negative: that says nothing here
	Goal      string  // "" without one
	Met       bool    // the median has reached the goal

	JSONValid spread // the yardstick's own rate, events a second
}

// Columns of the table.
var columns = []string{"what", "reached: median (lowest–highest)", "× json.Valid", "CPU µs/event (× json.Valid)", "memory at most", "objects/event", "goal", ""}

// cells returns the row as the columns show it.
func (r *row) cells() []string {
	c := []string{r.What, r.Figure, "", "", "", "", r.Goal, ""}
	if r.Yardstick > 0 {
		c[2] = fmt.Sprintf("%.2f", r.Yardstick)
	}
	if r.CPU > 0 {
		c[3] = fmt.Sprintf("%.2f (%.2f)", r.CPU, r.CPUTimes)
	}
	if r.Peak > 0 {
		c[4] = fmt.Sprintf("%d MiB", r.Peak>>20)
	}
	if r.Allocs >= 0 {
		c[5] = fmt.Sprintf("%.3f", r.Allocs)
	}
	switch {
	case r.Goal == "":
	case r.Met:
		c[7] = "reached"
	default:
		c[7] = "MISSED"
	}
	return c
}

// rateRow is the row of a rate in events a second, which is to be at least goal; 0: no goal.
func rateRow(what string, s []sample, goal float64) row {
	r := commonRow(what, s)
	f := over(s, rate)
	r.Figure = fmt.Sprintf("%s/s (%s–%s)", short(f.Mid), short(f.Low), short(f.High))
	r.Yardstick = over(s, func(s *sample) float64 { return rate(s) / s.yardstick.rate }).Mid
	if goal > 0 {
		r.Goal, r.Met = "≥ "+short(goal)+"/s", f.Mid >= goal
	}
	return r
}

// ratioRow is the row of what an event costs, as a multiple of what it costs in base, which is to be at most goal.
func ratioRow(what string, s, base []sample, goal float64) row {
	r := commonRow(what, s)
	f := ratios(s, base, perEvent)
	ns := over(s, perEvent).Mid
	r.Figure = fmt.Sprintf("%.2f × (%.2f–%.2f), %.0f ns", f.Mid, f.Low, f.High, ns)
	r.Yardstick = over(s, func(s *sample) float64 { return rate(s) / s.yardstick.rate }).Mid
	if goal > 0 {
		r.Goal, r.Met = fmt.Sprintf("≤ %g ×", goal), f.Mid <= goal
	}
	return r
}

// commonRow fills in what every row has.
func commonRow(what string, s []sample) row {
	return row{
		What:      what,
		CPU:       over(s, perEventCPU).Mid,
		CPUTimes:  over(s, timesYardstickCPU).Mid,
		Peak:      int64(over(s, func(s *sample) float64 { return float64(s.peak) }).High),
		Allocs:    over(s, func(s *sample) float64 { return float64(s.allocs) / float64(s.events) }).Mid,
		JSONValid: over(s, func(s *sample) float64 { return s.yardstick.rate }),
	}
}

// short writes a rate with three digits that count.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return trim(fmt.Sprintf("%.2f", x/1e6)) + "M"
	case x >= 1e3:
		return fmt.Sprintf("%.0fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

// trim leaves out zeros behind a point.
func trim(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }
