package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPostEvents posts events: they are in the log as they came, folded, and somebody is told.
func TestPostEvents(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	now := time.Now()
	one, two, three := order("e1", "c1", now), order("e2", "c1", now), order("", "c2", now)
	a := h.post(one)
	if a.status != http.StatusOK || a.Accepted != 1 || len(a.Events) != 1 || a.Events[0].Position != h.at(0) || a.Events[0].Status != "accepted" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = h.post(fmt.Sprintf("\n[ %s,\n  %s , {\"type\":\n\t\"x\",,}, %s]\n", two, three, one))
	if a.status != http.StatusMultiStatus || a.Accepted != 2 || a.Refused != 1 || a.Duplicates != 1 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	e := a.Events
	if e[0].Position != h.at(1) || e[1].Position != h.at(2) || e[3].Status != "duplicate" || e[3].Position != h.at(0) || e[3].Index != 3 {
		t.Error(a.body)
	}
	if e[2].Status != "refused" || e[2].Position != "http@1" || e[2].Line != 4 || e[2].Column != 6 || e[2].Reason != "not-json" || e[2].Index != 2 {
		t.Error(a.body)
	}
	if got, want := h.logged(), []string{one, two, three}; !slices.Equal(got, want) {
		t.Errorf("the log holds %q", got)
	}
	h.until("told", func() bool {
		h.told.mu.Lock()
		defer h.told.mu.Unlock()
		return slices.Contains(h.told.got, "burst opened")
	})
	h.until("in the list of refused events", func() bool {
		return slices.Equal(h.rejected(), []string{"http@1 not-json {\"type\":\n\t\"x\",,}"})
	})
}
