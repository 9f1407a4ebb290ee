package alert

import (
	"encoding/json"
	"fmt"

	"kelpie/state"
)

// notificationRow is what is stored of a notification: what it says, which does not change any more.
type notificationRow struct {
	Key      string            `json:"key"`
	Group    string            `json:"group"`
	Receiver string            `json:"receiver"`
	Kind     Kind              `json:"kind"`
	State    State             `json:"state"`
	Labels   map[string]string `json:"labels,omitempty"`
	Since    timeJSON          `json:"since"`
	Notices  []noticeRow       `json:"alerts"`
	Omitted  int               `json:"omitted,omitempty"`
	Counts   []countRow        `json:"counts,omitempty"`
	About    []string          `json:"about"` // the alerts that it tells something new of, those omitted included
}

type noticeRow struct {
	Alert keptAlert `json:"alert"`
	New   bool      `json:"new,omitempty"`
}

type countRow struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"`
	Key      keyJSON  `json:"key"`
	By       []string `json:"by,omitempty"`
	Rest     bool     `json:"rest,omitempty"` // of all other keys
	Alerts   int      `json:"alerts"`
}

func encodeNotification(n *Notification, about []string) ([]byte, error) {
	r := notificationRow{
		Key: n.Key, Group: n.Group, Receiver: n.Receiver, Kind: n.Kind, State: n.State, Labels: n.Labels,
		Since: timeJSON(n.Since), Omitted: n.Omitted, Notices: []noticeRow{}, About: about,
	}
	for _, a := range n.Alerts {
		r.Notices = append(r.Notices, noticeRow{keptAlert{a.Alert}, a.New})
	}
	for _, c := range n.Counts {
		r.Counts = append(r.Counts, countRow{c.Rule, c.Severity, c.Key, c.By, c.Key == nil, c.Alerts})
	}
	b, err := marshal(r)
	if err != nil {
		return nil, fmt.Errorf("alert: write notification %s: %w", n.Key, err)
	}
	return b, nil
}

func decodeNotification(seq uint64, b []byte) (n *Notification, about []string, err error) {
	var r notificationRow
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, nil, fmt.Errorf("alert: read notification %d: %w", seq, err)
	}
	n = &Notification{
		Key: r.Key, Group: r.Group, Receiver: r.Receiver, Kind: r.Kind, State: r.State, Labels: r.Labels,
		Since: int64(r.Since), Omitted: r.Omitted,
	}
	for _, a := range r.Notices {
		n.Alerts = append(n.Alerts, Notice{Alert: a.Alert.Alert, New: a.New})
	}
	for _, c := range r.Counts {
		if c.Rest {
			c.Key = nil
		}
		n.Counts = append(n.Counts, Count{Rule: c.Rule, Severity: c.Severity, Key: c.Key, By: c.By, Alerts: c.Alerts})
	}
	return n, r.About, nil
}

// Outcome is what became of a notification so far. Times are the clock's, ms.
type Outcome struct {
	Receiver string   `json:"receiver"` // the receiver's name and the notifier's, such as team/slack
	Kind     Kind     `json:"kind"`
	Key      string   `json:"key"`
	Groups   []string `json:"groups"` // ids of the groups that it is about: one, or those of a digest
	Made     int64    `json:"made"`   // when it was made, or somebody asked for it again
	Attempts int      `json:"attempts"`
	Tries    []Try    `json:"tries,omitempty"` // the last attempts, oldest first
	Next     int64    `json:"next,omitempty"`  // when it is tried again
	Done     int64    `json:"done,omitempty"`  // when it was delivered or given up
	GivenUp  bool     `json:"given_up,omitempty"`
}

// Try is one attempt.
type Try struct {
	At    int64  `json:"at"`
	Error string `json:"error,omitempty"`
	Code  int    `json:"code,omitempty"` // HTTP status, if the receiver answered with one
}

// mostTries is how many attempts are kept of a notification.
const mostTries = 10

// attempt notes an attempt that has ended.
func (o *Outcome) attempt(t Try) {
	o.Attempts++
	if o.Tries = append(o.Tries, t); len(o.Tries) > mostTries {
		o.Tries = o.Tries[1:]
	}
}

// LastError returns what the last attempt ended with; "" if it succeeded or there was none.
func (o *Outcome) LastError() string {
	if len(o.Tries) == 0 {
		return ""
	}
	return o.Tries[len(o.Tries)-1].Error
}

// Told is what one receiver has been told of an alert, and is to be told.
type Told struct {
	Outcomes []Outcome // of the notifications about the alert that are kept, oldest first
	Held     []Held    // why it is not told
}

// Held says why a receiver is not told of an alert at present.
type Held struct {
	Receiver string `json:"receiver"`
	Reason   string `json:"reason"` // silence, inhibited, maintenance or muted
	By       string `json:"by,omitempty"`
}

// ToldOf returns what receivers of groups have been told of an alert.
func ToldOf(s *state.Store, id string) (t Told, err error) {
	seqs, err := s.NotificationsOf(id)
	if err != nil {
		return t, err
	}
	for _, seq := range seqs {
		b, err := s.Outcome(seq)
		if err != nil {
			return t, err
		}
		if b == nil {
			continue
		}
		var o Outcome
		if err := decodeRow("outcome", fmt.Sprint(seq), b, &o); err != nil {
			return t, err
		}
		t.Outcomes = append(t.Outcomes, o)
	}
	t.Held, err = heldOf(s, id)
	return t, err
}

func heldOf(s *state.Store, id string) (all []Held, err error) {
	err = s.Members(id, func(row state.Member) error {
		var m memberRow
		if err := decodeRow("member", row.Alert, row.Value, &m); err != nil || m.Held == "" {
			return err
		}
		b, err := s.Group(row.Group)
		if err != nil || b == nil {
			return err
		}
		var g groupRow
		if err := decodeRow("group", row.Group, b, &g); err != nil {
			return err
		}
		h := parseHeld(m.Held)
		h.Receiver = g.Lane
		all = append(all, h)
		return nil
	})
	return all, err
}
