package rules

import (
	"strings"
	"testing"
)

// TestBounds shows what the condition of a rule compares the facts n and s with.
func TestBounds(t *testing.T) {
	f := func(when, n, s string) {
		t.Helper()
		set, err := LoadBytes("rules.yml", []byte(`rules: {r: {event: A, by: k, params: {most: 5, share: 20%, long: 10m, home: DE}, let: {n: count over 1h, s: last(country) over 1h, b: n + 1}, when: '`+
			strings.ReplaceAll(when, "'", "''")+`'}}`), Options{})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if got := set.Rules[0].Bounds; len(got) != 3 || got[0] != n || got[1] != s || got[2] != "" {
			t.Errorf("%s: %q, want %q and %q", when, got, n, s)
		}
	}
	f("n > 5", "> 5", "")
	f("5 < n", "> 5", "")
	f("n >= most", ">= 5", "")
	f("n > most * 2 + 1", "> 11", "")
	f("n > share", "> 0.2", "")
	f("n > long", "> 600000", "")
	f("n > 1.50", "> 1.5", "")
	f(`s != home and n > 5`, "> 5", `!= "DE"`)
	f("1 <= n < 5", ">= 1 and < 5", "")
	f("n in 1..5", ">= 1 and <= 5", "")
	f("not (n in 1..5)", "< 1 or > 5", "")
	f("not (n <= 5)", "> 5", "")
	f("not (n <= 5 or amount > 3)", "> 5", "")
	f("n < 1 or n > 5", "< 1 or > 5", "")
	f("(n < 1 or n > 5) and n != 7", "(< 1 or > 5) and != 7", "")
	f("n > 5 and amount > 100 or n > 5", "> 5", "")
	f("amount > 100", "", "")
	f("n > amount", "", "")
	f("n > b", "", "")
	f("n + 1 > 5", "", "")
	f("n > 5 ? n > 6 : n > 7", "", "")
	f("(n ?? 0) > 5", "", "")
}
