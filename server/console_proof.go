package server

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"kelpie/alert"
)

// mostEventsShown is how many events of an alert are shown, the last ones.
const mostEventsShown = 50

// proof is one event of an alert's windows.
type proof struct {
	Position string
	Event    json.RawMessage // as it came
}

// Text is the event as it came.
func (x proof) Text() string { return string(x.Event) }

// proofs are the events behind an alert, the newest first.
type proofs struct {
	Events     []proof
	MoreEvents bool      // there are older ones
	NoEvents   string    // why they cannot be found; "" is that they can
	Missing    []string  // what could not be read, a sentence each
	until      time.Time // when it is to be looked for again, if something is missing; zero: never
}

// proofCache keeps what was found in the log for the alerts that were looked at last: a page that keeps itself fresh must
// not read the log each time, and what was in the windows when an alert opened does not change.
type proofCache struct {
	mu    sync.Mutex
	found map[string]*proofs // by the alert's id
	order []string           // the oldest first
}

const mostProofs = 64

// lookAgain is after which time events that are missing are looked for once more: brokers may answer again.
const lookAgain = time.Minute

func (c *proofCache) get(id string) *proofs {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found[id]
}

func (c *proofCache) put(id string, p *proofs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		c.found = map[string]*proofs{}
	}
	if c.found[id] == nil {
		c.order = append(c.order, id)
	}
	c.found[id] = p
	if len(c.order) > mostProofs {
		delete(c.found, c.order[0])
		c.order = c.order[1:]
	}
}

// prove returns the events behind an alert.
func (s *Server) prove(ctx context.Context, a *alert.Alert) *proofs {
	now := s.o.Now()
	if p := s.proofs.get(a.ID); p != nil && (p.until.IsZero() || now.Before(p.until)) {
		return p
	}
	found, why := s.Evidence(ctx, a.ID, mostEventsShown+1)
	if why != nil {
		return &proofs{NoEvents: why.Detail}
	}
	events := found.Events
	p := &proofs{MoreEvents: len(events) > mostEventsShown, Missing: found.Missing}
	if len(p.Missing) > 0 {
		p.until = now.Add(lookAgain)
	}
	if p.MoreEvents {
		events = events[1:]
	}
	for _, e := range events {
		var x proof
		if err := json.Unmarshal(e, &x); err == nil { // evidence writes JSON
			p.Events = append(p.Events, x)
		}
	}
	slices.Reverse(p.Events)
	if len(p.Missing) > 0 || len(p.Events) > 0 {
		s.proofs.put(a.ID, p)
	}
	return p
}
