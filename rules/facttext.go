package rules

import (
	"slices"
	"strings"

	"kelpie/event"
)

// text writes an aggregate fact so that equal facts have equal texts: clauses in one order, canonical names,
// expressions with the params put in.
func (f *Fact) text() string {
	var b strings.Builder
	if f.Series != "" {
		b.WriteString(f.Series + "(")
	}
	b.WriteString(f.Agg)
	if f.Arg != nil {
		b.WriteString("(" + f.Arg.Canon + ")")
	}
	if f.Of != nil {
		b.WriteString(" of " + typesText(f.Of))
	}
	if f.Where != nil {
		b.WriteString(" where " + f.Where.Canon)
	}
	w := f.Window
	if w.Kind == Buckets {
		b.WriteString(" each " + FormatDuration(w.Each) + ") over " + FormatDuration(w.Over))
	} else {
		b.WriteString(" " + w.String())
	}
	if w.Before > 0 {
		b.WriteString(" before " + FormatDuration(w.Before))
	}
	if f.By != nil {
		b.WriteString(" by " + pathsText(f.By))
	}
	if f.Seasonal {
		b.WriteString(" at same hour-of-week")
	}
	return b.String()
}

// String writes the window as rules do, without `before`.
func (w Window) String() string {
	switch w.Kind {
	case Tumbling:
		return "each " + FormatDuration(w.Each)
	case Hopping:
		return "over " + FormatDuration(w.Over) + " each " + FormatDuration(w.Each)
	case Session:
		s := "over session " + FormatDuration(w.Gap)
		if w.Max > 0 {
			s += " max " + FormatDuration(w.Max)
		}
		return s
	case Buckets:
		return "each " + FormatDuration(w.Each) + ", over " + FormatDuration(w.Over)
	}
	return "over " + FormatDuration(w.Over)
}

// typesText writes event types as behind `of`.
func typesText(types []string) string {
	var out []string
	for _, t := range types {
		out = append(out, typeText(t))
	}
	if len(out) == 1 {
		return out[0]
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// typeText quotes an event type where it is no plain name.
func typeText(t string) string {
	if ws := words(t); len(ws) == 1 && (ws[0].kind == nameWord || ws[0].kind == numberWord) && !slices.Contains(clauses, t) {
		return t
	}
	if strings.Contains(t, `"`) {
		return "'" + t + "'"
	}
	return `"` + t + `"`
}

func pathsText(ps []event.Path) string {
	var out []string
	for _, p := range ps {
		out = append(out, p.String())
	}
	if len(out) == 1 {
		return out[0]
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// aggregateNames are all names that can begin an aggregate, sorted.
func aggregateNames() []string {
	out := []string{"p50", "p90", "p95", "p99"}
	for name := range aggregates {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// seriesNames are all names of functions over a series, sorted.
func seriesNames() []string {
	out := []string{"p50", "p90", "p95", "p99"}
	for name := range overSeries {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
