package backtest

import (
	"fmt"
	"strings"
	"testing"

	"kelpie/rules"
)

const blind = `
tables:
  credit: {key: who, on: {LimitSet: {limit: limit}}}
rules:
  no-events: {event: Refunded, when: amount > 1}
  no-key: {event: Paid, by: card, when: amount > 1}
  no-filter: {event: Paid, where: country == "DE", when: amount > 1}
  no-field: {event: Paid, when: score > 1}
  filtered: {event: Paid, where: amount > 100, when: amount > 1}
  table: {event: Paid, by: who, when: amount > credit.limit}
  not-ready: {event: Paid, by: who, let: {n: count each 1m, usual: mean(count each 1m) over 10m}, ready: samples(usual) >= 9, when: n > usual}
  never-full: {event: Paid, by: who, let: {n: count over 30d}, when: n > 100}
  judged: {event: Paid, by: who, let: {n: count over 1m}, when: n > 100}
  fires: {event: Paid, by: who, when: amount > 1}
`

func TestNever(t *testing.T) {
	var lines [][]byte
	for i := range 5 {
		lines = append(lines, fmt.Appendf(nil, `{"type":"Paid","time":"2026-01-01T10:0%d:00Z","who":"ann","amount":5,"country":null}`, i))
	}
	res, err := Run(t.Context(), &Spec{Variants: []Variant{{Name: "rules", Set: load(t, blind, rules.Options{})}}}, &pieces{lines: lines, size: 2})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range res.Variants[0].Rules {
		if r.Never != nil {
			got = append(got, fmt.Sprint(r.Rule, ": ", r.Never.Reason, " ", r.Never.Could, ": ", r.Never.Detail))
		}
	}
	want := []string{
		"filtered: not-judged false: no event has passed its filter and had its key",
		"judged: condition true: its condition was never true",
		"never-full: warming-up true: its windows of 30d were never full",
		"no-events: no-events false: the history has no event of type Refunded",
		"no-field: no-field false: no event has the field score",
		"no-filter: no-field false: no event has the field country",
		"no-key: no-field false: no event has the field card",
		"not-ready: not-ready false: `ready` was never true",
		"table: missing false: always missing: credit.limit",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("they say\n%s\nwant\n%s", g, w)
	}
	for _, r := range res.Variants[0].Rules {
		if r.Rule == "table" && r.Abstained.Names["credit.limit"] != 5 {
			t.Errorf("what is missing is counted as %v", r.Abstained.Names)
		}
	}
}

const meetingRules = `
rules:
  by-card: {event: Paid, by: card, let: {n: count over 10s}, when: n > 1}
  by-who: {event: Paid, by: who, let: {n: count over 10s}, when: n > 1}
  large: {event: Paid, by: who, when: amount > 10}
  other: {event: Other, by: who, when: amount > 10}
`

func TestOverlap(t *testing.T) {
	var lines [][]byte
	add := func(at, typ, who, card string, amount int) {
		lines = append(lines, fmt.Appendf(nil, `{"type":%q,"time":"2026-01-01T10:%sZ","who":%q,"card":%q,"amount":%d}`, typ, at, who, card, amount))
	}
	add("00:00", "Paid", "ann", "x", 1)
	add("00:01", "Paid", "ann", "x", 50) // by-card, by-who and large, by one event
	add("00:05", "Other", "ann", "", 50) // while by-who is open
	add("10:00", "Paid", "bob", "y", 50) // large alone
	add("20:00", "Paid", "cid", "z", 1)
	add("20:01", "Paid", "dan", "z", 1) // by-card alone
	res, err := Run(t.Context(), &Spec{Variants: []Variant{{Name: "rules", Set: load(t, meetingRules, rules.Options{})}}}, &pieces{lines: lines, size: 2})
	if err != nil {
		t.Fatal(err)
	}
	v := &res.Variants[0]
	want := "[{by-card by-who 1 1} {by-card large 1 1} {by-who large 1 1} {by-who other 1 1}]"
	if got := fmt.Sprint(v.Overlaps); got != want {
		t.Errorf("they meet %s, want %s", got, want)
	}
	alone := map[string]string{}
	for _, r := range v.Rules {
		alone[r.Rule] = fmt.Sprint(r.Alone, " of ", r.Alerts)
	}
	if got, want := fmt.Sprint(alone), "map[by-card:1 of 2 by-who:0 of 1 large:1 of 2 other:0 of 1]"; got != want {
		t.Errorf("alone are %s, want %s", got, want)
	}
}
