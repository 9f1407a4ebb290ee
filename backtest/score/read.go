package score

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"kelpie/event"
)

// Columns name the columns of a file of labels whose names are not among the usual ones.
type Columns struct {
	Verdict string // that says positive or negative; "": the first of label, fraud, positive, verdict, truth, is_fraud
	Event   string // the event's id; "": the first of id, event, event_id
}

// maxLabels bounds the rows of a file of labels.
const maxLabels = 50_000_000

// usual are the names under which a column is found, in this order.
var usual = struct{ verdict, event, alert, key, from, to, known, class, amount []string }{
	verdict: []string{"label", "fraud", "positive", "verdict", "truth", "is_fraud"},
	event:   []string{"id", "event", "event_id"},
	alert:   []string{"alert", "alert_id"},
	key:     []string{"key"},
	from:    []string{"from", "start"},
	to:      []string{"to", "end"},
	known:   []string{"known", "known_at", "labelled_at", "reported_at"},
	class:   []string{"class", "scenario", "kind"},
	amount:  []string{"amount"},
}

// layout says in which column what stands; -1: in none.
type layout struct {
	names                                                      []string
	verdict, event, alert, key, from, to, known, class, amount int
}

// ReadLabels reads a CSV file (RFC 4180) with a header. Its rows are about events (a column id), alerts (alert) or the
// time of a key (key, from, to); what else is known are columns verdict, known, class and amount, under the usual names
// or those of c. name is the file's, for errors, which say line and column. A row that repeats another is counted; one
// that contradicts another is an error.
func ReadLabels(r io.Reader, name string, c Columns) (*Labels, error) {
	l := &Labels{Events: map[string]Label{}, Alerts: map[string]Label{}}
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: no labels: the file is empty, and its first line is to name the columns", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	lay, err := newLayout(slices.Clone(head), c)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	l.Implied = lay.verdict < 0
	for n := 0; ; n++ {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := in.FieldPos(0)
		if n == maxLabels {
			return nil, fmt.Errorf("%s:%d: more than %d labels", name, line, maxLabels)
		}
		if err := lay.read(l, row, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if err := l.order(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

func newLayout(head []string, c Columns) (*layout, error) {
	for i := range head {
		head[i] = strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff"))
	}
	for i, h := range head {
		if slices.Contains(head[:i], h) {
			return nil, fmt.Errorf("two columns are called %q", h)
		}
	}
	lay := &layout{names: head}
	u := usual
	var err error
	if c.Verdict != "" {
		u.verdict = []string{c.Verdict}
		err = lay.must(c.Verdict)
	}
	if c.Event != "" {
		u.event = []string{c.Event}
		err = errors.Join(err, lay.must(c.Event))
	}
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		at    *int
		names []string
	}{{&lay.verdict, u.verdict}, {&lay.event, u.event}, {&lay.alert, u.alert}, {&lay.key, u.key}, {&lay.from, u.from},
		{&lay.to, u.to}, {&lay.known, u.known}, {&lay.class, u.class}, {&lay.amount, u.amount}} {
		*f.at = lay.find(f.names)
	}
	if lay.event < 0 && lay.alert < 0 && (lay.key < 0 || lay.from < 0 || lay.to < 0) {
		return nil, fmt.Errorf("the columns %s say of nothing that it is labelled: wanted is id (an event's), alert (an alert's id), or key, from and to", strings.Join(head, ", "))
	}
	return lay, nil
}

func (l *layout) must(name string) error {
	if l.find([]string{name}) >= 0 {
		return nil
	}
	return fmt.Errorf("there is no column %q among %s", name, strings.Join(l.names, ", "))
}

// find returns the column that has the first of the names that one has.
func (l *layout) find(names []string) int {
	for _, n := range names {
		if i := slices.Index(l.names, n); i >= 0 {
			return i
		}
	}
	return -1
}

// cell returns what a row has in a column, "" where there is none. It is a copy: labels outlive the row.
func cell(row []string, at int) string {
	if at < 0 {
		return ""
	}
	return strings.Clone(strings.TrimSpace(row[at]))
}

// read takes one row in.
func (l *layout) read(to *Labels, row []string, line int) error {
	label := Label{Line: line, Verdict: Positive, Known: Always, Class: cell(row, l.class), Amount: math.NaN()}
	var err error
	if l.verdict >= 0 {
		if label.Verdict, err = parseVerdict(row[l.verdict]); err != nil {
			return fmt.Errorf("column %s: %w", l.names[l.verdict], err)
		}
	}
	if s := cell(row, l.known); s != "" {
		if label.Known, err = parseTime(s); err != nil {
			return fmt.Errorf("column %s: %w", l.names[l.known], err)
		}
	}
	if s := cell(row, l.amount); s != "" {
		if label.Amount, err = strconv.ParseFloat(s, 64); err != nil || math.IsInf(label.Amount, 0) || math.IsNaN(label.Amount) {
			return fmt.Errorf("column %s: %q is not a number", l.names[l.amount], s)
		}
	}
	switch {
	case cell(row, l.event) != "":
		return to.add(byEvent, cell(row, l.event), label)
	case cell(row, l.alert) != "":
		return to.add(byAlert, cell(row, l.alert), label)
	case cell(row, l.key) != "":
		return l.readSpan(to, row, label)
	}
	return errors.New("the row names no event, alert or key")
}

func (l *layout) readSpan(to *Labels, row []string, label Label) error {
	s := Span{Label: label, Key: cell(row, l.key)}
	if l.from < 0 || l.to < 0 {
		return fmt.Errorf("a label for a key needs the columns from and to")
	}
	var err error
	if s.From, err = parseTime(cell(row, l.from)); err != nil {
		return fmt.Errorf("column %s: %w", l.names[l.from], err)
	}
	if s.To, err = parseTime(cell(row, l.to)); err != nil {
		return fmt.Errorf("column %s: %w", l.names[l.to], err)
	}
	return to.addSpan(s)
}

// parseVerdict reads what people write for positive and negative.
func parseVerdict(s string) (Verdict, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "y", "positive", "fraud", "tp", "true_positive", "true positive":
		return Positive, nil
	case "0", "false", "no", "n", "negative", "genuine", "fp", "false_positive", "false positive":
		return Negative, nil
	}
	return Unknown, fmt.Errorf("%q is neither a positive (1, true, yes, positive, fraud, tp) nor a negative (0, false, no, negative, genuine, fp)", s)
}

// parseTime reads a time as events have it: RFC 3339, a day, or milliseconds since the epoch.
func parseTime(s string) (int64, error) {
	if len(s) == len("2006-01-02") && s[4] == '-' {
		s += "T00:00:00Z"
	}
	if ms, ok := event.ParseTime(event.StringValue(s)); ok {
		return ms, nil
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return ms, nil
	}
	return 0, fmt.Errorf("%q is not a time (2006-01-02T15:04:05Z, or milliseconds since the epoch)", s)
}
