package alert

import (
	"encoding/json"
	"fmt"

	"kelpie/state"
)

// Delivery is what became of one message about an alert at one receiver.
type Delivery struct {
	Message  Kind
	Receiver string
	Attempts int
	Error    string // of the last attempt
	Next     int64  // time of the next attempt, ms; 0: there is none
	Done     int64  // when it was delivered or given up, ms; 0: it is on its way
	GivenUp  bool
}

type deliveryJSON struct {
	Message  Kind     `json:"message"`
	Receiver string   `json:"receiver"`
	Attempts int      `json:"attempts"`
	Error    string   `json:"error,omitempty"`
	Next     timeJSON `json:"next,omitempty"`
	Done     timeJSON `json:"done,omitempty"`
	GivenUp  bool     `json:"given_up,omitempty"`
}

// MarshalJSON writes the delivery's stable JSON form.
func (d Delivery) MarshalJSON() ([]byte, error) {
	return json.Marshal(deliveryJSON{d.Message, d.Receiver, d.Attempts, d.Error, timeJSON(d.Next), timeJSON(d.Done), d.GivenUp})
}

// UnmarshalJSON reads what MarshalJSON wrote; members that it does not know are ignored.
func (d *Delivery) UnmarshalJSON(b []byte) error {
	var j deliveryJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("alert: read delivery: %w", err)
	}
	*d = Delivery{j.Message, j.Receiver, j.Attempts, j.Error, int64(j.Next), int64(j.Done), j.GivenUp}
	return nil
}

// Deliveries returns what became of the messages about an alert that are still kept, and why receivers are not told of it
// at present.
func Deliveries(s *state.Store, id string) (all []Delivery, held []Held, err error) {
	ms, err := s.OutboxOf(id)
	if err != nil {
		return nil, nil, err
	}
	all = []Delivery{}
	for _, m := range ms {
		ds, err := s.Deliveries(m.Sequence)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range ds {
			all = append(all, Delivery{Kind(m.Kind), d.Receiver, d.Attempts, d.Error, d.Next, d.Done, d.GivenUp})
		}
	}
	told, err := ToldOf(s, id)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range told.Outcomes {
		all = append(all, Delivery{o.Kind, o.Receiver, o.Attempts, o.LastError(), o.Next, o.Done, o.GivenUp})
	}
	return all, told.Held, nil
}
