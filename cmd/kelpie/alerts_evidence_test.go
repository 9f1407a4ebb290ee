package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/state"
	"kelpie/window"
)

// evidenceRules have facts of the rule's own events, of another type, and by another key.
const evidenceRules = `rules:
  sharing:
    event: Order
    where: amount > 1
    by: customer
    let:
      n:      count over 10m
      logins: count of Login where ok over 10m
      others: distinct(customer) over 10m by device
    when: others > 1
  volume:
    event: Order
    by: [region, kind]
    let:
      n:      count each 1m
      normal: mean(count each 1m) over 3m
    when: n > normal
  every:
    event: "*"
    when: amount > 1
`

// TestEvidence looks for the events of alerts that were opened by an event and by a window.
func TestEvidence(t *testing.T) {
	const opened = 1_767_607_200_000 // 10:00
	var lines []string
	add := func(minutesBefore float64, text string) {
		at := opened - int64(minutesBefore*60_000)
		lines = append(lines, fmt.Sprintf(`{"time":%q,"n":%d,%s}`, event.FormatTime(at), len(lines), text))
	}
	add(10, `"type":"Order","customer":"ann","device":"d1","amount":5`) // exactly ten minutes before: it has left
	add(9.9, `"type":"Order","customer":"ann","device":"d2","amount":5`)
	add(9, `"type":"Order","customer":"ann","device":"d1","amount":1`) // where
	add(8, `"type":"Order","customer":"bob","device":"d1","amount":5`) // of the same device
	add(7, `"type":"Order","customer":"bob","device":"d2","amount":5`)
	add(6, `"type":"Login","customer":"ann","ok":true`)
	add(5, `"type":"Login","customer":"ann","ok":false`)
	add(4, `"type":"Login","customer":"bob","ok":true`)
	add(0, `"type":"Order","customer":"ann","device":"d1","amount":5`)
	add(1, `"type":"Order","customer":"ann","device":"d1","amount":5`) // came later
	add(4, `"type":"Order","region":"eu","kind":1,"amount":0`)
	add(1, `"type":"Order","region":"eu","kind":"1","amount":0`)
	add(0, `"type":"Order","region":"eu","kind":1,"amount":0`) // the next window
	dir := dataWith(t, func(l *journal.Log) {
		for _, line := range lines {
			appendTo(t, l, journal.Event, line)
		}
	})
	s, err := state.Open(filepath.Join(dir, "state"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	put := func(id, rule string, key []string, o alert.Opener) {
		t.Helper()
		if err := alert.Put(b, &alert.Alert{ID: id, Rule: rule, Key: key, Opened: opened, Opener: o, State: alert.Firing}); err != nil {
			t.Fatal(err)
		}
	}
	put("a1", "sharing", []string{"ann"}, alert.Opener{Position: "log@8"})
	put("b1", "volume", []string{"eu", "1"}, alert.Opener{Window: &window.Span{Start: opened - 60_000, End: opened}})
	put("c1", "every", []string{}, alert.Opener{Position: "log@8"})
	put("d1", "sharing", []string{"ann"}, alert.Opener{Position: "log@999"})
	if err := errors.Join(s.Commit(b, true), b.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	rulesFile := filepath.Join(dir, "rules.yml")
	if err := os.WriteFile(rulesFile, []byte(evidenceRules), 0o600); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^log@(\d+) `)
	f := func(id, want string) {
		t.Helper()
		out, _ := call(t, exitDone, "alerts", "show", id, "--data", dir, "-r", rulesFile, "--events")
		var got []string
		for _, m := range found.FindAllStringSubmatch(out, -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("the events of %s are %s, want %s\n%s", id, strings.Join(got, " "), want, out)
		}
	}
	f("a1", "1 3 5 8")
	f("b1", "10 11")
	f("c1", "8")
	if _, said := call(t, exitWrong, "alerts", "show", "d1", "--data", dir, "-r", rulesFile, "--events"); !strings.Contains(said, "log ends before 13") {
		t.Errorf("an opener that is not in the log: %q", said)
	}
}
