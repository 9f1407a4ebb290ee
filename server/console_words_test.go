package server

import (
	"crypto/sha256"
	"testing"
	"time"

	"kelpie/event"
)

func TestSpanText(t *testing.T) {
	f := func(ms int64, want string) {
		t.Helper()
		if got := spanText(ms); got != want {
			t.Errorf("%d: %q, want %q", ms, got, want)
		}
	}
	f(-5, "0 s")
	f(999, "0 s")
	f(59_999, "59 s")
	f(60_000, "1 min")
	f(3_599_000, "59 min")
	f(3_600_000, "1 h")
	f(8_100_000, "2 h 15 min")
	f(86_400_000, "1 d")
	f(90_000_000, "1 d 1 h")
}

func TestValueText(t *testing.T) {
	f := func(json, want string) {
		t.Helper()
		v, err := event.DecodeJSON([]byte(json))
		if err != nil {
			t.Fatal(err)
		}
		if got := valueText(v); got != want {
			t.Errorf("%s: %q, want %q", json, got, want)
		}
	}
	f(`6`, "6")
	f(`2026`, "2026")
	f(`-12345`, "-12\u202f345")
	f(`1234567.25`, "1\u202f234\u202f567.25")
	f(`60.25`, "60.25")
	f(`0.05333333333333333`, "0.05333")
	f(`12345.678912345`, "12\u202f345.68")
	f(`"C1"`, "C1")
	f(`""`, `""`)
	f(`"<b>"`, "<b>")
	f(`true`, "true")
	f(`null`, "null")
}

func TestBytesText(t *testing.T) {
	f := func(n int64, want string) {
		t.Helper()
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	f(0, "0 B")
	f(1023, "1023 B")
	f(1536, "1.5 KiB")
	f(12<<20, "12 MiB")
	f(3<<40, "3.0 TiB")
}

// TestSessionsAreBounded begins more sessions than there may be: the oldest end.
func TestSessionsAreBounded(t *testing.T) {
	var x sessions
	now := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	ids := make([]string, mostSessions+2)
	for i := range ids {
		ids[i] = x.begin(&bearer{}, now.Add(time.Duration(i)*time.Second))
	}
	for i, id := range ids {
		if is := x.find(id, now) != nil; is != (i >= 2) {
			t.Errorf("session %d is there: %v", i, is)
		}
	}
	late := now.Add(2 * sessionLife)
	x.begin(&bearer{}, late)
	if len(x.all) != 1 {
		t.Errorf("%d sessions are kept when all but one are over", len(x.all))
	}
	x.end("nobody's")
	if x.all[sha256.Sum256([]byte(ids[5]))] != nil {
		t.Error("a session that is over is kept")
	}
}

// TestOnlyHere wants to be led to the console's own pages.
func TestOnlyHere(t *testing.T) {
	for _, next := range []string{"/", "/rules", "/alerts/3f2a", "/silences?match=rule%3Da"} {
		if got := onlyHere(next); got != next {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	for _, next := range []string{"", "rules", "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/a\r\nX: y", "/\t/evil.example", "\\\\evil.example", "/%zz"} {
		if got := onlyHere(next); got != "/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

// TestProofsAreBounded keeps what was found last.
func TestProofsAreBounded(t *testing.T) {
	var c proofCache
	for i := range mostProofs + 2 {
		c.put(string(rune('A'+i)), &proofs{})
		c.put(string(rune('A'+i)), &proofs{})
	}
	if len(c.found) != mostProofs || len(c.order) != mostProofs || c.get("B") != nil || c.get("C") == nil {
		t.Errorf("%d are kept, in %d places", len(c.found), len(c.order))
	}
}
