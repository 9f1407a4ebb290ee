package score

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Verdict is what is known of an event, a span or an alert.
type Verdict int8

// The verdicts.
const (
	Unknown Verdict = iota
	Positive
	Negative
)

// Label is what one row of a file of labels says.
type Label struct {
	Line    int // in the file, from 1
	Verdict Verdict
	Known   int64   // since when it is known, ms since the epoch; Always if the file does not say
	Class   string  // what kind it is of, as the file calls it; "" if it does not say
	Amount  float64 // what was at stake; NaN if the file does not say
}

// Always is the time since which is known what has no time.
const Always = math.MinInt64

// Span is a label for a key's events in a time, both ends included.
type Span struct {
	Label
	Key      string
	From, To int64 // ms since the epoch
}

// Labels is what a file of labels says.
type Labels struct {
	Events map[string]Label // by the event's id
	Alerts map[string]Label // by the alert's id
	Spans  []Span           // by key, then by From

	Positive, Negative int  // rows
	Repeated           int  // rows that say what another row has said already; they count once
	Implied            bool // the file has no column for the verdict: each row is a positive
}

// subject is what a row is about.
type subject int8

const (
	byEvent subject = iota
	byAlert
	bySpan
)

func (s subject) String() string {
	return [...]string{"event", "alert", "key"}[s]
}

// add takes a row for an event or an alert in.
func (l *Labels) add(s subject, id string, row Label) error {
	m := l.Events
	if s == byAlert {
		m = l.Alerts
	}
	if old, ok := m[id]; ok {
		if old.Verdict != row.Verdict {
			return fmt.Errorf("%s %q is labelled twice and differently: %s in line %d, %s here", s, id, old.Verdict, old.Line, row.Verdict)
		}
		l.Repeated++
		return nil
	}
	m[id] = row
	l.count(row.Verdict)
	return nil
}

// addSpan takes a row for a key's time in.
func (l *Labels) addSpan(s Span) error {
	if s.To < s.From {
		return fmt.Errorf("the time of key %q ends before it begins", s.Key)
	}
	l.Spans = append(l.Spans, s)
	l.count(s.Verdict)
	return nil
}

func (l *Labels) count(v Verdict) {
	if v == Positive {
		l.Positive++
	} else {
		l.Negative++
	}
}

// order puts the spans in order, and refuses those that contradict each other.
func (l *Labels) order() error {
	slices.SortStableFunc(l.Spans, func(a, b Span) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return int(min(max(a.From-b.From, -1), 1))
	})
	var last Span // the one that reaches furthest of those of this key
	for i, s := range l.Spans {
		if i > 0 && last.Key == s.Key && s.From <= last.To && s.Verdict != last.Verdict {
			return fmt.Errorf("key %q is labelled %s in line %d and %s in line %d for times that overlap", s.Key, last.Verdict, last.Line, s.Verdict, s.Line)
		}
		if i == 0 || last.Key != s.Key || s.To > last.To {
			last = s
		}
	}
	return nil
}

// String returns how the verdict is called in reports.
func (v Verdict) String() string {
	return [...]string{"unknown", "positive", "negative"}[v]
}
