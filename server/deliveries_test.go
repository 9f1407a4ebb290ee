package server_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/server"
)

// gate is a receiver of groups that refuses everything until it is opened.
type gate struct {
	mu   sync.Mutex
	open bool
}

func (g *gate) NotifyGroup(context.Context, *alert.Notification) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		return "", &alert.DeliveryError{Err: errors.New("no such channel"), Final: true, Code: 404}
	}
	return "", nil
}

// lift opens the gate.
func (g *gate) lift() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
}

// team is a receiver of groups behind a gate.
func (g *gate) team() []alert.GroupReceiver {
	return []alert.GroupReceiver{{ReceiverSpec: alert.ReceiverSpec{Name: "team"}, Notifiers: []alert.NamedNotifier{{Kind: "hook", Notifier: g}}}}
}

// TestDeliveries follows a notification that is given up, is asked for again and arrives.
func TestDeliveries(t *testing.T) {
	g := &gate{}
	h := newHouse(t, vfs.NewMem())
	h.groups = g.team()
	h.open()
	h.bursts("c1")
	id := h.alerts("").Alerts[0].ID
	var d server.Deliveries
	hook := func() *server.Delivery {
		d = server.Deliveries{}
		h.ask("GET", "/v1/alerts/"+id+"/deliveries", "", &d)
		for i := range d.Deliveries {
			if d.Deliveries[i].Receiver == "team/hook" {
				return &d.Deliveries[i]
			}
		}
		return &server.Delivery{}
	}
	h.until("given up", func() bool { return hook().GivenUp })
	if x := hook(); x.Attempts != 1 || x.Kind != alert.KindOpened || x.Error != "no such channel" || len(x.Tries) != 1 || x.Tries[0].Code != 404 || x.Done == "" {
		t.Errorf("what was given up is %+v", x)
	}
	g.lift()
	var sending struct{ Sending int }
	if x := h.ask("POST", "/v1/alerts/"+id[:8]+"/redeliver", `{"receiver":"team"}`, &sending); x.status != http.StatusAccepted || sending.Sending != 1 {
		t.Errorf("asked for again: %d %s", x.status, x.body)
	}
	h.until("delivered", func() bool { return hook().Done != "" && !hook().GivenUp })
	if x := hook(); x.Attempts != 2 || x.Error != "" {
		t.Errorf("what was delivered is %+v", x)
	}
	if len(d.Deliveries) != 2 || len(d.Held) != 0 { // standard output was told, too
		t.Errorf("deliveries are %+v", d)
	}
	for body, want := range map[string]int{`{"receiver":"nobody"}`: 404, `{"to":"team"}`: 400, `[`: 400} {
		if x := h.ask("POST", "/v1/alerts/"+id+"/redeliver", body, nil); x.status != want {
			t.Errorf("%s: %d %s", body, x.status, x.body)
		}
	}
	for _, path := range []string{"/v1/alerts/ffffffff/deliveries", "/v1/alerts/" + id + "/deliveries?x=1"} {
		if x := h.ask("GET", path, "", nil); x.status < 400 || x.status >= 500 {
			t.Errorf("%s: %d %s", path, x.status, x.body)
		}
	}
}
