package report

import (
	"slices"
	"strings"
	"time"

	"kelpie/backtest"
)

const day = 24 * 60 * 60 * 1000

// series is how many alerts opened in each stretch of days of a history.
type series struct {
	first  time.Time // the first day, UTC
	each   int       // days of a stretch
	counts []float64
}

// perDay spreads counts over all days of a history, also those without an alert, in at most so many stretches.
func perDay(h *backtest.HistoryResult, days []backtest.DayCount, most int) series {
	first, last := midnight(int64(h.First)), midnight(int64(h.Last))
	if h.First == backtest.NoTime {
		return series{each: 1}
	}
	for _, d := range days { // a window is judged as of its end, which may lie behind the last event
		if t, err := time.Parse(time.DateOnly, d.Day); err == nil {
			if t.Before(first) {
				first = t
			}
			if t.After(last) {
				last = t
			}
		}
	}
	n := int(last.Sub(first)/(24*time.Hour)) + 1
	s := series{first: first, each: stretch(n, most)}
	s.counts = make([]float64, (n+s.each-1)/s.each)
	for _, d := range days {
		if t, err := time.Parse(time.DateOnly, d.Day); err == nil {
			s.counts[int(t.Sub(first)/(24*time.Hour))/s.each] += float64(d.Alerts)
		}
	}
	return s
}

// stretch returns how many days are taken together so that n days are at most so many stretches: 1, or whole weeks.
func stretch(n, most int) int {
	each := 1
	for n > most*each {
		each = each/7*7 + 7
	}
	return each
}

func midnight(ms int64) time.Time { return time.UnixMilli(ms).UTC().Truncate(24 * time.Hour) }

// of says what one stretch is.
func (s *series) of() string {
	switch s.each {
	case 1:
		return "day"
	case 7:
		return "week"
	}
	return thousands(int64(s.each/7)) + " weeks"
}

// day returns when the i-th stretch begins.
func (s *series) day(i int) string { return s.first.AddDate(0, 0, i*s.each).Format(time.DateOnly) }

// spark draws numbers as a line of bars; what is more than nothing is more than the least.
func spark(counts []float64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	if len(counts) == 0 {
		return ""
	}
	most := slices.Max(counts)
	var b strings.Builder
	for _, n := range counts {
		i := 0
		if n > 0 {
			i = max(1, int(n/most*float64(len(bars)-1)+0.5))
		}
		b.WriteRune(bars[i])
	}
	return b.String()
}
