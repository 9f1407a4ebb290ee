package rules

import (
	"strings"
	"testing"
)

func TestDuration(t *testing.T) {
	f := func(in string, want int64, back string) {
		t.Helper()
		ms, err := ParseDuration(in)
		if err != nil || ms != want || FormatDuration(ms) != back {
			t.Errorf("%s: %d %v, written %s", in, ms, err, FormatDuration(ms))
		}
	}
	f("500ms", 500, "500ms")
	f("30s", 30_000, "30s")
	f("10m", 600_000, "10m")
	f("120m", 7_200_000, "2h")
	f("7d", 604_800_000, "1w")
	f("4w", 4*604_800_000, "4w")
	f("0s", 0, "0s")
	f("1000ms", 1000, "1s")

	bad := func(in, want string) {
		t.Helper()
		if ms, err := ParseDuration(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d, %v", in, ms, err)
		}
	}
	bad("", "expected a duration")
	bad("10", "has no unit")
	bad("m", "expected a duration")
	bad("-5m", "expected a duration")
	bad("1.5h", "is no duration")
	bad("1h30m", "is no duration")
	bad("10 m", "is no duration")
	bad("99999999999999999999m", "too long")
	bad("9223372036854775807ms", "too long")
	bad("36600001d", "too long")
}

func TestDidYouMean(t *testing.T) {
	f := func(written, want string, candidates ...string) {
		t.Helper()
		if want != "" {
			want = "did you mean " + want + "?"
		}
		if got := didYouMean(written, candidates); got != want {
			t.Errorf("%s: %q", written, got)
		}
	}
	f("evnt", "event", "every", "event", "let")
	f("wehn", "when", "where", "when")
	f("amuont", "amount", "account", "amount")
	f("x", "y", "y")
	f("customer", "", "amount", "status")
	f("", "", "a")
	f(strings.Repeat("x", 1000), "", "xxx")
	f("größ", "größe", "größe")
}
