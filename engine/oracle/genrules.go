package oracle

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// ruleGen writes one rule set.
type ruleGen struct {
	t     *rapid.T
	scale scale
	table string // the table's key, "" if there is none
	b     strings.Builder
}

// ruleDraft is one rule while it is written.
type ruleDraft struct {
	*ruleGen
	by      string
	event   bool // judged on events
	close   bool // judged on closes
	lines   []string
	atoms   []func() string // conditions over what the rule has
	count   int
	samples []string
}

func (g *ruleGen) set() string {
	if oneIn(g.t, 3, "table") {
		g.table = pick(g.t, "table key", "k", "k", "g")
		g.b.WriteString("tables:\n  tab:\n    key: " + g.table + "\n    on:\n")
		for _, u := range []string{"B: {lim: x}", "A: {sum: += x, n: += 1}", "C: {sum: -= x, lim: row.sum}", "'*': {all: += 1}"} {
			g.b.WriteString("      " + u + "\n")
		}
	}
	g.b.WriteString("rules:\n")
	n := rapid.IntRange(1, 2).Draw(g.t, "rules")
	for i := range n {
		g.rule(fmt.Sprintf("r%d", i+1))
	}
	return g.b.String()
}

// The shapes of rules, by what they are judged on and which windows they have.
var shapes = []string{"sliding", "sliding", "each", "each", "both", "open", "session", "session close", "relative", "series", "no window"}

func (g *ruleGen) rule(name string) {
	r := &ruleDraft{ruleGen: g, event: true}
	t := g.t
	r.by = pick(t, "by", "k", "k", "k", "g", "[k, g]", "")
	shape := pick(t, "shape", shapes...)
	r.line("event: %s", pick(t, "event", "A", "A", "[A, B]", "'*'"))
	if oneIn(t, 4, "where") {
		r.line("where: %s", pick(t, "where", `s == "p"`, `s != "q"`, "x > 0"))
	}
	if r.by != "" {
		r.line("by: %s", r.by)
	}
	if len(g.scale.timezones) > 0 {
		if zone := pick(t, "timezone", g.scale.timezones...); zone != "" {
			r.line("timezone: %s", zone)
		}
	}
	r.shape(shape)
	r.tables()
	if r.event && !r.close {
		r.atom(func() string { return pick(t, "field", "x > 1", `s == "p"`, `s != "q"`, "(x ?? 0) > 1", `type == "A"`) })
	}
	r.conditions()
	g.b.WriteString("  " + name + ":\n    " + strings.Join(r.lines, "\n    ") + "\n")
}

func (r *ruleDraft) line(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *ruleDraft) atom(f func() string) { r.atoms = append(r.atoms, f) }

// shape writes the facts.
func (r *ruleDraft) shape(shape string) {
	t := r.t
	if shape == "no window" {
		return
	}
	r.line("let:")
	more := rapid.IntRange(0, 2).Draw(t, "more facts")
	switch shape {
	case "sliding":
		for range 1 + more {
			r.sliding()
		}
	case "relative":
		r.relative()
		for range more {
			r.sliding()
		}
	case "series":
		r.past(pick(t, "beat", r.scale.each...))
		r.sliding()
	case "session", "session close":
		r.sessions(shape, more)
	case "open":
		for range 1 + more {
			r.aggregate(r.head(), r.filter(), "each "+pick(t, "each", r.scale.each...), r.other())
		}
		if oneIn(t, 2, "sliding too") {
			r.sliding()
		}
		r.line("on: event")
	case "each", "both":
		r.closing(shape, more)
	}
}

// sessions writes the facts of a rule with sessions; one that is judged on events may have other windows beside them.
func (r *ruleDraft) sessions(shape string, more int) {
	t := r.t
	window := func() string {
		w := "over session " + pick(t, "gap", r.scale.over...)
		if oneIn(t, 3, "max") {
			w += " max " + pick(t, "max", r.scale.over...)
		}
		return w
	}
	r.close = shape == "session close"
	r.event = !r.close
	w := window()
	for range 1 + more {
		r.aggregate(strings.Replace(r.head(), "rate", "count", 1), "", w, "") // a session has no rate
		if r.event && oneIn(t, 4, "another session") {
			w = window()
		}
	}
	if oneIn(t, 4, "sliding too") {
		r.sliding()
	}
	if r.close {
		r.line("on: close")
	}
}

// other draws another key for a fact.
func (r *ruleDraft) other() string {
	if r.event && oneIn(r.t, 6, "by another key") {
		return " by " + pick(r.t, "other key", "g", "k")
	}
	return ""
}

// closing writes the facts of a rule that is judged when its windows close.
func (r *ruleDraft) closing(shape string, more int) {
	t := r.t
	beat := pick(t, "beat", r.scale.each...)
	r.event, r.close = shape == "both", true
	for range 1 + more {
		window := "each " + beat
		if shape == "each" && oneIn(t, 3, "hopping") {
			window = "over " + times(pick(t, "beats", r.scale.factor...), beat) + " " + window
		}
		r.aggregate(r.head(), r.filter(), window, "")
	}
	if oneIn(t, 3, "series") {
		r.past(beat)
	}
	if oneIn(t, 3, "sliding too") {
		r.sliding()
	}
	if shape == "both" {
		r.line("on: [event, close]")
	}
}

// times multiplies a duration as text.
func times(n int, d string) string {
	i := strings.IndexFunc(d, func(c rune) bool { return c < '0' || c > '9' })
	var k int
	fmt.Sscan(d[:i], &k)
	return fmt.Sprint(n*k) + d[i:]
}

// head draws an aggregate with its argument.
func (r *ruleDraft) head() string {
	return pick(r.t, "aggregate", "count", "count", "sum(x)", "avg(x)", "max(x)", "min(x)", "count(x)", "distinct(s)", "distinct(x)",
		"ratio(x > 1)", `ratio(s == "p")`, "median(x)", "p95(x)", "p10(x)", "stddev(x)", "first(x)", "last(x)", "first(s)", "last(s)", "rate")
}

// filter draws what stands between aggregate and window.
func (r *ruleDraft) filter() (f string) {
	if oneIn(r.t, 6, "of") {
		f = " of " + pick(r.t, "of", "B", "A", "[A, C]")
	}
	if oneIn(r.t, 4, "fact where") {
		f += " where " + pick(r.t, "fact where", "x > 1", `s == "p"`, `s != "q"`, "x >= 0.3")
	}
	return f
}

// sliding writes a sliding fact.
func (r *ruleDraft) sliding() {
	window := "over " + pick(r.t, "over", r.scale.over...)
	if oneIn(r.t, 6, "before") {
		window += " before " + pick(r.t, "before", r.scale.over...)
	}
	r.aggregate(r.head(), r.filter(), window, r.other())
}

// aggregate writes a fact and a condition over it.
func (r *ruleDraft) aggregate(head, filter, window, by string) {
	r.count++
	name := fmt.Sprintf("f%d", r.count)
	r.line("  %s: '%s%s %s%s'", name, strings.ReplaceAll(head, "'", ""), filter, window, by)
	r.atom(func() string {
		if r.close && by != "" { // on a close there is no other key
			return "(" + name + " ?? 0) != 0"
		}
		return r.compare(name, head)
	})
}

// compare draws a condition over a fact.
func (r *ruleDraft) compare(name, head string) string {
	t := r.t
	if head == "first(s)" || head == "last(s)" {
		return pick(t, "condition", name+` == "p"`, name+` != "q"`)
	}
	against := r.scale.counts
	switch {
	case strings.HasPrefix(head, "sum"), strings.HasPrefix(head, "avg"):
		against = r.scale.sums
	case head == "rate", strings.HasPrefix(head, "ratio"):
		against = []string{"0.4123", "0", "0.7123"}
	case head == "median(x)", head[0] == 'p', strings.HasPrefix(head, "stddev"):
		against = []string{"0.3719", "1.3719"}
	}
	op := pick(t, "operator", ">", ">=", "<", "==", "!=")
	c := pick(t, "against", against...)
	if oneIn(t, 5, "default") {
		return fmt.Sprintf("(%s ?? 0) %s %s", name, op, c)
	}
	return fmt.Sprintf("%s %s %s", name, op, c)
}

// relative writes a fact that looks back from the current event.
func (r *ruleDraft) relative() {
	r.count++
	name := fmt.Sprintf("f%d", r.count)
	head := pick(r.t, "relative", "previous", "gap", "unseen(s)", "unseen(x)")
	r.line("  %s: '%s%s over %s'", name, head, r.filter(), pick(r.t, "over", r.scale.over...))
	switch head {
	case "previous":
		r.line("  past%d: 'x - %s.x'", r.count, name)
		past := fmt.Sprintf("past%d", r.count)
		r.atom(func() string {
			return pick(r.t, "condition", past+" > 0", "x > "+name+".x", "s != "+name+".s", "time - "+name+".time < 2s", name+`.type == "A"`)
		})
	case "gap":
		r.atom(func() string { return name + pick(r.t, "condition", " < 1000", " > 500", " == 0") })
	default:
		r.atom(func() string { return pick(r.t, "condition", "", "!") + name })
	}
}

// past writes a series.
func (r *ruleDraft) past(beat string) {
	t := r.t
	r.count++
	name := fmt.Sprintf("f%d", r.count)
	of := pick(t, "bucket", "count", "sum(x)", "distinct(s)", "avg(x)", "max(x)", "count(x)", "p50(x)", "rate")
	through := pick(t, "through", "mean", "median", "max", "min", "sum", "stddev", "p95", "count",
		"ratio_to_mean", "ratio_to_median", "zscore", "robust_zscore", "ewma")
	window := "over " + times(pick(t, "buckets", r.scale.factor...), beat)
	if r.scale.seasonal && beat != "2d" && oneIn(t, 2, "seasonal") { // a week is to be whole beats
		window = "over " + pick(t, "weeks", "14d", "7d", "21d") + " at same hour-of-week"
	} else if oneIn(t, 4, "series before") {
		window += " before " + times(pick(t, "buckets before", 1, 2), beat)
	}
	r.line("  %s: '%s(%s%s each %s) %s'", name, through, of, r.filter(), beat, window)
	r.samples = append(r.samples, name)
	r.atom(func() string {
		return r.compare(name, map[bool]string{true: "p95(x)", false: "sum"}[through != "sum" && through != "count"])
	})
}

// tables lets the rule read the table, where it may.
func (r *ruleDraft) tables() {
	if r.table == "" || r.close && r.by != r.table {
		return
	}
	r.atom(func() string {
		return pick(r.t, "table", "tab.sum > 1", "tab.sum > tab.lim", "(tab.n ?? 0) >= 2", "tab.lim == 0.3", "tab.all > 3")
	})
}

// conditions writes `ready`, `when` and the alert's life.
func (r *ruleDraft) conditions() {
	t := r.t
	if len(r.samples) > 0 && oneIn(t, 2, "ready") {
		r.line("ready: 'samples(%s) >= %d'", r.samples[0], rapid.IntRange(1, 2).Draw(t, "samples"))
	} else if oneIn(t, 12, "ready") {
		r.line("ready: '%s'", r.condition())
	}
	r.line("when: '%s'", r.when())
	if oneIn(t, 5, "resolve") {
		r.line("resolve: '%s'", r.condition())
	}
	for _, key := range []string{"for", "cooldown", "expire"} {
		if oneIn(t, 5, key) {
			r.line("%s: %s", key, pick(t, key, r.scale.short...))
		}
	}
}

func (r *ruleDraft) condition() string { return pick(r.t, "atom", r.atoms...)() }

// when draws a condition of one or two parts.
func (r *ruleDraft) when() string {
	switch pick(r.t, "when", "", "", "&&", "||", "!") {
	case "&&":
		return r.condition() + " && " + r.condition()
	case "||":
		return r.condition() + " || " + r.condition()
	case "!":
		return "!(" + r.condition() + ")"
	}
	return r.condition()
}
