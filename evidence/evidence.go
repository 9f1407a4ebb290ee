// Package evidence finds the events behind what is said of them: those of an alert's windows, read again from the log.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

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
	Alert   *alert.Alert
	Rules   *rules.Set // as they were when it opened
	Event   event.Spec
	Limit   int // at most so many, the last ones; 0: all
	Damaged func(error)
}

// ErrNoRule says that the alert's rule is not among the rules.
var ErrNoRule = errors.New("there is no rule")

// Find finds the events of an alert's windows again in the log, and returns what form makes of each. With ErrDamaged it
// returns what it found.
func Find(ctx context.Context, l Log, q Query, form func(b []byte, e *Event) []byte) (lines [][]byte, err error) {
	rule := q.Rules.Rule(q.Alert.Rule)
	if rule == nil {
		return nil, fmt.Errorf("%w %s", ErrNoRule, q.Alert.Rule)
	}
	m, err := newMatcher(ctx, l, q.Rules, rule, q.Alert, q.Event)
	if err != nil {
		return nil, err
	}
	r := l.Between(m.span.Start, m.span.End-1)
	defer r.Close()
	scan, err := NewScan(r, q.Event, q.Rules.Paths, q.Damaged)
	if err != nil {
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
	rule  *rules.Rule
	key   []string
	span  window.Span // of their times
	last  int64       // offset of the event that opened it, which nothing of the windows stands behind
	other [][]string  // parallel to rule.Facts: the key of a fact by another key; nil of others
	env   rules.Env
}

func newMatcher(ctx context.Context, l Log, set *rules.Set, rule *rules.Rule, a *alert.Alert, spec event.Spec) (*matcher, error) {
	m := &matcher{rule: rule, key: a.Key, span: evidenceSpan(rule, a), last: math.MaxInt64, other: make([][]string, len(rule.Facts))}
	digits, ok := strings.CutPrefix(a.Opener.Position, source.LogStream+"@")
	if !ok {
		return m, nil
	}
	var err error
	if m.last, err = ParseOffset(digits); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(rule.Facts, func(f *rules.Fact) bool { return f.By != nil }) {
		return m, nil
	}
	rec, err := openerOf(ctx, l, m.last, &event.Schema{Spec: spec, Paths: set.Paths, Types: set.Types})
	if err != nil {
		return nil, err
	}
	for i, f := range rule.Facts {
		if f.By != nil {
			m.other[i], _ = keyOf(rec, f.BySlots)
		}
	}
	return m, nil
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

// openerOf returns the event at an offset.
func openerOf(ctx context.Context, l Log, offset int64, schema *event.Schema) (*event.Record, error) {
	var b journal.Block
	stored, err := l.Get(ctx, offset, &b)
	if err != nil {
		return nil, err
	}
	dec, err := event.NewDecoder(schema)
	if err != nil {
		return nil, err
	}
	var rec event.Record
	if no := dec.Decode(stored.Payload, &rec); no != nil {
		return nil, fmt.Errorf("the event at %s: %w", Position(offset), no)
	}
	return rec.Clone(), nil
}

// matches reports whether an event was in one of the windows: as one of the rule's own, or as one of a fact with
// another type or another key.
func (m *matcher) matches(e *Event) bool {
	r := e.Decoded
	if r == nil || e.Offset > m.last || r.Time < m.span.Start || r.Time >= m.span.End {
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
