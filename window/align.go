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

// Shift returns the start of the window that lies n windows after the one that starts at s; n may be negative.
func (a *Align) Shift(s, d int64, n int64) int64 {
	if a.loc == nil {
		return s + n*d
	}
	if d >= day {
		return a.dayStart(a.dayNumber(s) + n*(d/day))
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

// midnight returns the local midnight that begins the day of t, plus days.
func (a *Align) midnight(t int64, days int) int64 {
	y, m, d := time.UnixMilli(t).In(a.loc).Date()
	return time.Date(y, m, d+days, 0, 0, 0, 0, a.loc).UnixMilli()
}

// dayNumber counts local days since 1970-01-01.
func (a *Align) dayNumber(t int64) int64 {
	y, m, d := time.UnixMilli(t).In(a.loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

func (a *Align) dayStart(n int64) int64 {
	return time.Date(1970, 1, 1+int(n), 0, 0, 0, 0, a.loc).UnixMilli()
}

// Span is a half-open span of event time, [Start, End), in milliseconds since the epoch.
type Span struct{ Start, End int64 }
