package alert

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWeekly(t *testing.T) {
	f := func(s WeeklySpec, at string, want bool) {
		t.Helper()
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		w, err := newWeekly(s)
		if err != nil {
			t.Fatal(err)
		}
		when, err := time.Parse("2006-01-02 15:04:05", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.contains(when); got != want {
			t.Errorf("%+v contains %s: %v", s, at, got)
		}
	}
	weekend := WeeklySpec{Days: []string{"saturday", "sunday"}}
	f(weekend, "2026-01-02 23:59:59", false) // a Friday
	f(weekend, "2026-01-03 00:00:00", true)
	f(weekend, "2026-01-04 23:59:59", true)
	f(weekend, "2026-01-05 00:00:00", false)
	night := WeeklySpec{Days: []string{"friday"}, From: "22:00", To: "06:00", Timezone: "Europe/Berlin"}
	f(night, "2026-01-02 20:59:59", false)
	f(night, "2026-01-02 21:00:00", true)
	f(night, "2026-01-03 04:59:59", true)
	f(night, "2026-01-03 05:00:00", false)
	f(night, "2026-01-02 04:00:00", false)                       // the night before began on Thursday
	change := WeeklySpec{To: "04:00", Timezone: "Europe/Berlin"} // the clock goes from 02:00 to 03:00 at 01:00 UTC
	f(change, "2026-03-29 01:59:59", true)
	f(change, "2026-03-29 02:00:00", false)
	f(WeeklySpec{From: "24:00"}, "2026-01-05 12:00:00", true) // all of the day after each day
}

// TestWeeklyNext wants next to be the first moment at which something begins or ends.
func TestWeeklyNext(t *testing.T) {
	clock := rapid.SampledFrom([]string{"", "00:00", "02:30", "12:00", "23:59", "24:00"})
	rapid.Check(t, func(t *rapid.T) {
		s := WeeklySpec{
			Days: rapid.SliceOfDistinct(rapid.SampledFrom(days), rapid.ID).Draw(t, "days"),
			From: clock.Draw(t, "from"), To: clock.Draw(t, "to"), Timezone: rapid.SampledFrom([]string{"", "America/New_York"}).Draw(t, "zone"),
		}
		w, err := newWeekly(s)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1_767_225_600, 1_798_761_600).Draw(t, "at"), 0)
		next := w.next(at)
		if !next.After(at) || next.After(at.Add(9*24*time.Hour)) {
			t.Fatalf("next after %v is %v", at, next)
		}
		for step := range 97 { // what it says does not change before
			if x := at.Add(next.Sub(at) * time.Duration(step) / 97); x.Before(next) && w.contains(x) != w.contains(at) {
				t.Fatalf("between %v and %v, it changes at %v", at, next, x)
			}
		}
	})
}
