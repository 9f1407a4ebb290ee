package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kelpie/alert"
	"kelpie/state"
)

// What the page of alerts shows at most.
const (
	mostOpenShown     = 300
	mostResolvedShown = 8
	resolvedLookedAt  = 500
)

// card is an alert as the console shows it.
type card struct {
	ListedAlert
	Now int64 // event time, to which the alert's own times are compared
}

// For says how long the alert has been open, or was.
func (c *card) For() string {
	if !c.Open() {
		return spanText(c.Resolved - c.Opened)
	}
	return spanText(c.Now - c.Opened)
}

// Fields returns the key's values with the names of their fields.
func (c *card) Fields() (all []pair) {
	for i, text := range c.Key {
		name := ""
		if i < len(c.By) {
			name = c.By[i]
		}
		all = append(all, pair{name, text})
	}
	return all
}

// alertsPage is the content of the page of alerts.
type alertsPage struct {
	Urgent   []card // nobody takes care of them
	Taken    []card // acknowledged
	Quiet    []card // silenced, or of rules that only watch
	Resolved []card // the last ones
	More     bool   // there are more that are open
	Troubles []string
}

// Open is how many alerts are open and told of, as far as they are shown.
func (p *alertsPage) Open() int { return len(p.Urgent) + len(p.Taken) }

func (s *Server) pageAlerts(w http.ResponseWriter, r *http.Request) {
	page, err := s.alertsNow(r.Context())
	if err != nil {
		s.deny(w, r, s.broken(err))
		return
	}
	title := "No open alerts"
	if n := page.Open(); n > 0 {
		title = fmt.Sprintf("(%d) %s", n, plural(n, "open alert", "open alerts"))
	}
	s.show(w, r, http.StatusOK, "alerts", frame{Title: title, Here: "alerts", Content: page})
}

// alertsNow reads what the page of alerts shows.
func (s *Server) alertsNow(ctx context.Context) (*alertsPage, error) {
	open, err := s.ListAlerts(ctx, AlertQuery{Query: alert.Query{State: alert.Firing}, Limit: mostOpenShown})
	if err != nil {
		return nil, err
	}
	over, err := s.lastResolved()
	if err != nil {
		return nil, err
	}
	now := s.eventNow()
	page := &alertsPage{More: open.Next != "", Troubles: s.troubles()}
	for _, a := range open.Alerts {
		switch c := (card{a, now}); {
		case len(a.SilencedBy) > 0 || a.Mode == alert.Shadow:
			page.Quiet = append(page.Quiet, c)
		case a.Acknowledged != nil:
			page.Taken = append(page.Taken, c)
		default:
			page.Urgent = append(page.Urgent, c)
		}
	}
	for _, list := range [][]card{page.Urgent, page.Taken, page.Quiet} {
		slices.SortStableFunc(list, worstFirst)
	}
	for _, a := range over {
		page.Resolved = append(page.Resolved, card{ListedAlert{Alert: a}, now})
	}
	return page, nil
}

// worstFirst orders alerts by severity, then the newest first.
func worstFirst(a, b card) int {
	return cmp.Or(cmp.Compare(slices.Index(severities, b.Severity), slices.Index(severities, a.Severity)), cmp.Compare(b.Opened, a.Opened))
}

// lastResolved returns the alerts that have resolved last, of those that opened last.
func (s *Server) lastResolved() ([]*alert.Alert, error) {
	over, err := alert.List(s.o.Store, alert.Query{State: alert.Resolved, Limit: resolvedLookedAt})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(over, func(a, b *alert.Alert) int { return cmp.Compare(b.Resolved, a.Resolved) })
	over = over[:min(len(over), mostResolvedShown)]
	for i := range over {
		over[i] = over[i].Masked(s.o.Mask)
	}
	return over, nil
}

// eventNow returns what time it is for the events: how far they, or the watermark, have come; the clock's time before
// there were any.
func (s *Server) eventNow() int64 {
	f := s.o.Service.Figures()
	if f.Engine == nil || f.Engine.Newest == state.NoTime {
		return s.o.Now().UnixMilli()
	}
	return max(f.Engine.Newest, f.Engine.Watermark)
}

// alertPage is the content of the page of one alert.
type alertPage struct {
	card
	*proofs
	Version    string // of the rules that run
	RuleText   string // of its rule as it runs; "" if it does not
	Deliveries []sentRow
	Held       []alert.Held // why receivers are not told
	Silences   []string     // those that hold now
}

// Command is what a terminal shows more with.
func (p *alertPage) Command() string {
	return "kelpie alerts show " + p.ID[:min(len(p.ID), 12)] + " --events"
}

func (s *Server) pageAlert(w http.ResponseWriter, r *http.Request) {
	a, p := s.FindAlert(r.PathValue("id"))
	if p != nil {
		s.deny(w, r, p)
		return
	}
	page := &alertPage{card: card{*a, s.eventNow()}, Silences: a.SilencedBy}
	f := s.o.Service.Figures()
	page.Version = f.Rules
	if f.Set != nil {
		if rule := f.Set.Rule(a.Rule); rule != nil {
			page.RuleText = rule.Text
		}
	}
	sent, held, err := alert.Deliveries(s.o.Store, a.ID)
	if err != nil {
		s.deny(w, r, s.broken(err))
		return
	}
	page.Deliveries, page.Held = s.sentRows(sent), held
	page.proofs = s.prove(r.Context(), a.Alert)
	title := strings.TrimSpace(a.Rule + " " + strings.Join(a.Key, ", "))
	s.show(w, r, http.StatusOK, "alert", frame{Title: title, Here: "alerts", Content: page})
}

// sentRow is what became of a message about an alert.
type sentRow struct {
	alert.Delivery
	Again bool // it was given up, and can be sent again
}

// sentRows says which of the deliveries can be sent again: those to receivers of groups that were given up, if nothing was
// sent to the same one later.
func (s *Server) sentRows(all []alert.Delivery) []sentRow {
	groups := map[string]bool{}
	if s.o.Teller != nil {
		stats := s.o.Teller.RouterStats()
		for i := range stats.Receivers {
			groups[stats.Receivers[i].Receiver] = true
		}
	}
	rows := make([]sentRow, len(all))
	for i, d := range slices.Backward(all) {
		rows[i] = sentRow{d, d.GivenUp && groups[d.Receiver]}
		delete(groups, d.Receiver)
	}
	return rows
}
