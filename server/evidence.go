package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/evidence"
)

func (s *Server) evidenceRoutes() []*Route {
	return []*Route{{Method: http.MethodGet, Path: "/v1/alerts/{id}/events", Scope: Read, Handler: s.getAlertEvents}}
}

// evidenceTimeout is how long the log is read for one alert.
const evidenceTimeout = 20 * time.Second

// Evidence are the events of an alert's windows.
type Evidence struct {
	Events  [][]byte // each as JSON, as it may be seen
	Missing []string // what could not be read, a sentence each: then there may be more events
}

// Evidence finds the events of an alert's windows again, in the log and in the topics that it notes: the last ones, at most
// limit.
func (s *Server) Evidence(ctx context.Context, id string, limit int) (found Evidence, p *Problem) {
	a, err := alert.Get(s.o.Store, id) // whose key is not masked
	if err != nil {
		return found, s.broken(err)
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	set := s.o.Service.Figures().Set
	if a.Rules != "" {
		plan, err := engine.StoredPlan(s.o.Store, a.Rules)
		if err != nil {
			return found, s.broken(err)
		}
		if plan != nil {
			set = plan.Set
		}
	}
	if set == nil {
		return found, starting()
	}
	q := evidence.Query{Alert: a, Rules: set, Event: s.o.Event, ByTime: s.o.ByTime, Limit: limit, Records: s.o.Records, Missing: func(err error) {
		s.o.Logger.Warn("kelpie: events behind an alert are missing", "alert", id, "error", err)
		found.Missing = append(found.Missing, err.Error())
	}}
	found.Events, err = evidence.Find(ctx, s.o.Log, q, evidence.Form(s.o.Mask))
	switch {
	case errors.Is(err, evidence.ErrNoRule):
		return found, problem(http.StatusNotFound, "no-rule", "No such rule", "%v any more, so that nothing says which events belong to the alert", err)
	case errors.Is(err, context.DeadlineExceeded):
		return found, problem(http.StatusServiceUnavailable, "too-long", "It takes too long", "the log, and topics that it notes, were read for %v", evidenceTimeout)
	case err != nil && !errors.Is(err, evidence.ErrPartial):
		return found, s.broken(err)
	}
	return found, nil
}

func (s *Server) getAlertEvents(w http.ResponseWriter, r *http.Request) {
	x := paramsOf(r)
	limit := x.number("limit", 1000, 1, 10_000)
	p := x.end()
	var a *ListedAlert
	if p == nil {
		a, p = s.FindAlert(r.PathValue("id"))
	}
	var found Evidence
	if p == nil {
		found, p = s.Evidence(r.Context(), a.ID, limit)
	}
	if p != nil {
		p.write(w)
		return
	}
	b := strconv.AppendQuote([]byte(`{"alert":`), a.ID)
	b = strconv.AppendBool(append(b, `,"whole":`...), len(found.Missing) == 0)
	b = append(b, `,"missing":[`...)
	for i, what := range found.Missing {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendJSON(b, event.StringValue(what))
	}
	b = append(b, `],"events":[`...)
	for i, e := range found.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e[:len(e)-1]...) // without the line's end
	}
	writeBytes(w, append(b, "]}\n"...))
}
