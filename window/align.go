package window

import "time"

// day is a day's length in milliseconds.
const day = 24 * 3600 * 1000

// Align places the windows of `each d`. Without a time zone they are multiples of d since the epoch. In a time zone,
// windows of whole days begin at local midnight, and shorter ones, which divide a day, count from local midnight on.
type Align struct{ loc *time.Location }

// NewAlign returns the alignment for an IANA zone name that has been checked; "" and "UTC" are the epoch's own.
func NewAlign(zone string) *Align {
	if zone == "" || zone == "UTC" {
		return &Align{}
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return &Align{}
	}
	return &Align{loc}
}

// Floor returns the greatest multiple of d that is not greater than t.
func Floor(t, d int64) int64 {
	r := t % d
	if r < 0 {
		r += d
	}
	return t - r
}

// Start returns the start of the window of length d that holds t.
func (a *Align) Start(t, d int64) int64 {
	if a.loc == nil {
		return Floor(t, d)
	}
	m := a.midnight(t, 0)
	if d < day {
		return m + Floor(t-m, d)
	}
	return a.dayStart(Floor(a.dayNumber(t), d/day))
}

// Slack returns how much longer than n·d n windows of length d may be, at most: a day of 25 hours is one window.
func (a *Align) Slack() int64 {
	if a.loc == nil {
		return 0
	}
	return day
}

// Shift returns the start of the window that lies n windows after the one that starts at s; n may be negative.
func (a *Align) Shift(s, d int64, n int64) int64 {
	if a.loc == nil {
		return s + n*d
	}
	if d >= day {
		days := d / day
		at := Floor(a.dayNumber(s), days) + n*days
		if n < 0 && a.dayStart(at) == s { // a day that was left out is no window
			at -= days
		}
		return a.dayStart(at)
	}
	for ; n > 0; n-- {
		m := a.midnight(s, 1)
		s = min(s+d, m)
	}
	for ; n < 0; n++ {
		s = a.Start(s-1, d)
	}
	return s
}

// Week returns the offset of t in its local week, in milliseconds from Monday midnight.
func (a *Align) Week(t int64) int64 {
	if a.loc == nil {
		return t - 4*day - Floor(t-4*day, 7*day) // 1970-01-05 was a Monday
	}
	l := time.UnixMilli(t).In(a.loc)
	wd := (int64(l.Weekday()) + 6) % 7
	return wd*day + int64(l.Hour())*3600000 + int64(l.Minute())*60000 + int64(l.Second())*1000 + int64(l.Nanosecond())/1e6
}

// midnight returns the beginning of the local day of t, plus days.
func (a *Align) midnight(t int64, days int64) int64 { return a.dayStart(a.dayNumber(t) + days) }

// dayNumber counts local days since 1970-01-01: the last one that has begun at t. Where a clock is set back across
// midnight the old date comes once more, and belongs to the new day.
func (a *Align) dayNumber(t int64) int64 {
	y, m, d := time.UnixMilli(t).In(a.loc).Date()
	n := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	for a.dayStart(n+1) <= t {
		n++
	}
	return n
}

// dayStart returns the first instant at which the local date is the n-th day's or a later one: at midnight, or, where a
// change of the clock leaves midnight out, after it.
func (a *Align) dayStart(n int64) int64 {
	t := (n - 1) * day // whatever the distance from UTC, the day has not begun
	for {
		l := time.UnixMilli(t).In(a.loc)
		_, offset := l.Zone()
		begin := max(t, n*day-int64(offset)*1000)
		_, end := l.ZoneBounds()
		if end.IsZero() || begin < end.UnixMilli() {
			return begin
		}
		t = end.UnixMilli()
	}
}

// Span is a half-open span of event time, [Start, End), in milliseconds since the epoch.
type Span struct{ Start, End int64 }
