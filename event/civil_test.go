package event

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAppendTime compares the plain years with the standard library.
func TestAppendTime(t *testing.T) {
	check := func(ms int64) {
		want := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		if got := FormatTime(ms); got != want {
			t.Fatalf("FormatTime(%d) = %s, want %s", ms, got, want)
		}
	}
	for _, ms := range []int64{0, -1, minPlain, minPlain - 1, maxPlain - 1, maxPlain, 951_782_399_999, 951_782_400_000, 951_868_800_000} {
		check(ms)
	}
	for day := int64(minPlain); day < maxPlain; day += 86_400_000 * 7 {
		check(day)
	}
	rapid.Check(t, func(r *rapid.T) { check(rapid.Int64Range(minPlain-1e12, maxPlain+1e12).Draw(r, "ms")) })
}
