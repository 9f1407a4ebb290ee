package server

import (
	"context"
	"errors"
	"net/http"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/state"
)

// Sender sends notifications again: alert.Dispatcher.
type Sender interface {
	// Redeliver sends the newest notification about an alert once more: to a receiver or, with "", to all that were told.
	Redeliver(ctx context.Context, alert, receiver string) (n int, err error)
}

func (s *Server) deliveryRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/v1/alerts/{id}/deliveries", Scope: Read, Handler: s.getDeliveries},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/redeliver", Scope: Operate, Handler: s.postRedeliver},
	}
}

// Delivery is what became of one message, or of one notification of a group, about an alert. Times are RFC 3339.
type Delivery struct {
	Receiver string        `json:"receiver"` // of groups with its notifier, such as team/slack
	Kind     alert.Kind    `json:"kind"`
	Attempts int           `json:"attempts"`
	Error    string        `json:"error,omitempty"` // of the last attempt
	Next     string        `json:"next,omitempty"`  // when it is tried again
	Done     string        `json:"done,omitempty"`  // when it was delivered or given up
	GivenUp  bool          `json:"given_up,omitempty"`
	Tries    []DeliveryTry `json:"tries,omitempty"` // the last attempts at a receiver of groups, oldest first
}

// DeliveryTry is one attempt.
type DeliveryTry struct {
	At    string `json:"at"`
	Error string `json:"error,omitempty"`
	Code  int    `json:"code,omitempty"` // HTTP status
}

// Deliveries is what receivers have been told of an alert, and why some are not told.
type Deliveries struct {
	Deliveries []Delivery   `json:"deliveries"`
	Held       []alert.Held `json:"held"`
}

// DeliveriesOf returns what receivers have been told of an alert, as far as it is kept.
func (s *Server) DeliveriesOf(id string) (*Deliveries, error) {
	d := &Deliveries{Deliveries: []Delivery{}, Held: []alert.Held{}}
	ms, err := s.o.Store.OutboxOf(id)
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		done, err := s.o.Store.Deliveries(m.Sequence)
		if err != nil {
			return nil, err
		}
		for i := range done {
			d.Deliveries = append(d.Deliveries, messageDelivery(alert.Kind(m.Kind), &done[i]))
		}
	}
	told, err := alert.ToldOf(s.o.Store, id)
	if err != nil {
		return nil, err
	}
	for i := range told.Outcomes {
		d.Deliveries = append(d.Deliveries, groupDelivery(&told.Outcomes[i]))
	}
	d.Held = append(d.Held, told.Held...)
	return d, nil
}

func messageDelivery(k alert.Kind, d *state.Delivery) Delivery {
	return Delivery{
		Receiver: d.Receiver, Kind: k, Attempts: d.Attempts, Error: d.Error, Next: timeText(d.Next), Done: timeText(d.Done), GivenUp: d.GivenUp,
	}
}

func groupDelivery(o *alert.Outcome) Delivery {
	d := Delivery{
		Receiver: o.Receiver, Kind: o.Kind, Attempts: o.Attempts, Error: o.LastError(), Next: timeText(o.Next), Done: timeText(o.Done), GivenUp: o.GivenUp,
	}
	for _, t := range o.Tries {
		d.Tries = append(d.Tries, DeliveryTry{timeText(t.At), t.Error, t.Code})
	}
	return d
}

// timeText writes a time, of which 0 is none.
func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return event.FormatTime(ms)
}

func (s *Server) getDeliveries(w http.ResponseWriter, r *http.Request) {
	p := paramsOf(r).end()
	var a *ListedAlert
	if p == nil {
		a, p = s.FindAlert(r.PathValue("id"))
	}
	if p != nil {
		p.write(w)
		return
	}
	d, err := s.DeliveriesOf(a.ID)
	if err != nil {
		s.broken(err).write(w)
		return
	}
	writeJSON(w, http.StatusOK, d)
}

func (s *Server) postRedeliver(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Receiver string `json:"receiver"`
	}
	p := s.hear(w, r, &asked)
	if p == nil {
		p = s.running()
	}
	var a *ListedAlert
	if p == nil {
		a, p = s.FindAlert(r.PathValue("id"))
	}
	n := 0
	if p == nil {
		n, p = s.redeliver(r.Context(), a.ID, asked.Receiver)
	}
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusAccepted, struct {
		Sending int `json:"sending"`
	}{n})
}

func (s *Server) redeliver(ctx context.Context, id, receiver string) (int, *Problem) {
	ctx, cancel := context.WithTimeout(ctx, sayTimeout)
	defer cancel()
	n, err := s.o.Sender.Redeliver(ctx, id, receiver)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, alert.ErrNothingSent), errors.Is(err, alert.ErrNoReceivers):
		return 0, problem(http.StatusNotFound, "nothing-sent", "Nothing to send again", "%v", err)
	}
	return 0, problem(http.StatusServiceUnavailable, "not-running", "Not now", "%v", err).after(sayTimeout)
}
