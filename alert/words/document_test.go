package words

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kelpie/alert"
	"kelpie/alert/alerttest"
)

// TestFits wants every document within its limit, with as many alerts as there is room for and the others counted.
func TestFits(t *testing.T) {
	f := func(alerts, max, least int, grow func(a *alert.Alert)) {
		t.Helper()
		n := alerttest.Group(alerts, alert.KindOpened)
		n.Omitted = 3
		for _, notice := range n.Alerts {
			grow(notice.Alert)
		}
		b, err := Document(n, max)
		if err != nil || len(b) > max {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		var d envelope
		if err := json.Unmarshal(b, &d); err != nil {
			t.Fatal(err)
		}
		if got := len(d.Data.Alerts); got < least || got+d.Data.Omitted != alerts+3 {
			t.Errorf("%d alerts and %d omitted, want at least %d", got, d.Data.Omitted, least)
		}
	}
	f(10, 1<<20, 10, func(*alert.Alert) {})
	f(10_000, 1<<20, 1000, func(*alert.Alert) {})
	f(4, 1<<20, 4, func(a *alert.Alert) { a.Message = strings.Repeat("m", 1<<20) })
	f(2, 64<<10, 1, func(a *alert.Alert) {
		a.Message, a.Key = strings.Repeat("\x01", 1<<20), slices.Repeat([]string{strings.Repeat("\x01", 1<<10)}, 1000)
		a.Values = slices.Repeat([]alert.Value{{Name: strings.Repeat("\x01", 1<<10)}}, 1000)
	})
}
