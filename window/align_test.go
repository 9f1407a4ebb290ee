package window

import (
	"testing"
	"time"
)

// TestAlignDays walks through years of zones whose clocks are changed, at midnight too, or that left a day out: each day
// begins at the first instant of its date, and windows follow each other without a gap.
func TestAlignDays(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/Sao_Paulo", "America/Santiago", "America/Havana", "Asia/Beirut",
		"Pacific/Apia", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"} {
		a := NewAlign(zone)
		if a.loc == nil {
			t.Fatalf("%s is not known", zone)
		}
		from := time.Date(2010, 6, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		newest, begun := int64(0), from // the newest date seen, and since when
		for at := from; at < from+4*366*day; at += 15 * 60_000 {
			y, m, d := time.UnixMilli(at).In(a.loc).Date()
			if n := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400; n > newest {
				if newest > 0 {
					checkDay(t, a, zone, begun, at)
				}
				newest, begun = n, at
			}
		}
	}
}

// checkDay checks a local day [from, to), or, where from is no start of one, its rest. What is not on a quarter of an hour
// (St John's changes its clock a minute after midnight) is seen up to 15 minutes late.
func checkDay(t *testing.T, a *Align, zone string, from, to int64) {
	t.Helper()
	const coarse = 15 * 60_000
	last := a.Start(to-coarse, day)
	if next := a.Start(to, day); next > to || next <= to-coarse || a.Shift(last, day, 1) != next || a.Shift(next, day, -1) != last {
		t.Fatalf("%s: the day that begins at %v: starts at %v, the one before at %v, one on from there %v", zone,
			time.UnixMilli(to).In(a.loc), time.UnixMilli(next).In(a.loc), time.UnixMilli(last).In(a.loc), time.UnixMilli(a.Shift(last, day, 1)).In(a.loc))
	}
	for _, d := range []int64{day / 24, day / 2, day / 4} {
		end := a.Start(to, day)
		for s, steps := last, 0; s < end; steps++ {
			e := a.Shift(s, d, 1)
			if e <= s || e > end || e-s > d || e-s < d && e != end || a.Start(e-1, d) != s || a.Shift(e, d, -1) != s || steps > 60 {
				t.Fatalf("%s: windows of %d ms: after %v comes %v", zone, d, time.UnixMilli(s).In(a.loc), time.UnixMilli(e).In(a.loc))
			}
			s = e
		}
	}
}
