package kafka

import (
	"errors"
	"fmt"
	"time"
)

// Start says where reading begins in a topic of which nothing was ever read. The zero Start is the earliest record.
type Start struct {
	at time.Time
	to startKind
}

type startKind uint8

const (
	earliest startKind = iota
	latest
	atTime
)

// UnmarshalText reads earliest, latest, or a time as RFC 3339 writes it.
func (s *Start) UnmarshalText(text []byte) error {
	switch string(text) {
	case "earliest":
		*s = Start{}
		return nil
	case "latest":
		*s = Start{to: latest}
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q must be earliest, latest, or a time such as 2026-01-05T10:00:00Z", text)
	}
	*s = Start{to: atTime, at: at}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Start) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String returns the Start as it is written.
func (s Start) String() string {
	switch s.to {
	case latest:
		return "latest"
	case atTime:
		return s.at.Format(time.RFC3339Nano)
	}
	return "earliest"
}

// Validate says what is wrong.
func (s Start) Validate() error {
	if s.to == atTime && s.at.UnixMilli() < 0 {
		return errors.New("start: must not be before 1970")
	}
	return nil
}

// The timestamps that ListOffsets takes for a place in place of a time.
const (
	timestampLatest   int64 = -1
	timestampEarliest int64 = -2
)

// timestamp returns what ListOffsets is asked with.
func (s Start) timestamp() int64 {
	switch s.to {
	case latest:
		return timestampLatest
	case atTime:
		return s.at.UnixMilli()
	}
	return timestampEarliest
}
