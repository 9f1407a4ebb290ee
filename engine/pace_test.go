package engine

import (
	"testing"
	"time"
)

// TestPace holds when commits may begin, in milliseconds: after ones that took little time and ones that took much.
func TestPace(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	f := func(began, ended, since int, urgent bool, want int) {
		t.Helper()
		p := Pace{Gather: 50 * time.Millisecond}
		p.Ended(at(began), at(ended))
		if got := p.Due(at(since), urgent).UnixMilli(); got != int64(want) {
			t.Errorf("after a commit from %d to %d, what has been gathered since %d, urgent %v, is due at %d, want %d",
				began, ended, since, urgent, got, want)
		}
	}
	f(1000, 1001, 1002, true, 1011) // a pause of a fifth of 50 ms
	f(1000, 1001, 2000, true, 1011) // long past: at once
	f(1000, 1001, 1020, false, 1070)
	f(1000, 1030, 1020, true, 1060)
	f(1000, 1030, 1020, false, 1070)
	f(1000, 1060, 1020, false, 1120) // gathered for longer than 50 ms by then
	f(1000, 9000, 1020, true, 9200)
	f(1000, 9000, 8999, false, 9200)

	var first Pace
	if first.Due(at(1000), true).After(at(1000)) {
		t.Error("the first commit has to wait")
	}
}
