package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kelpie/mask"
	"kelpie/state"
)

// Kind says what a message reports.
type Kind string

// The kinds of messages.
const (
	KindOpened   Kind = "opened"
	KindUpdated  Kind = "updated"
	KindResolved Kind = "resolved"
)

// Put sets the alert's row in the batch.
func Put(b *state.Batch, a *Alert) error {
	_, err := put(b, a, nil)
	return err
}

// put is Put with a buffer to use, which it returns.
func put(b *state.Batch, a *Alert, buf []byte) ([]byte, error) {
	data, err := a.appendRow(buf[:0])
	if err != nil {
		return buf, fmt.Errorf("alert: write %s: %w", a.ID, err)
	}
	b.PutAlert(state.AlertRow{ID: a.ID, Opened: a.Opened, Open: a.Open(), Data: data})
	return data, nil
}

// Enqueue adds to the batch that receivers are to be told of the alert as it is now. Of an alert of a shadow rule nobody
// is told.
func Enqueue(b *state.Batch, a *Alert, k Kind) error {
	if a.Mode == Shadow {
		return nil
	}
	data, err := a.appendRow(make([]byte, 0, 1024))
	if err != nil {
		return fmt.Errorf("alert: write %s: %w", a.ID, err)
	}
	b.Enqueue(a.ID, string(k), data)
	return nil
}

// Get returns the alert whose id is, or alone begins with, the given one. If there is none the error is
// state.ErrNotFound.
func Get(s *state.Store, id string) (*Alert, error) {
	ids, err := s.AlertIDs(id, 4)
	if err != nil {
		return nil, err
	}
	if len(ids) > 1 && ids[0] != id {
		return nil, fmt.Errorf("alert: %q is not clear: it may be %s", id, strings.Join(ids, ", "))
	}
	if len(ids) > 0 {
		id = ids[0]
	}
	row, err := s.Alert(id)
	if err != nil {
		return nil, err
	}
	return decode(row)
}

// Query says which alerts to list. The zero value is all of them, newest first.
type Query struct {
	From, To int64 // opened in [From, To), ms; To 0 is no end
	State    State // "" is any
	Rule     string
	Key      []string // nil is any; or what is seen of it
	Mask     *mask.Fields
	Severity string
	Oldest   bool // oldest first
	After    *Alert
	Limit    int // 0 is no limit
}

// List returns the alerts that the query asks for, by the time of their opening. The next page is the same query
// with After set to the last alert of this one.
func List(s *state.Store, q Query) ([]*Alert, error) {
	var bad error
	var found []*Alert
	sq := state.AlertQuery{From: q.From, To: q.To, OpenOnly: q.State == Firing, Oldest: q.Oldest, Limit: q.Limit}
	if q.After != nil {
		sq.After = &state.AlertCursor{Opened: q.After.Opened, ID: q.After.ID}
	}
	sq.Keep = func(data []byte) bool {
		var a Alert
		if err := json.Unmarshal(data, &a); err != nil {
			bad = err
			return false
		}
		if q.matches(&a) {
			found = append(found, &a)
			return true
		}
		return false
	}
	if _, err := s.Alerts(sq); err != nil {
		return nil, err
	}
	return found, bad
}

func (q *Query) matches(a *Alert) bool {
	return (q.State == "" || q.State == a.State) && (q.Rule == "" || q.Rule == a.Rule) &&
		(q.Severity == "" || q.Severity == a.Severity) &&
		(q.Key == nil || slices.Equal(q.Key, a.Key) || q.Mask != nil && slices.Equal(q.Key, q.Mask.Key(a.Key, a.By)))
}

func decode(row state.AlertRow) (*Alert, error) {
	a := new(Alert)
	if err := json.Unmarshal(row.Data, a); err != nil {
		return nil, err
	}
	return a, nil
}
