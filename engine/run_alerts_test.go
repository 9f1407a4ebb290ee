package engine_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/window"
)

// TestValuesOfAlerts wants the values of an alert to say what they are compared with, and how exact they are: of the
// judgement that opened it, and of the newest one.
func TestValuesOfAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		w.rules = `
rules:
  many:
    event: A
    params: {most: 10000}
    let: {prev: previous over 1h, visitors: distinct(x) over 1h, same: visitors, total: sum(y) over 1h}
    when: visitors > most and total > 0`
		var lines [][]byte
		for i := range 11_000 {
			lines = append(lines, fmt.Appendf(nil, `{"type":"A","time":"2026-01-05T10:00:00Z","x":%d,"y":0.12345678901234567890123}`, i))
		}
		w.inputs = []engine.Input{input("shop", lines, 1000)}
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := alertsIn(t, w.fs)
		if len(all) != 1 || len(all[0].Values) != 3 {
			t.Fatalf("%+v", all)
		}
		f := func(i int, want alert.Value) {
			t.Helper()
			want.Value = all[0].Values[i].Value
			if !reflect.DeepEqual(all[0].Values[i], want) {
				t.Errorf("%+v, want %+v", all[0].Values[i], want)
			}
		}
		f(0, alert.Value{Name: "visitors", Approx: window.DistinctError, Limit: "> 10000"})
		f(1, alert.Value{Name: "same"})
		f(2, alert.Value{Name: "total", Inexact: true, Limit: "> 0", Fields: []string{"y"}})
	})
}

// TestAlertsAcrossClockChanges opens an alert on the day after one of 25 hours, and of 23: its windows begin with that day,
// so does its evidence, and they are full if there was something to keep before it.
func TestAlertsAcrossClockChanges(t *testing.T) {
	f := func(first, opener, start string, warming int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, vfs.NewMem())
			w.rules = `
rules:
  days:
    event: A
    timezone: Europe/Berlin
    on: event
    let: {today: count each 1d, past: sum(count each 1d) over 1d}
    when: today > 0 and past > 1`
			var lines [][]byte
			day := start[:11] + "23:59:00.000Z" // in the day that the clock is changed in
			for _, at := range []string{first, day, day, opener} {
				lines = append(lines, fmt.Appendf(nil, `{"type":"A","time":%q}`, at))
			}
			w.inputs = []engine.Input{input("shop", lines, 1)}
			if err := w.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := alertsIn(t, w.fs)
			a := all[len(all)-1]
			if got := event.FormatTime(a.Opened); got != opener {
				t.Errorf("it opened at %s", got)
			}
			if got := event.FormatTime(a.Evidence.Start); got != start {
				t.Errorf("%s: the evidence begins at %s, not %s", opener, got, start)
			}
			if len(a.Warming) != warming {
				t.Errorf("%s: %q warm up, and %d are to", opener, a.Warming, warming)
			}
		})
	}
	f("2023-10-28T22:00:00.000Z", "2023-10-30T05:00:00.000Z", "2023-10-28T22:00:00.000Z", 0)
	f("2023-10-28T22:30:00.000Z", "2023-10-30T05:00:00.000Z", "2023-10-28T22:00:00.000Z", 1)
	f("2023-03-25T22:30:00.000Z", "2023-03-27T05:00:00.000Z", "2023-03-25T23:00:00.000Z", 0)
	f("2023-03-25T23:30:00.000Z", "2023-03-27T05:00:00.000Z", "2023-03-25T23:00:00.000Z", 1)
}
