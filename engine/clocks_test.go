package engine_test

import (
	"fmt"
	"testing"
	"time"

	"kelpie/engine/oracle"
)

// clockRules have windows of days, halves of days and hours, past ones, and those of the same hour of the week.
const clockRules = `rules:
  days:
    event: A
    by: k
    timezone: %[1]s
    let: {n: rate each 1d, week: count over 3d each 1d, past: sum(rate each 1d) over 3d}
    when: n > 1
  hours:
    event: A
    by: k
    timezone: %[1]s
    let: {n: count each 1h, same: 'sum(count each 1h) over 7d at same hour-of-week'}
    on: [event, close]
    when: n > 0
  halves:
    event: A
    by: k
    timezone: %[1]s
    let: {n: count each 12h, past: max(count each 12h) over 2d, both: avg(time) over 1d each 12h}
    when: n > 7
`

// TestClockChanges has an event every 90 minutes for nine days around a change of the clock, at night, at midnight, and by
// half an hour.
func TestClockChanges(t *testing.T) {
	for zone, change := range map[string]string{
		"Europe/Berlin": "2023-10-29", "America/New_York": "2024-03-10", "America/Santiago": "2023-09-03",
		"America/Havana": "2024-03-10", "Australia/Lord_Howe": "2024-04-07",
	} {
		t.Run(zone, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, change)
			if err != nil {
				t.Fatal(err)
			}
			s := oracle.Scenario{RulesYAML: fmt.Sprintf(clockRules, zone), Options: oracle.Options{Drain: true}}
			for i := range 9 * 16 {
				at := day.Add(time.Duration(i-7*16) * 90 * time.Minute)
				s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a"}`, at.UnixMilli()))
			}
			want, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			rows, lives := fold(t, s, way{2, 100})
			differ(t, "rows", oracle.WriteRows(want.Rows), rows, s)
			differ(t, "alerts", oracle.WriteAlerts(want.Alerts), lives, s)
		})
	}
}
