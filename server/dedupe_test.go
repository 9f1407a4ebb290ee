package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
)

// TestSentAgain sends events again, also after a restart: each is in the log once, and answered with its position.
func TestSentAgain(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	now := time.Now()
	var lines []string
	for i := range 500 {
		lines = append(lines, order(fmt.Sprintf("e%d", i), "c1", now))
	}
	body := strings.Join(lines, "\n")
	if a := h.post(body, "Content-Type", "application/x-ndjson"); a.Accepted != 500 {
		t.Fatal(a.body)
	}
	for restart := range 3 {
		a := h.post(body+"\n"+order(fmt.Sprintf("new%d", restart), "c2", now), "Content-Type", "application/x-ndjson")
		if a.status != http.StatusOK || a.Accepted != 1 || a.Duplicates != 500 {
			t.Fatalf("restart %d: %d accepted, %d duplicates", restart, a.Accepted, a.Duplicates)
		}
		for i, e := range a.Events[:500] {
			if e.Position != h.at(i) || e.Status != "duplicate" || e.Index != i {
				t.Fatalf("event %d: %+v", i, e)
			}
		}
		if err := h.close(); err != nil {
			t.Fatal(err)
		}
		h.start()
		h.ready()
	}
	if n := len(h.logged()); n != 503 {
		t.Errorf("%d events are in the log", n)
	}
}

// TestSentAtOnce sends the same events from many clients at the same time.
func TestSentAtOnce(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	now := time.Now()
	var mu sync.Mutex
	at := map[string]string{} // positions by id
	accepted := 0
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for i := range 10 {
				a := h.post("[" + order(fmt.Sprintf("a%d", i), "c", now) + "," + order(fmt.Sprintf("b%d", i), "c", now) + "]")
				mu.Lock()
				for j, name := range []string{"a", "b"} {
					id := fmt.Sprint(name, i)
					if p := at[id]; p != "" && p != a.Events[j].Position {
						t.Errorf("%s is at %s and at %s", id, p, a.Events[j].Position)
					}
					at[id] = a.Events[j].Position
				}
				accepted += a.Accepted
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	if n := len(h.logged()); n != 20 || accepted != 20 {
		t.Errorf("%d events are in the log, %d were accepted, want 20", n, accepted)
	}
}

// TestForgotten lets more ids come than are remembered, and time pass.
func TestForgotten(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.spec.DedupeIDs = 3
	began := time.Now()
	var later time.Duration // what the clock shows beyond began
	var mu sync.Mutex
	h.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return began.Add(later)
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		later += d
	}
	h.open()
	send := func(id string, want int) {
		t.Helper()
		if a := h.post(order(id, "c", began)); a.Accepted != want {
			t.Errorf("%s: %s", id, a.body)
		}
	}
	for _, id := range []string{"1", "2", "3"} {
		send(id, 1)
		pass(time.Second)
	}
	if s := h.api.Stats().Known; s.IDs != 3 || s.Span != 10*time.Minute {
		t.Errorf("%+v", s)
	}
	send("4", 1)
	if s := h.api.Stats().Known; s.IDs != 3 || s.Span != 3*time.Second {
		t.Errorf("%+v, but the oldest had to go", s)
	}
	send("2", 0)
	send("1", 1)
	pass(9 * time.Minute)
	send("4", 0)
	pass(time.Minute)
	send("4", 1)
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.ready()
	send("4", 0)
	send("3", 1)
}

// TestSpanAfterRestart wants a service that was started again to say how far back ids are known, as the one before did.
func TestSpanAfterRestart(t *testing.T) {
	for _, events := range []int{3, 4} {
		h := newHouse(t, vfs.NewMem())
		h.spec.DedupeIDs = 3
		h.open()
		for i := range events {
			if a := h.post(order(fmt.Sprint(i), "c", time.Now())); a.Accepted != 1 {
				t.Fatal(a.body)
			}
		}
		for restart := range 2 {
			if s := h.api.Stats().Known; s.IDs != 3 || (s.Span < 10*time.Minute) != (events > 3) {
				t.Errorf("%d events, %d restarts: %+v", events, restart, s)
			}
			if err := h.close(); err != nil {
				t.Fatal(err)
			}
			h.start()
			h.ready()
		}
	}
}

// TestIdentity wants a CloudEvent known by source and id, another event by its id, and one without id by nothing.
func TestIdentity(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.event = event.Spec{ID: "order.id"}
	h.open()
	now := time.Now().Format(time.RFC3339)
	cloud := func(source, id string) string {
		return fmt.Sprintf(`{"specversion":"1.0","type":"x","time":%q,"source":%q,"order":{"id":%s}}`, now, source, id)
	}
	send := func(body string, want int) {
		t.Helper()
		if a := h.post(body); a.Accepted != want {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	send(cloud("a", `"1"`), 1)
	send(cloud("a", `1`), 0) // as keys are compared
	send(cloud("b", `"1"`), 1)
	send(fmt.Sprintf(`{"type":"x","time":%q,"source":"a","order":{"id":1}}`, now), 1)
	send(fmt.Sprintf(`{"type":"x","time":%q,"source":"c","order":{"id":1}}`, now), 0)
	for range 2 {
		send(fmt.Sprintf(`{"type":"x","time":%q,"id":"7","order":{"id":null}}`, now), 1)
	}
}
