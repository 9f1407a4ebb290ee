// Package pagerdutytest is PagerDuty's Events API v2 on this machine: it keeps incidents, and refuses what PagerDuty refuses
// by its published limits.
package pagerdutytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"kelpie/alert/alerttest"
)

// RoutingKey is that of the one service.
const RoutingKey = "0123456789abcdef0123456789abcdef"

// Incident is one that was triggered.
type Incident struct {
	Key, Summary, Severity string
	Status                 string // triggered, acknowledged, resolved
	Triggers               int
	Details                map[string]any
}

// Service is the server.
type Service struct {
	*alerttest.Web
	mu        sync.Mutex
	incidents []*Incident
	taken     []string
}

// New starts a service.
func New(t *testing.T) *Service {
	s := &Service{}
	s.Web = alerttest.NewWeb(t, false, s.take, fail)
	return s
}

// Address returns that of the endpoint.
func (s *Service) Address() string { return s.URL + "/v2/enqueue" }

// Incidents returns all that were triggered, in order.
func (s *Service) Incidents() (all []Incident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.incidents {
		all = append(all, *i)
	}
	return all
}

// Taken returns the bodies that were accepted; of events without a summary with that of their incident.
func (s *Service) Taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

func fail(w http.ResponseWriter, _ *http.Request, a alerttest.Answer) {
	switch a {
	case alerttest.Busy:
		w.Header().Set("Retry-After", "11")
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write([]byte(`{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly."}`))
	case alerttest.Broken:
		w.WriteHeader(http.StatusInternalServerError)
	case alerttest.Refuse:
		refuse(w, "'routing_key' is missing or invalid")
	}
}

func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": []string{why}})
}

// event is what is read of a request.
type event struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Payload    *struct {
		Summary   string         `json:"summary"`
		Source    string         `json:"source"`
		Severity  string         `json:"severity"`
		Timestamp string         `json:"timestamp"`
		Details   map[string]any `json:"custom_details"`
	} `json:"payload"`
	Links []struct {
		Href string `json:"href"`
	} `json:"links"`
}

func (s *Service) take(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e event
	if r.URL.Path != "/v2/enqueue" || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	if err := Check(body); err != nil {
		refuse(w, err.Error())
		return
	}
	if err := json.Unmarshal(body, &e); err != nil {
		refuse(w, err.Error())
		return
	}
	i := s.apply(e)
	s.taken = append(s.taken, string(body)+i.Summary)
	w.WriteHeader(http.StatusAccepted)
	json.NewEncoder(w).Encode(map[string]any{"status": "success", "message": "Event processed", "dedup_key": e.DedupKey})
}

// Check says why PagerDuty would refuse an event; nil if it would not.
func Check(body []byte) error {
	if len(body) > 512_000 {
		return fmt.Errorf("the event has %d bytes, and 512 KB are allowed", len(body))
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	return e.check()
}

// check says what PagerDuty would refuse.
func (e *event) check() error {
	switch {
	case e.RoutingKey != RoutingKey:
		return fmt.Errorf("'routing_key' is missing or invalid")
	case !slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.Action):
		return fmt.Errorf("'event_action' is missing or invalid")
	case utf8.RuneCountInString(e.DedupKey) > 255:
		return fmt.Errorf("'dedup_key' is longer than 255 characters")
	case e.DedupKey == "" && e.Action != "trigger":
		return fmt.Errorf("'dedup_key' is missing")
	case e.Action != "trigger":
		return nil
	case e.Payload == nil || e.Payload.Summary == "" || e.Payload.Source == "":
		return fmt.Errorf("'payload.summary' or 'payload.source' is missing")
	case utf8.RuneCountInString(e.Payload.Summary) > 1024:
		return fmt.Errorf("'payload.summary' is longer than 1024 characters")
	case !slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity):
		return fmt.Errorf("'payload.severity' is invalid")
	}
	if t := e.Payload.Timestamp; t != "" {
		if _, err := time.Parse(time.RFC3339, t); err != nil {
			return fmt.Errorf("'payload.timestamp' is invalid")
		}
	}
	for _, l := range e.Links {
		if l.Href == "" {
			return fmt.Errorf("'links.href' is missing")
		}
	}
	return nil
}

// apply does what an event says to its incident. An event of an incident that is over, or never was, changes nothing but
// for a trigger, which opens one.
func (s *Service) apply(e event) Incident {
	at := slices.IndexFunc(s.incidents, func(i *Incident) bool { return i.Key == e.DedupKey && i.Status != "resolved" })
	switch {
	case e.Action == "trigger" && at < 0:
		s.incidents = append(s.incidents, &Incident{Key: e.DedupKey, Summary: e.Payload.Summary, Severity: e.Payload.Severity, Status: "triggered", Triggers: 1, Details: e.Payload.Details})
		return *s.incidents[len(s.incidents)-1]
	case at < 0:
		if last := slices.IndexFunc(s.incidents, func(i *Incident) bool { return i.Key == e.DedupKey }); last >= 0 {
			return *s.incidents[last]
		}
		return Incident{}
	}
	i := s.incidents[at]
	switch e.Action {
	case "trigger":
		i.Triggers++
	case "acknowledge":
		i.Status = "acknowledged"
	case "resolve":
		i.Status = "resolved"
	}
	return *i
}
