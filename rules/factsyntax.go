package rules

import (
	"slices"
	"strconv"
	"strings"

	"kelpie/rules/yaml"
)

// span is a part of a scalar's text: its content without white space around it, and where it stands.
type span struct {
	text string
	node *yaml.Node
	off  int // in node.Text
}

func (s span) given() bool { return s.node != nil }

// factSyntax is an aggregate fact as written, before anything in it is compiled. A span that is not given is zero.
type factSyntax struct {
	head, arg                                   span // the aggregate's name and argument; of a series the function over the buckets
	of, by                                      span // as the short form writes them; types and keys are their items
	where, over, each, session, max, before, at span
	types, keys                                 []span
	series                                      *factSyntax // what stands in the parentheses of a series
}

// clauses are the words that begin a clause.
var clauses = []string{"of", "where", "over", "each", "max", "before", "by", "at"}

// clause returns the member of a clause's name.
func (f *factSyntax) clause(name string) *span {
	switch name {
	case "of":
		return &f.of
	case "where":
		return &f.where
	case "over":
		return &f.over
	case "each":
		return &f.each
	case "session":
		return &f.session
	case "max":
		return &f.max
	case "before":
		return &f.before
	case "by":
		return &f.by
	}
	return &f.at
}

// syntaxError is a mistake in a scalar's text.
type syntaxError struct {
	at      span
	message string
}

// isAggregateText reports whether a fact's text is written as an aggregate rather than an expression: a name, perhaps
// with an argument, and then a clause; or nothing but the bare name of an aggregate, or an aggregate in parentheses.
func isAggregateText(ws []word) bool {
	if len(ws) == 0 || ws[0].kind != nameWord {
		return false
	}
	next := 1
	if len(ws) > 1 && ws[1].isGroup('(') {
		next = 2
	}
	if next < len(ws) {
		return ws[next].kind == nameWord && slices.Contains(clauses, ws[next].text)
	}
	if next == 1 {
		return isAggregate(ws[0].text)
	}
	inner := words(strings.TrimSuffix(ws[1].text[1:], ")"))
	return len(inner) > 1 && isAggregateText(inner)
}

func (w word) isGroup(open byte) bool { return w.kind == groupWord && w.text[0] == open }

// parseFact parses an aggregate as written. in must satisfy isAggregateText.
func parseFact(in span) (*factSyntax, *syntaxError) {
	p := factParser{in: in, ws: words(in.text), f: &factSyntax{}}
	p.f.head = p.part(0, 1)
	p.next = 1
	if err := p.parentheses(); err != nil {
		return nil, err
	}
	for p.next < len(p.ws) {
		if err := p.clause(); err != nil {
			return nil, err
		}
	}
	if p.f.of.given() {
		p.f.types = split(p.f.of)
	}
	if p.f.by.given() {
		p.f.keys = split(p.f.by)
	}
	return p.f, nil
}

// factParser goes through the words of an aggregate.
type factParser struct {
	in   span
	ws   []word
	next int // the word to read
	f    *factSyntax
}

// part is the text from word i to before word j.
func (p *factParser) part(i, j int) span {
	from, to := p.ws[i].from, p.ws[j-1].to
	return span{p.in.text[from:to], p.in.node, p.in.off + from}
}

// parentheses reads what stands in them: an argument, or the aggregate of a series.
func (p *factParser) parentheses() *syntaxError {
	if p.next == len(p.ws) || !p.ws[p.next].isGroup('(') {
		return nil
	}
	group := p.part(p.next, p.next+1)
	p.next++
	if !strings.HasSuffix(group.text, ")") {
		return &syntaxError{span{"(", group.node, group.off}, "this ( is not closed"}
	}
	arg := trimmed(span{group.text[1 : len(group.text)-1], group.node, group.off + 1})
	if ws := words(arg.text); len(ws) < 2 || !isAggregateText(ws) {
		p.f.arg = arg
		return nil
	}
	series, err := parseFact(arg)
	p.f.series = series
	return err
}

// clause reads one clause: its word, and what stands behind it up to the next one's.
func (p *factParser) clause() *syntaxError {
	first := p.next
	name := p.ws[first].text
	p.next++
	if name == "over" && p.next < len(p.ws) && p.ws[p.next].text == "session" {
		name = "session"
		p.next++
	}
	start := p.next
	for p.next < len(p.ws) && !p.clauseBegins(start) {
		p.next++
	}
	if start == p.next {
		return &syntaxError{p.part(first, start), "nothing stands behind " + name}
	}
	c := p.f.clause(name)
	if c.given() {
		return &syntaxError{p.part(first, start), name + " stands here twice"}
	}
	*c = p.part(start, p.next)
	return nil
}

// clauseBegins reports whether the next word begins a clause, where the one before it began at start.
func (p *factParser) clauseBegins(start int) bool {
	w := p.ws[p.next]
	return p.next > start && endsOperand(p.ws, p.next-1) && w.kind == nameWord && slices.Contains(clauses, w.text)
}

// trimmed returns s without white space around it.
func trimmed(s span) span {
	left := strings.TrimLeft(s.text, " \t\r\n")
	return span{strings.TrimRight(left, " \t\r\n"), s.node, s.off + len(s.text) - len(left)}
}

// split splits a list as a fact writes it: [a, b], or a, b, or a single item. Commas in strings and brackets do not split.
func split(s span) []span {
	ws := words(s.text)
	if len(ws) == 1 && ws[0].isGroup('[') && strings.HasSuffix(s.text, "]") {
		s = span{s.text[1 : len(s.text)-1], s.node, s.off + 1}
		ws = words(s.text)
	}
	var out []span
	from := 0
	for _, w := range ws {
		if w.text == "," {
			out = append(out, trimmed(span{s.text[from:w.from], s.node, s.off + from}))
			from = w.to
		}
	}
	return append(out, trimmed(span{s.text[from:], s.node, s.off + from}))
}

// aggregates are the aggregate functions and what they take: their canonical name, and whether there is an argument.
var aggregates = map[string]struct {
	name string
	arg  argument
}{
	"count": {"count", maybe}, "sum": {"sum", number}, "avg": {"avg", number}, "mean": {"avg", number}, "min": {"min", number},
	"max": {"max", number}, "stddev": {"stddev", number}, "distinct": {"distinct", anything}, "ratio": {"ratio", condition},
	"median": {"p50", number}, "first": {"first", anything}, "last": {"last", anything}, "previous": {"previous", none},
	"unseen": {"unseen", anything}, "gap": {"gap", none}, "rate": {"rate", none},
}

type argument uint8

const (
	none argument = iota
	maybe
	number
	condition
	anything
)

// needsEvent are the aggregates that are about the current event.
var needsEvent = map[string]bool{"previous": true, "gap": true, "unseen": true}

// overSeries are the functions that a series of buckets may be taken through, with their canonical names.
var overSeries = map[string]string{"avg": "avg", "mean": "avg", "median": "p50", "min": "min", "max": "max", "sum": "sum",
	"stddev": "stddev", "count": "count", "ratio_to_mean": "ratio_to_mean", "ratio_to_median": "ratio_to_median",
	"zscore": "zscore", "robust_zscore": "robust_zscore", "ewma": "ewma"}

// aggregate returns an aggregate's canonical name and what it takes; q is its quantile.
func aggregate(name string) (canonical string, arg argument, q float64, ok bool) {
	if a, ok := aggregates[name]; ok {
		return a.name, a.arg, map[string]float64{"p50": 0.5}[a.name], true
	}
	if c, q, ok := percentile(name); ok {
		return c, number, q, true
	}
	return "", none, 0, false
}

func isAggregate(name string) bool { _, _, _, ok := aggregate(name); return ok }

// seriesFunction returns the canonical name of a function over buckets.
func seriesFunction(name string) (canonical string, q float64, ok bool) {
	if c, ok := overSeries[name]; ok {
		return c, map[string]float64{"p50": 0.5}[c], true
	}
	return percentile(name)
}

// percentile reads p1 … p99 and p0.1 … p99.9.
func percentile(name string) (canonical string, q float64, ok bool) {
	if len(name) < 2 || name[0] != 'p' || !isDigit(name[1]) {
		return "", 0, false
	}
	p, err := strconv.ParseFloat(name[1:], 64)
	if err != nil || p <= 0 || p >= 100 || strings.ContainsAny(name, "eExX_+-") {
		return "", 0, false
	}
	return "p" + strconv.FormatFloat(p, 'f', -1, 64), p / 100, true
}
