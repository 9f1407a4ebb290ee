package report

import (
	"fmt"
	"strings"

	"kelpie/backtest"
	"kelpie/backtest/score"
	"kelpie/rules"
)

// truthSection says how what today's rules caught meets the labels.
func truthSection(res *backtest.Result) *section {
	if res.Labels == nil || res.Variants[0].Total.Truth == nil {
		return nil
	}
	s := &section{id: "labels", title: "Against labels", notes: labelNotes(res.Labels)}
	rows := judged(&res.Variants[0])
	for _, t := range []table{levels(rows), incidents(rows), money(rows), classes(rows), ranking(res)} {
		if len(t.rows) > 0 {
			s.tables = append(s.tables, t)
		}
	}
	return s
}

// judged are the rows of rulesOf that met labels.
func judged(v *backtest.VariantResult) (rows []figures) {
	for _, r := range rulesOf(v) {
		if r.Truth != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// labelNotes says what is known and how it is taken.
func labelNotes(l *backtest.LabelResult) []string {
	c := &l.Coverage
	known := fmt.Sprintf("%s of %s are labelled positive, %s negative, by %s.", thousands(int64(c.Positive)), counted(int64(c.Events), "event"), thousands(int64(c.Negative)), l.Name)
	if l.Unlabelled == score.Negative.String() {
		known += " What is not labelled counts as negative"
		if l.Delay > 0 {
			known += ", once it is older than " + rules.FormatDuration(l.Delay)
		}
		known += "."
	} else {
		known += " What is not labelled is unknown: precision is the share among what is known; it lies between the two bounds whatever the unknown turns out to be."
	}
	notes := []string{known}
	if l.AsOf != backtest.NoTime {
		notes = append(notes, fmt.Sprintf("As one knew on %s: %s came later and do not count.", moment(l.AsOf), counted(int64(c.NotYet), "label")))
	}
	if c.Unmet > 0 {
		var first []string
		for _, u := range c.Unmatched[:min(len(c.Unmatched), 3)] {
			first = append(first, fmt.Sprintf("line %d (%s)", u.Line, u.Name))
		}
		notes = append(notes, fmt.Sprintf("%s about nothing that was read, such as %s.", counted(int64(c.Unmet), "label"), strings.Join(first, ", ")))
	}
	if c.Repeated > 0 {
		notes = append(notes, counted(int64(c.Repeated), "row")+" of the labels repeat others and count once.")
	}
	return notes
}

// levels is the confusion at the levels of events, keys and alerts.
func levels(rows []figures) table {
	t := table{title: "Right and wrong", columns: []column{{title: "rule"}, {title: "of"},
		{title: "right", about: "true positives: caught, and labelled positive", right: true},
		{title: "wrong", about: "false positives: caught, and negative", right: true},
		{title: "missed", about: "false negatives: positive, and not caught", right: true},
		{title: "unknown", about: "caught, and not labelled", right: true, spare: true},
		{title: "precision", about: "right of what is known", right: true}, {title: "95 %", about: "where precision lies with 95 % confidence (Wilson)"},
		{title: "bounds", about: "if all unknown are wrong, if all are right", spare: true},
		{title: "recall", about: "right of all that is positive", right: true}, {title: "95 %", about: "where recall lies with 95 % confidence (Wilson)"},
		{title: "F1", about: "the harmonic mean of precision and recall", right: true}}}
	for _, r := range rows {
		add := func(of string, l *score.Level) {
			if l == nil {
				return
			}
			bounds := words("")
			if l.Unknown > 0 {
				bounds = between(l.PrecisionLeast, l.PrecisionMost)
			}
			t.rows = append(t.rows, row{sum: r.sum, cells: []cell{words(r.name), words(of), count(int64(l.TruePositives)), count(int64(l.FalsePositives)),
				count(int64(l.FalseNegatives)), count(int64(l.Unknown)), ratio(l.Precision.Value), between(l.Precision.Low, l.Precision.High), bounds,
				ratio(l.Recall.Value), between(l.Recall.Low, l.Recall.High), ratio(l.F1)}})
		}
		add("events", r.Truth.Events)
		add("keys", r.Truth.Keys)
		a := &r.Truth.Alerts
		bounds := words("")
		if a.Unknown > 0 {
			bounds = between(a.PrecisionLeast, a.PrecisionMost)
		}
		t.rows = append(t.rows, row{sum: r.sum, cells: []cell{words(r.name), words("alerts"), count(int64(a.Positive)), count(int64(a.Negative)), none(),
			count(int64(a.Unknown)), ratio(a.Precision.Value), between(a.Precision.Low, a.Precision.High), bounds, none(), none(), none()}})
	}
	t.trim()
	return t
}

// between writes an interval.
func between(low, high *float64) cell {
	if low == nil || high == nil {
		return none()
	}
	return cell{text: fmt.Sprintf("%.2f–%.2f", *low, *high), sort: *low}
}

// incidents says how many incidents were caught, and how soon.
func incidents(rows []figures) table {
	t := table{title: "Incidents: what happened to one key in one go", columns: []column{{title: "rule"}, {title: "caught", right: true},
		{title: "missed", right: true}, {title: "recall", right: true}, {title: "95 %"},
		{title: "delay", about: "from the first positive event to the alert: the median", right: true, spare: true},
		{title: "of 9 in 10", about: "the delay that nine in ten do not exceed", right: true, spare: true}, {title: "longest", right: true, spare: true}}}
	for _, r := range rows {
		i := r.Truth.Incidents
		if i == nil || i.Recall.Of == 0 {
			continue
		}
		c := []cell{words(r.name), count(int64(i.Caught)), count(int64(i.Missed)), ratio(i.Recall.Value), between(i.Recall.Low, i.Recall.High), words(""), words(""), words("")}
		if d := i.Delay; d != nil {
			c = append(c[:5], took(d.Median), took(d.P90), took(d.Most))
		}
		t.rows = append(t.rows, row{sum: r.sum, cells: c})
	}
	t.trim()
	return t
}

// took is a time that something took.
func took(ms int64) cell { return cell{text: lapse(ms), sort: float64(ms)} }

// money sums the amounts of events.
func money(rows []figures) table {
	t := table{title: "Money", columns: []column{{title: "rule"}, {title: "caught", about: "amounts of positive events that were caught", right: true},
		{title: "missed", about: "amounts of positive events that were not", right: true},
		{title: "by mistake", about: "amounts of negative events that were caught", right: true},
		{title: "unknown", about: "amounts of what was caught and is not labelled", right: true, spare: true},
		{title: "without amount", about: "events among these that have none", right: true, spare: true}}}
	for _, r := range rows {
		m := &r.Truth.Money
		if m.Caught == 0 && m.Missed == 0 && m.Mistaken == 0 && m.Unknown == 0 {
			continue
		}
		t.rows = append(t.rows, row{sum: r.sum, cells: []cell{words(r.name), sum(m.Caught), sum(m.Missed), sum(m.Mistaken), sum(m.Unknown), count(int64(m.NoAmount))}})
	}
	t.trim()
	return t
}

func sum(x float64) cell { return cell{text: amount(x), sort: x, bare: x == 0} }

// classes is the recall of each class of positives.
func classes(rows []figures) table {
	t := table{title: "Recall of each class", columns: []column{{title: "rule"}, {title: "class"}, {title: "caught", right: true}, {title: "of", right: true},
		{title: "recall", right: true}, {title: "95 %"}}}
	for _, r := range rows {
		for _, c := range r.Truth.Classes {
			t.rows = append(t.rows, row{sum: r.sum, cells: []cell{words(r.name), words(c.Class), count(int64(c.Recall.Hits)), count(int64(c.Recall.Of)),
				ratio(c.Recall.Value), between(c.Recall.Low, c.Recall.High)}})
		}
	}
	return t
}

// ranking says how well a score puts positives first.
func ranking(res *backtest.Result) table {
	t := table{title: "Ranked by " + res.Labels.Score, columns: []column{{title: "figure"}, {title: "value", right: true}}}
	add := func(name string, c cell) { t.rows = append(t.rows, row{cells: []cell{words(name), c}}) }
	for i := range res.Variants[0].Rules {
		r := res.Variants[0].Rules[i].Ranking
		if r == nil {
			continue
		}
		add("average precision", ratio(r.AveragePrecision))
		for _, k := range r.TopK {
			add(fmt.Sprintf("precision among the first %d of a day", k.K), ratio(k.Precision))
			add(fmt.Sprintf("recall of the first %d of a day", k.K), ratio(k.Recall))
		}
		add("events ranked", count(int64(r.Ranked)))
		add("of them positive", count(int64(r.Positive)))
		if r.Unscored > 0 {
			add("positive events without a score", count(int64(r.Unscored)))
		}
		if r.Unknown > 0 {
			add("events with a score and no label, not ranked", count(int64(r.Unknown)))
		}
	}
	return t
}
