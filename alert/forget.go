package alert

import (
	"encoding/json"
	"fmt"

	"kelpie/state"
)

// Forget puts into the batch that alerts which had resolved before a time (event time, ms) are gone, with what is left
// of their messages and the attempts to deliver them: the oldest ones, limit of them at most. It returns how many. An
// alert that is open stays, and so does one of which somebody is still to be told.
func Forget(s *state.Store, b *state.Batch, before int64, limit int) (n int, err error) {
	if before == 0 {
		before = -1 // no end, to a query
	}
	told, err := toldUpTo(s)
	if err != nil {
		return 0, err
	}
	var bad error
	old, err := s.Alerts(state.AlertQuery{To: before, Oldest: true, Limit: limit, Keep: func(data []byte) bool {
		var a Alert
		if err := json.Unmarshal(data, &a); err != nil {
			bad = err
			return false
		}
		return !a.Open() && a.Resolved < before
	}})
	if err == nil {
		err = bad
	}
	for i := 0; i < len(old) && err == nil; i++ {
		var gone bool
		if gone, err = forget(s, b, old[i], told); gone {
			n++
		}
	}
	if err != nil {
		return n, fmt.Errorf("alert: forget: %w", err)
	}
	return n, nil
}

// toldUpTo returns the sequence number up to which all receivers are done.
func toldUpTo(s *state.Store) (uint64, error) {
	receivers, err := s.Receivers()
	if err != nil {
		return 0, err
	}
	upTo := s.LastMessage()
	if routed, _, ok, err := s.Router(); err != nil {
		return 0, err
	} else if ok {
		upTo = min(upTo, routed)
	}
	for _, done := range receivers {
		upTo = min(upTo, done)
	}
	return upTo, nil
}

// inSomeGroup reports whether a receiver of groups is still to be told of an alert.
func inSomeGroup(s *state.Store, id string) (is bool, err error) {
	err = s.Members(id, func(state.Member) error { is = true; return nil })
	return is, err
}

func forget(s *state.Store, b *state.Batch, row state.AlertRow, told uint64) (bool, error) {
	ms, err := s.OutboxOf(row.ID)
	if err != nil {
		return false, err
	}
	for _, m := range ms {
		if m.Sequence > told {
			return false, nil
		}
	}
	if inGroup, err := inSomeGroup(s, row.ID); err != nil || inGroup {
		return false, err
	}
	for _, m := range ms {
		b.DeleteMessage(m)
	}
	b.DeleteAlert(row)
	return true, nil
}
