package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"kelpie/alert"
	"kelpie/state"
)

func (s *Server) alertRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/v1/alerts", Scope: Read, Handler: s.getAlerts},
		{Method: http.MethodGet, Path: "/v1/alerts/{id}", Scope: Read, Handler: s.getAlert},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/acknowledge", Scope: Operate, Handler: s.postAcknowledge},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/label", Scope: Operate, Handler: s.postLabel},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/resolve", Scope: Operate, Handler: s.postResolve},
	}
}

// severities are those that rules may have.
var severities = []string{"info", "low", "medium", "high", "critical"}

// AlertQuery says which alerts are wanted. The zero value is all of them, newest first.
type AlertQuery struct {
	alert.Query // After and Limit are not used

	Match        alert.Matchers // on the alert's labels, as routes and silences see them
	Acknowledged *bool
	Silenced     *bool
	Verdict      string // true_positive, false_positive, none; "" is any

	After *alert.Alert // the last one that was looked at before: Opened and ID of it count
	Limit int          // at least 1
}

// AlertPage is what of the alerts was found.
type AlertPage struct {
	Alerts []ListedAlert
	Next   string // where the next page begins; "" at the end. A page may be short and have a next one
}

// ListedAlert is an alert with what is true of it now.
type ListedAlert struct {
	*alert.Alert
	SilencedBy []string // ids of silences that hold now
}

// alertsLookedAt is how many alerts a request looks at. A page whose filters let less through than it wants ends there.
const alertsLookedAt = 10_000

// ListAlerts returns alerts by the time of their opening, as they were committed last and as they may be seen.
func (s *Server) ListAlerts(ctx context.Context, q AlertQuery) (page AlertPage, err error) {
	silences, err := alert.Silences(s.o.Store)
	if err != nil {
		return page, err
	}
	now := s.o.Now().UnixMilli()
	q.Mask = s.o.Mask
	chunk := q.Query
	chunk.After, chunk.Limit = q.After, 500
	for looked := 0; ctx.Err() == nil; {
		found, err := alert.List(s.o.Store, chunk)
		if err != nil {
			return page, err
		}
		for _, a := range found {
			if len(page.Alerts) == q.Limit || looked == alertsLookedAt {
				page.Next = cursorOf(chunk.After)
				return page, nil
			}
			chunk.After, looked = a, looked+1
			x := ListedAlert{a, alert.SilencedBy(silences, a, s.o.Mask, now)}
			if q.takes(&x) {
				x.Alert = a.Masked(s.o.Mask)
				page.Alerts = append(page.Alerts, x)
			}
		}
		if len(found) < chunk.Limit {
			break
		}
	}
	return page, nil
}

// takes reports whether an alert that the query for the state has let through is wanted.
func (q *AlertQuery) takes(a *ListedAlert) bool {
	is := func(want *bool, so bool) bool { return want == nil || *want == so }
	verdict := "none"
	if a.Verdict != nil {
		verdict = a.Verdict.Word
	}
	return is(q.Acknowledged, a.Acknowledged != nil) && is(q.Silenced, len(a.SilencedBy) > 0) &&
		(q.Verdict == "" || q.Verdict == verdict) && (len(q.Match) == 0 || q.Match.MatchEither(a.LabelSet(), a.Masked(q.Mask).LabelSet()))
}

// cursorOf writes where a list goes on behind an alert; parseCursor reads it.
func cursorOf(a *alert.Alert) string { return strconv.FormatInt(a.Opened, 10) + "-" + a.ID }

func parseCursor(text string) (*alert.Alert, bool) {
	cut := strings.LastIndexByte(text, '-')
	if cut < 1 || len(text) > 100 {
		return nil, false
	}
	opened, err := strconv.ParseInt(text[:cut], 10, 64)
	return &alert.Alert{Opened: opened, ID: text[cut+1:]}, err == nil
}

// alertQuery reads a query from a request.
func alertQuery(r *http.Request) (q AlertQuery, p *Problem) {
	x := paramsOf(r)
	q.State = alert.State(x.choice("state", string(alert.Firing), string(alert.Resolved)))
	q.Rule, q.Key = x.text("rule"), x.list("key")
	q.Severity = x.choice("severity", severities...)
	q.From, q.To = x.time("from"), x.time("to")
	q.Oldest = x.choice("order", "newest", "oldest") == "oldest"
	q.Acknowledged, q.Silenced = x.flag("acknowledged"), x.flag("silenced")
	q.Verdict = x.choice("verdict", alert.TruePositive, alert.FalsePositive, "none")
	for _, text := range x.list("match") {
		m, err := alert.ParseMatcher(text)
		if err != nil {
			x.mistake("match: %v", err)
			continue
		}
		q.Match = append(q.Match, m)
	}
	q.Limit = x.number("limit", 100, 1, 1000)
	if after := x.text("after"); after != "" {
		var ok bool
		if q.After, ok = parseCursor(after); !ok {
			x.mistake("after: %q is not what a page has named as its next", after)
		}
	}
	return q, x.end()
}

func (s *Server) getAlerts(w http.ResponseWriter, r *http.Request) {
	q, p := alertQuery(r)
	if p != nil {
		p.write(w)
		return
	}
	page, err := s.ListAlerts(r.Context(), q)
	if err != nil {
		s.broken(err).write(w)
		return
	}
	b := []byte(`{"alerts":[`)
	for i := range page.Alerts {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendAlert(b, &page.Alerts[i]); err != nil {
			s.broken(err).write(w)
			return
		}
	}
	b = append(b, ']')
	if page.Next != "" {
		b = strconv.AppendQuote(append(b, `,"next":`...), page.Next)
	}
	writeBytes(w, append(b, "}\n"...))
}

// appendAlert appends the alert's stable form with what is true of it now.
func appendAlert(b []byte, a *ListedAlert) ([]byte, error) {
	b, err := a.AppendJSON(b)
	if err != nil || len(a.SilencedBy) == 0 {
		return b, err
	}
	b = append(b[:len(b)-1], `,"silenced_by":[`...)
	for i, id := range a.SilencedBy {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, id)
	}
	return append(b, "]}"...), nil
}

// writeBytes answers with JSON that is written already.
func writeBytes(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// broken says that log or state could not be read, and tells the log why.
func (s *Server) broken(err error) *Problem {
	s.o.Logger.Error("kelpie: the API could not read", "error", err)
	return problem(http.StatusInternalServerError, "internal", "Internal error", "the service's log says more")
}

// idsNamed is how many alerts are named to somebody who gave too little of an id.
const idsNamed = 5

// FindAlert returns the alert whose id is, or alone begins with, what was given, as it may be seen.
func (s *Server) FindAlert(typed string) (*ListedAlert, *Problem) {
	ids, err := s.o.Store.AlertIDs(strings.ToLower(typed), idsNamed+1)
	if err != nil {
		return nil, s.broken(err)
	}
	switch {
	case len(ids) == 0:
		return nil, noAlert(typed)
	case len(ids) > 1 && ids[0] != strings.ToLower(typed):
		more := ""
		if len(ids) > idsNamed {
			more = ", …"
		}
		return nil, problem(http.StatusConflict, "ambiguous", "Several alerts", "%q is the beginning of several ids: %s%s", typed, strings.Join(ids[:min(len(ids), idsNamed)], ", "), more)
	}
	a, err := alert.Get(s.o.Store, ids[0])
	if errors.Is(err, state.ErrNotFound) {
		return nil, noAlert(typed)
	}
	if err != nil {
		return nil, s.broken(err)
	}
	silences, err := alert.Silences(s.o.Store)
	if err != nil {
		return nil, s.broken(err)
	}
	return &ListedAlert{a.Masked(s.o.Mask), alert.SilencedBy(silences, a, s.o.Mask, s.o.Now().UnixMilli())}, nil
}

func noAlert(typed string) *Problem {
	return problem(http.StatusNotFound, "no-alert", "No such alert", "there is no alert whose id begins with %q", typed)
}

func (s *Server) getAlert(w http.ResponseWriter, r *http.Request) {
	if p := paramsOf(r).end(); p != nil {
		p.write(w)
		return
	}
	s.answerAlert(w, r.PathValue("id"))
}

// answerAlert answers with one alert as it is now.
func (s *Server) answerAlert(w http.ResponseWriter, id string) {
	a, p := s.FindAlert(id)
	if p != nil {
		p.write(w)
		return
	}
	b, err := s.appendWhole(nil, a)
	if err != nil {
		s.broken(err).write(w)
		return
	}
	writeBytes(w, append(b, '\n'))
}

// appendWhole appends an alert with what became of the messages about it, and why receivers are not told of it.
func (s *Server) appendWhole(b []byte, a *ListedAlert) ([]byte, error) {
	sent, held, err := alert.Deliveries(s.o.Store, a.ID)
	if err != nil {
		return b, err
	}
	if b, err = appendAlert(b, a); err != nil {
		return b, err
	}
	more, err := json.Marshal(struct {
		Deliveries []alert.Delivery `json:"deliveries"`
		Held       []alert.Held     `json:"held,omitempty"`
	}{sent, held})
	if err != nil {
		return b, err
	}
	more[0] = ','
	return append(b[:len(b)-1], more...), nil
}
