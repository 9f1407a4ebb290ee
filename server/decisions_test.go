package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const deciding = `
tables:
  credit:
    key: customer_id
    on:
      CreditLimitChanged: {limit: limit}
      OrderCreated:       {outstanding: += amount}
      DecisionMade:       {outstanding: '-= decision.answer == "block" ? amount : 0'}
rules:
  over-credit-limit: {event: OrderCreated, by: customer_id, when: credit.outstanding > credit.limit, decide: block}
  large: {event: OrderCreated, by: customer_id, when: amount > 500, decide: review, mode: shadow}
`

// decision is an answer.
type decision struct {
	Decision, Position string
	Rules, Alerts      []string
	Shadow             []struct{ Rule, Decision, Mode string }
	Default, Duplicate bool
}

func (h *house) decide(id string, amount int) (d decision) {
	h.t.Helper()
	a := h.postTo("/v1/decisions", fmt.Sprintf(`{"type":"OrderCreated","time":%q,"id":%q,"customer_id":"c1","amount":%d}`, time.Now().Format(time.RFC3339Nano), id, amount))
	if a.status != http.StatusOK {
		h.t.Errorf("%s: %d %s", id, a.status, a.body)
		return d
	}
	if err := json.Unmarshal([]byte(a.body), &d); err != nil {
		h.t.Error(err)
	}
	return d
}

// TestDecisions asks whether orders may go on: a blocked one does not count against the customer, and who asks again gets
// the same answer, also after a restart.
func TestDecisions(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.rules, h.spec.DecideWithin = deciding, 30*time.Second
	h.open()
	h.post(fmt.Sprintf(`{"type":"CreditLimitChanged","time":%q,"customer_id":"c1","limit":1000}`, time.Now().Format(time.RFC3339Nano)))
	if d := h.decide("a", 600); d.Decision != "allow" || d.Position == "" || len(d.Rules) != 0 || len(d.Shadow) != 1 || d.Shadow[0].Rule != "large" {
		t.Errorf("%+v", d)
	}
	blocked := h.decide("b", 700)
	if blocked.Decision != "block" || !slices.Equal(blocked.Rules, []string{"over-credit-limit"}) || len(blocked.Alerts) != 1 {
		t.Errorf("%+v", blocked)
	}
	if d := h.decide("c", 400); d.Decision != "allow" {
		t.Errorf("the blocked order counts against the next one: %+v", d)
	}
	again := func() {
		t.Helper()
		d := h.decide("b", 700)
		if d.Decision != "block" || !d.Duplicate || d.Position != blocked.Position {
			t.Errorf("asked again: %+v, first %+v", d, blocked)
		}
	}
	again()
	var all sync.WaitGroup
	for range 8 { // at once
		all.Go(func() { h.decide("d", 1) })
	}
	all.Wait()
	if d := h.decide("e", 1); d.Decision != "block" {
		t.Errorf("%+v", d)
	}
	n := 0
	for _, line := range h.loggedFrom("decisions", "decided") {
		if strings.Contains(line, `"id":"d"`) {
			n++
		}
	}
	if n != 2 { // the event, and what was decided
		t.Errorf("one event is in the log %d times", n)
	}
}

// TestNoDecision posts what cannot be decided.
func TestNoDecision(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.rules = deciding
	h.open()
	now := time.Now()
	f := func(body string, status int, name string, header ...string) {
		t.Helper()
		if a := h.postTo("/v1/decisions", body, header...); a.status != status || a.Type != "urn:kelpie:"+name {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	f("", http.StatusBadRequest, "malformed")
	f("["+order("a", "c", now)+","+order("b", "c", now)+"]", http.StatusBadRequest, "one-event")
	f(`{"type":"OrderCreated"}`, http.StatusUnprocessableEntity, "refused")
	f(order("a", "c", now.Add(time.Hour)), http.StatusUnprocessableEntity, "refused")
	f(order("a", "c", now)+"\n"+order("b", "c", now), http.StatusBadRequest, "one-event", "Content-Type", "application/x-ndjson")
	h.post(order("x", "c", now))
	f(order("x", "c", now), http.StatusConflict, "not-asked")
	h.until("in the list of refused events", func() bool { return len(h.rejected()) == 2 })
}
