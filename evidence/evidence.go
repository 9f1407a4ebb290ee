// Package evidence finds the events behind what is said of them: those of an alert's windows, read again from the log.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/window"
)

// Log is what events are read from: journal.Log.
type Log interface {
	Between(from, to int64) *journal.Reader
	Get(ctx context.Context, offset int64, b *journal.Block) (journal.Record, error)
}

// Query says whose events are looked for.
type Query struct {
	Alert  *alert.Alert
	Rules  *rules.Set // as they were when it opened
	Event  event.Spec
	ByTime bool // events were folded in order of their times
	Limit  int  // at most so many, the last ones; 0: all

	Records OpenRecords // as of ScanOptions
	Missing func(error) // as of ScanOptions
}

// MostRecords is how many records of topics are read for one alert at most: the last ones before it opened.
const MostRecords = 2_000_000

// ErrNoRule says that the alert's rule is not among the rules.
var ErrNoRule = errors.New("there is no rule")

// Find finds the events of an alert's windows again, in the log and where the log notes that they stand, and returns what
// form makes of each. With ErrPartial it returns what it found.
func Find(ctx context.Context, l Log, q Query, form func(b []byte, e *Event) []byte) (lines [][]byte, err error) {
	rule := q.Rules.Rule(q.Alert.Rule)
	if rule == nil {
		return nil, fmt.Errorf("%w %s", ErrNoRule, q.Alert.Rule)
	}
	m := newMatcher(rule, &q)
	r := l.Between(m.span.Start, m.span.End-1)
	defer r.Close()
	scan, err := NewScan(r, ScanOptions{Event: q.Event, Paths: q.Rules.Paths, Records: q.Records, Missing: q.Missing})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scan.Close()) }()
	notes, err := notesOf(ctx, l, m.span)
	if err != nil {
		return nil, err
	}
	m.locate(notes)
	scan.skip = m.bound(notes, MostRecords, scan.elsewhere)
	if err := m.learnKeys(ctx, l, scan); err != nil {
		return nil, err
	}
	err = scan.Each(ctx, func(e *Event) (bool, error) {
		if m.matches(e) {
			lines = append(lines, form(nil, e))
			if q.Limit > 0 && len(lines) > 2*q.Limit {
				lines = slices.Clone(lines[len(lines)-q.Limit:])
			}
		}
		return true, nil
	})
	if q.Limit > 0 && len(lines) > q.Limit {
		lines = lines[len(lines)-q.Limit:]
	}
	return lines, err
}

// matcher knows which events were in an alert's windows when it opened.
type matcher struct {
	q      *Query
	rule   *rules.Rule
	key    []string
	span   window.Span    // of their times
	opener event.Position // of the event that opened it; the zero Position: none did
	last   int64          // offset in the log of that event, or of what notes it; math.MaxInt64: not known
	note   *source.RunNote
	other  [][]string // parallel to rule.Facts: the key of a fact by another key; nil of others
	env    rules.Env
}

func newMatcher(rule *rules.Rule, q *Query) *matcher {
	m := &matcher{q: q, rule: rule, key: q.Alert.Key, span: evidenceSpan(rule, q.Alert), last: math.MaxInt64, other: make([][]string, len(rule.Facts))}
	if p, err := event.ParsePosition(q.Alert.Opener.Position); err == nil {
		m.opener = p
	}
	return m
}

// locate finds where the log has the event that opened the alert, or the note of it.
func (m *matcher) locate(notes []noted) {
	switch {
	case m.opener.Kind == event.LogPosition && m.opener.Stream == source.LogStream:
		m.last = m.opener.Offset
	case m.opener.Kind == event.KafkaPosition:
		for i := range notes {
			if n := &notes[i]; holds(&n.RunNote, m.opener) {
				m.last, m.note = n.at, &n.RunNote
			}
		}
	}
}

// learnKeys finds out, from the event that opened the alert, the keys of facts by another key.
func (m *matcher) learnKeys(ctx context.Context, l Log, scan *Scan) error {
	if m.last == math.MaxInt64 || !slices.ContainsFunc(m.rule.Facts, func(f *rules.Fact) bool { return f.By != nil }) {
		return nil
	}
	rec, err := m.openerOf(ctx, l, scan)
	if err != nil || rec == nil {
		return err
	}
	for i, f := range m.rule.Facts {
		if f.By != nil {
			m.other[i], _ = keyOf(rec, f.BySlots)
		}
	}
	return nil
}

// evidenceSpan returns the times of the events in an alert's windows.
func evidenceSpan(rule *rules.Rule, a *alert.Alert) window.Span {
	switch {
	case a.Evidence != nil:
		return *a.Evidence
	case a.Opener.Window != nil:
		end := a.Opener.Window.End
		return window.Span{Start: min(end-rule.Longest, a.Opener.Window.Start), End: end}
	}
	return window.Span{Start: a.Opened - rule.Longest + min(rule.Longest, 1), End: a.Opened + 1}
}

// openerOf returns the event that opened the alert; nil if it stands elsewhere and is not to be had any more.
func (m *matcher) openerOf(ctx context.Context, l Log, scan *Scan) (*event.Record, error) {
	if m.note != nil {
		return scan.recordAt(ctx, m.note, m.opener.Offset)
	}
	var b journal.Block
	stored, err := l.Get(ctx, m.last, &b)
	if err != nil {
		return nil, err
	}
	e := Event{Record: journal.Record{Kind: journal.Event}}
	if scan.decode(&e, stored.Payload, 0); e.Refused != nil {
		return nil, fmt.Errorf("the event at %s: %w", Position(m.last), e.Refused)
	}
	return e.Decoded.Clone(), nil
}

// behind reports whether an event was folded after the one that opened the alert.
func (m *matcher) behind(e *Event) bool {
	switch {
	case m.opener == event.Position{}:
		return false // a window opened it, which the span says all of
	case m.q.ByTime:
		return e.Decoded.Time == m.q.Alert.Opened && e.At.Compare(m.opener) > 0
	case e.Offset != m.last:
		return e.Offset > m.last
	}
	return m.note != nil && e.At.Offset > m.opener.Offset
}

// matches reports whether an event was in one of the windows: as one of the rule's own, or as one of a fact with
// another type or another key.
func (m *matcher) matches(e *Event) bool {
	r := e.Decoded
	if r == nil || r.Time < m.span.Start || r.Time >= m.span.End || m.behind(e) {
		return false
	}
	m.env = rules.Env{Rec: r, HasEvent: true, Time: r.Time}
	judged := takesType(m.rule.Events, r) && m.holds(m.rule.Where)
	if judged && hasKey(r, m.rule.BySlots, m.key) {
		return true
	}
	for i, f := range m.rule.Facts {
		mine := hasKey(r, m.rule.BySlots, m.key)
		if f.By != nil {
			mine = m.other[i] != nil && hasKey(r, f.BySlots, m.other[i])
		}
		takes := judged
		if f.Of != nil {
			takes = takesType(f.Of, r)
		}
		if takes && mine && (f.Of != nil || f.By != nil) && m.holds(f.Where) {
			return true
		}
	}
	return false
}

func (m *matcher) holds(x *rules.Expr) bool {
	if x == nil {
		return true
	}
	truth, ok := x.Test(&m.env)
	return truth && ok
}

// takesType reports whether an event has one of the types; nil is any.
func takesType(types []string, r *event.Record) bool {
	return types == nil || slices.Contains(types, r.TypeText())
}

// keyOf returns the texts of an event's key.
func keyOf(r *event.Record, slots []int) (key []string, ok bool) {
	key = make([]string, 0, len(slots))
	for _, slot := range slots {
		text, ok := event.AppendKey(nil, r.Value(slot))
		if !ok {
			return nil, false
		}
		key = append(key, string(text))
	}
	return key, true
}

func hasKey(r *event.Record, slots []int, want []string) bool {
	key, ok := keyOf(r, slots)
	return ok && slices.Equal(key, want)
}
