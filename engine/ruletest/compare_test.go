package ruletest

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// TestMatching compares with trying all pairings.
func TestMatching(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(0, 5).Draw(t, "n"), rapid.IntRange(0, 5).Draw(t, "m")
		edges := rapid.SliceOfN(rapid.Bool(), n*m, n*m).Draw(t, "edges")
		edge := func(i, j int) bool { return edges[i*m+j] }
		k := newMatching(n, m, edge)
		got, used := 0, map[int]bool{}
		for i := range n {
			j := k.right(i)
			if j < 0 {
				continue
			}
			if used[j] || !edge(i, j) {
				t.Fatalf("%d is paired with %d", i, j)
			}
			used[j] = true
			got++
		}
		if want := largest(n, m, edge, 0, map[int]bool{}); got != want {
			t.Fatalf("%d pairs, %d are possible", got, want)
		}
	})
}

func largest(n, m int, edge func(i, j int) bool, i int, used map[int]bool) int {
	if i == n {
		return 0
	}
	best := largest(n, m, edge, i+1, used)
	for j := range m {
		if edge(i, j) && !used[j] {
			used[j] = true
			best = max(best, 1+largest(n, m, edge, i+1, used))
			delete(used, j)
		}
	}
	return best
}

// TestSame compares single members.
func TestSame(t *testing.T) {
	o := &Opening{Time: 1000, Key: []string{"1"}, Severity: "high", Message: "m", Values: []engine.NamedValue{
		{Name: "n", Value: event.IntValue(3)}, {Name: "f", Value: event.FloatValue(0.1 + 0.2)}, {Name: "s", Value: event.StringValue("3")},
	}}
	f := func(name, value string, want bool) {
		t.Helper()
		v, err := event.DecodeJSON([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		if got := same(&rules.Member{Name: name, Value: v}, o); got != want {
			t.Errorf("%s: %s is the same: %t, want %t", name, value, got, want)
		}
	}
	f("time", "1000", true)
	f("time", "1001", false)
	f("key", `"1"`, true)
	f("key", "1", true)
	f("key", "1.5", false)
	f("severity", `"high"`, true)
	f("message", `"n"`, false)
	f("n", "3.0", true)
	f("n", `"3"`, false)
	f("n", "3.000000001", true)
	f("n", "3.00000001", false)
	f("f", "0.3", true)
	f("s", `"3"`, true)
	f("s", "3", false)
	f("none", "null", true)
	f("none", "0", false)
	f("n", "null", false)
	list := func(key string, parts ...string) {
		t.Helper()
		m := rules.Member{Name: "key", List: []event.Value{}}
		for _, p := range parts {
			m.List = append(m.List, event.StringValue(p))
		}
		if fmt.Sprint(sameKey(&m, []string{"a", "1"})) != key {
			t.Errorf("key %v: want %s", parts, key)
		}
	}
	list("true", "a", "1")
	list("false", "1", "a")
	list("false", "a")
	list("false")
}

// TestLittleExpected checks that an expectation that names little takes the opening that is left, not the one that
// another expectation needs.
func TestLittleExpected(t *testing.T) {
	res := runOne(t, `
rules:
  each: {event: E, by: k, when: x > 0}
tests:
  - name: t
    rule: each
    given:
      - {type: E, time: 2026-01-01T10:00:00Z, k: a, x: 1}
      - {type: E, time: 2026-01-01T10:00:01Z, k: b, x: 1}
    expect:
      - {}
      - {key: a}
`)
	if !res.Passed() {
		t.Errorf("failed:\n%s", res.Text())
	}
}

// TestUntil checks that a test with until does not see what comes later, nor drains.
func TestUntil(t *testing.T) {
	const src = `
rules:
  close: {event: E, by: k, let: {n: count each 1m}, when: n > 0}
tests:
  - name: t
    rule: close
    time: {order: %s, disorder: 0s}
    until: %s
    given:
      - {type: E, time: 2026-01-01T10:00:00Z, k: a}
      - {type: E, time: 2026-01-01T10:01:10Z, k: a}
      - {type: E, time: 2026-01-01T10:03:00Z, k: a}
    expect:
%s
`
	f := func(order, until, expect string) {
		t.Helper()
		if res := runOne(t, fmt.Sprintf(src, order, until, expect)); !res.Passed() {
			t.Errorf("order %s until %s:\n%s", order, until, res.Text())
		}
	}
	for _, order := range []string{"arrival", "time"} {
		f(order, "2026-01-01T10:00:59.999Z", "      []")
		f(order, "2026-01-01T10:01:00Z", "      - {time: 2026-01-01T10:01:00Z}")
		f(order, "2026-01-01T10:02:00Z", "      - {time: 2026-01-01T10:01:00Z}") // the second minute updates it
	}
}

// runOne runs the only test of a file.
func runOne(t *testing.T, src string) *Result {
	t.Helper()
	set, err := rules.LoadBytes("r.yml", []byte(src), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := New(set, Options{Time: engine.TimeSpec{Disorder: 2000}}).Run(set.Tests[0])
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestTwice checks that a runner's tests do not see each other, and that a result is the same each time.
func TestTwice(t *testing.T) {
	set, err := rules.LoadBytes("r.yml", []byte(`
rules:
  burst: {event: E, by: k, let: {n: count over 10m}, when: n > 1}
tests:
  - {name: a, rule: burst, given: [{type: E, time: 2026-01-01T10:00:00Z, k: a}], expect: [{key: a}]}
  - {name: b, rule: burst, given: [{type: E, time: 2026-01-01T10:00:01Z, k: a}], expect: []}
`), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := New(set, Options{})
	var texts []string
	for range 2 {
		for i, passed := range []bool{false, true} {
			res, err := r.Run(set.Tests[i])
			if err != nil {
				t.Fatal(err)
			}
			if res.Passed() != passed {
				t.Errorf("test %d: passed %t\n%s", i, res.Passed(), res.Text())
			}
			texts = append(texts, res.Text())
		}
	}
	if texts[0] != texts[2] || !strings.Contains(texts[0], "n > 1") {
		t.Errorf("first\n%s\nthen\n%s", texts[0], texts[2])
	}
}

// TestMany checks that a test which fails with many openings is told in few words.
func TestMany(t *testing.T) {
	res := runOne(t, `
rules:
  each: {event: E, by: k, when: x > 0}
tests:
  - name: t
    rule: each
    given: [{repeat: 5000, every: 1s, type: E, time: 2026-01-01T10:00:00Z, k: a, x: 1}]
    expect: []
`)
	if text := res.Text(); len(res.Lines) != 5000 || len(text) > 5000 || !strings.Contains(text, "… and 4980 more") {
		t.Errorf("%d lines:\n%s", len(res.Lines), text)
	}
}
