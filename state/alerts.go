package state

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// AlertRow is an alert as the state keeps it. What is in it is the business of package alert; here it is JSON under an
// id, found by the time of its opening. An alert's id and Opened never change.
type AlertRow struct {
	ID     string // of letters and digits
	Opened int64  // ms
	Open   bool   // not resolved
	Data   []byte // JSON
}

// PutAlert sets an alert and its place in the indexes.
func (b *Batch) PutAlert(a AlertRow) {
	b.key = appendTimed(b.key[:0], kindAlert, a.Opened, a.ID)
	b.note(b.b.Set(b.key, a.Data, nil))
	b.setMeta(kindAlertID, a.ID, be.AppendUint64(nil, orderedTime(a.Opened)))
	b.key = appendTimed(b.key[:0], kindOpen, a.Opened, a.ID)
	if a.Open {
		b.note(b.b.Set(b.key, nil, nil))
	} else {
		b.note(b.b.Delete(b.key, nil))
	}
}

// DeleteAlert forgets an alert.
func (b *Batch) DeleteAlert(a AlertRow) {
	for _, kind := range []byte{kindAlert, kindOpen} {
		b.key = appendTimed(b.key[:0], kind, a.Opened, a.ID)
		b.note(b.b.Delete(b.key, nil))
	}
	b.deleteNamed(kindAlertID, a.ID)
}

// Alert returns the alert with the id, or ErrNotFound.
func (s *Store) Alert(id string) (AlertRow, error) {
	v, err := s.get(appendNamed(nil, kindAlertID, id), nil)
	if err != nil {
		return AlertRow{}, err
	}
	if v == nil {
		return AlertRow{}, fmt.Errorf("state: alert %q: %w", id, ErrNotFound)
	}
	if len(v) != 8 {
		return AlertRow{}, damaged("alert's time", []byte(id))
	}
	return s.alertAt(unorderedTime(be.Uint64(v)), id)
}

func (s *Store) alertAt(opened int64, id string) (AlertRow, error) {
	data, err := s.get(appendTimed(nil, kindAlert, opened, id), nil)
	if err != nil {
		return AlertRow{}, err
	}
	if data == nil {
		return AlertRow{}, fmt.Errorf("state: alert %q: %w", id, ErrNotFound)
	}
	_, closer, err := s.db.Get(appendTimed(nil, kindOpen, opened, id))
	if err != nil && err != pebble.ErrNotFound {
		return AlertRow{}, fatal("read", err)
	}
	if err == nil {
		if err := closer.Close(); err != nil {
			return AlertRow{}, fatal("read", err)
		}
	}
	return AlertRow{ID: id, Opened: opened, Open: err == nil, Data: data}, nil
}

// AlertIDs returns up to limit ids that begin with prefix, sorted: people type the first few letters.
func (s *Store) AlertIDs(prefix string, limit int) (ids []string, err error) {
	err = s.scan(appendNamed(nil, kindAlertID, prefix), nil, func(k, _ []byte) (bool, error) {
		ids = append(ids, string(k[1:]))
		return len(ids) < limit, nil
	})
	return ids, err
}

// AlertQuery says which alerts to list, and from where on. The zero value is all of them, newest first.
type AlertQuery struct {
	From, To int64             // opened in [From, To), ms; To 0 is no end
	OpenOnly bool              // those not resolved
	Oldest   bool              // oldest first
	After    *AlertCursor      // the last alert of the page before
	Limit    int               // of the page; 0 is no limit
	Keep     func([]byte) bool // by content (Data); nil keeps all
}

// AlertCursor is an alert's place in a list.
type AlertCursor struct {
	Opened int64
	ID     string
}

// Alerts lists alerts by the time of their opening, then by id. A page may go on in the next one: from the
// last row's Opened and ID.
func (s *Store) Alerts(q AlertQuery) ([]AlertRow, error) {
	kind := byte(kindAlert)
	if q.OpenOnly {
		kind = kindOpen
	}
	lower, upper := q.bounds(kind)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fatal("scan alerts", err)
	}
	first, next := it.Last, it.Prev
	if q.Oldest {
		first, next = it.First, it.Next
	}
	var rows []AlertRow
	for ok := first(); ok && (q.Limit <= 0 || len(rows) < q.Limit); ok = next() {
		row, err := s.alertRow(it)
		if err != nil {
			return nil, errors.Join(err, it.Close())
		}
		if q.Keep == nil || q.Keep(row.Data) {
			rows = append(rows, row)
		}
	}
	return rows, fatal("scan alerts", it.Close())
}

// bounds returns the range of keys of kind that the query asks for.
func (q *AlertQuery) bounds(kind byte) (lower, upper []byte) {
	to := q.To
	if to == 0 {
		to = math.MaxInt64
	}
	lower = appendTimed(nil, kind, q.From, "")
	if q.From == 0 {
		lower = []byte{kind}
	}
	upper = appendTimed(nil, kind, to, "")
	if q.To == 0 {
		upper = []byte{kind + 1}
	}
	if q.After != nil {
		at := appendTimed(nil, kind, q.After.Opened, q.After.ID)
		if q.Oldest {
			lower = maxKey(lower, append(at, 0))
		} else if bytes.Compare(at, upper) < 0 {
			upper = at
		}
	}
	if bytes.Compare(upper, lower) < 0 {
		upper = lower
	}
	return lower, upper
}

func maxKey(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		return a
	}
	return b
}

// alertRow returns the alert at the iterator, which stands in either of the two lists.
func (s *Store) alertRow(it *pebble.Iterator) (AlertRow, error) {
	opened, id, ok := parseTimed(it.Key())
	if !ok {
		return AlertRow{}, damaged("alert", it.Key())
	}
	return s.alertAt(opened, id)
}
