package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/evidence"
)

func (s *Server) evidenceRoutes() []*Route {
	return []*Route{{Method: http.MethodGet, Path: "/v1/alerts/{id}/events", Scope: Read, Handler: s.getAlertEvents}}
}

// evidenceTimeout is how long the log is read for one alert.
const evidenceTimeout = 20 * time.Second

// Evidence finds the events of an alert's windows again in the log: the last ones, at most limit, each as JSON, as they may
// be seen. whole is false if part of the log could not be read.
func (s *Server) Evidence(ctx context.Context, id string, limit int) (events [][]byte, whole bool, p *Problem) {
	a, err := alert.Get(s.o.Store, id) // whose key is not masked
	if err != nil {
		return nil, false, s.broken(err)
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	set := s.o.Service.Figures().Set
	if a.Rules != "" {
		plan, err := engine.StoredPlan(s.o.Store, a.Rules)
		if err != nil {
			return nil, false, s.broken(err)
		}
		if plan != nil {
			set = plan.Set
		}
	}
	if set == nil {
		return nil, false, starting()
	}
	q := evidence.Query{Alert: a, Rules: set, Event: s.o.Event, Limit: limit, Damaged: func(err error) {
		s.o.Logger.Error("kelpie: damage of the log", "error", err)
	}}
	events, err = evidence.Find(ctx, s.o.Log, q, evidence.Form(s.o.Mask))
	switch {
	case errors.Is(err, evidence.ErrNoRule):
		return nil, false, problem(http.StatusNotFound, "no-rule", "No such rule", "%v any more, so that nothing says which events belong to the alert", err)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, false, problem(http.StatusServiceUnavailable, "too-long", "It takes too long", "the log was read for %v", evidenceTimeout)
	case err != nil && !errors.Is(err, evidence.ErrDamaged):
		return nil, false, s.broken(err)
	}
	return events, err == nil, nil
}

func (s *Server) getAlertEvents(w http.ResponseWriter, r *http.Request) {
	x := paramsOf(r)
	limit := x.number("limit", 1000, 1, 10_000)
	p := x.end()
	var a *ListedAlert
	if p == nil {
		a, p = s.FindAlert(r.PathValue("id"))
	}
	var events [][]byte
	var whole bool
	if p == nil {
		events, whole, p = s.Evidence(r.Context(), a.ID, limit)
	}
	if p != nil {
		p.write(w)
		return
	}
	b := strconv.AppendQuote([]byte(`{"alert":`), a.ID)
	b = strconv.AppendBool(append(b, `,"whole":`...), whole)
	b = append(b, `,"events":[`...)
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e[:len(e)-1]...) // without the line's end
	}
	writeBytes(w, append(b, "]}\n"...))
}
