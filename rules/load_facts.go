package rules

import (
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules/yaml"
)

// writtenFact is one entry of let before its expressions are compiled.
type writtenFact struct {
	name    string
	key     *yaml.Node
	expr    span        // an expression, where syntax is nil
	syntax  *factSyntax // an aggregate
	window  Window
	by      []event.Path
	foreign bool // by another key than the rule's
	bad     bool // a mistake has been reported
}

// writtenFacts reads the entries of let and their windows, which decide when the rule is judged.
func (rr *ruleReader) writtenFacts() {
	n := rr.keys["let"]
	if n == nil || n.Kind == yaml.Bad {
		return
	}
	if n.Kind != yaml.Map {
		rr.fail(n, "write let: and below it, indented, name: fact", "let must be a mapping from names to facts, not %s", n.Kind)
		return
	}
	for _, e := range n.Entries {
		w := &writtenFact{name: e.Key.Text, key: e.Key}
		if !rr.validName(e.Key, "a fact") {
			w.bad = true
		} else if _, ok := rr.params[w.name]; ok {
			rr.fail(e.Key, "", "%s is both a param and a fact", w.name)
			w.bad = true
		}
		before := rr.wrong
		rr.writtenFact(w, e.Value)
		w.bad = w.bad || rr.wrong > before
		rr.written = append(rr.written, w)
	}
}

func (rr *ruleReader) writtenFact(w *writtenFact, n *yaml.Node) {
	switch n.Kind {
	case yaml.Bad:
		w.bad = true
		return
	case yaml.Map:
		w.syntax = rr.factMap(n)
	default:
		s, ok := rr.text(n, "the fact "+w.name)
		if !ok {
			return
		}
		if len(s.text) > maxSource {
			rr.fail(n, "give its parts names in let", "the fact is %d bytes long; %d are allowed", len(s.text), maxSource)
			return
		}
		if !isAggregateText(words(s.text)) {
			w.expr = s
			return
		}
		var err *syntaxError
		if w.syntax, err = parseFact(s); err != nil {
			rr.failIn(err.at, "", "%s", err.message)
		}
	}
	if w.syntax == nil {
		w.bad = true
		return
	}
	w.window = rr.window(w.syntax)
	keys := w.syntax.keys
	if s := w.syntax.series; s != nil && len(keys) == 0 {
		keys = s.keys
	}
	if len(keys) > 0 {
		w.by = rr.paths(keys, "by")
		w.foreign = !slices.EqualFunc(w.by, rr.r.By, slices.Equal[event.Path])
	}
}

// factKeys are the keys of a fact in its map form.
var factKeys = []string{"series", "agg", "of", "event", "where", "over", "each", "session", "max", "before", "by", "at"}

// factMap reads the canonical map form: {agg: sum, of: amount, over: 10m}. `of` is the argument, `event` the types that
// the short form has behind `of`; `series` is the function over buckets, with `agg`, `of`, `event`, `where` and `each`
// for each bucket.
func (rr *ruleReader) factMap(n *yaml.Node) *factSyntax {
	keys, ok := rr.mapping(n, "a fact", factKeys...)
	if !ok {
		return nil
	}
	before := rr.wrong
	f := &factSyntax{}
	read := func(key string, into *span) {
		if keys[key] != nil {
			*into, _ = rr.text(keys[key], key)
		}
	}
	inner := f
	if keys["series"] != nil {
		inner = &factSyntax{}
		f.series = inner
		read("series", &f.head)
	}
	if keys["agg"] == nil {
		rr.fail(n, "write {agg: count, over: 10m}", "a fact needs agg:, the name of an aggregate")
		return nil
	}
	read("agg", &inner.head)
	read("of", &inner.arg)
	read("where", &inner.where)
	read("each", &inner.each)
	for _, key := range []string{"over", "session", "max", "before", "at"} {
		read(key, f.clause(key))
	}
	inner.types = rr.texts(keys["event"], "event")
	f.keys = rr.texts(keys["by"], "by")
	if rr.wrong > before {
		return nil
	}
	return f
}

// readFacts compiles the facts in order of writing, so that each sees those above it.
func (rr *ruleReader) readFacts() {
	for i, w := range rr.written {
		f := &Fact{Name: w.name, At: rr.place(w.key.Offset)}
		switch {
		case w.bad:
		case w.syntax == nil:
			rr.expressionFact(f, w, i)
		default:
			before := rr.wrong
			if rr.aggregateFact(f, w); rr.wrong == before {
				rr.checkFact(f, w)
			}
		}
		rr.r.Facts = append(rr.r.Facts, f)
		rr.facts[f.Name] = FactName{Index: i, Type: f.Type, Series: f.Series != ""}
	}
}

func (rr *ruleReader) expressionFact(f *Fact, w *writtenFact, i int) {
	sc := rr.ruleScope()
	sc.Refused = map[string]string{w.name: "the fact " + w.name + " refers to itself"}
	for _, later := range rr.written[i+1:] {
		sc.Refused[later.name] = "the fact " + later.name + " is written below this one, and a fact sees only those above it"
	}
	x := rr.expression(w.expr, sc)
	if x == nil {
		return
	}
	if x.Type == EventType {
		rr.failIn(w.expr, "name one of its fields", "%s is an event, which is no value", w.expr.text)
		return
	}
	f.Expr, f.Type, f.Text = x, x.Type, x.Canon
}

// aggregateFact compiles the parts of an aggregate.
func (rr *ruleReader) aggregateFact(f *Fact, w *writtenFact) {
	s := w.syntax
	f.Window = w.window
	if w.foreign {
		f.By, f.BySlots = w.by, rr.slotsOf(w.by)
	}
	if s.series != nil {
		if !rr.seriesOver(f, s) {
			return
		}
		s = s.series
	}
	name, arg, q, ok := aggregate(s.head.text)
	if !ok {
		rr.failIn(s.head, didYouMean(s.head.text, aggregateNames()), "there is no aggregate %s", s.head.text)
		return
	}
	f.Agg, f.Quantile = name, q
	rr.argument(f, s, arg)
	rr.ofTypes(f, s)
	if s.where.given() {
		f.Where = rr.condition(s.where, "where", rr.fieldScope(w.name, "a fact's where"))
	}
	f.Type = f.valueType()
	f.Text = f.text()
}

// seriesOver reads the function that a series goes through.
func (rr *ruleReader) seriesOver(f *Fact, s *factSyntax) bool {
	name, q, ok := seriesFunction(s.head.text)
	if !ok {
		hint := didYouMean(s.head.text, seriesNames())
		rr.failIn(s.head, hint, "%s is no function over a series: known are %s", s.head.text, strings.Join(seriesNames(), ", "))
		return false
	}
	f.Series, f.SeriesQ, f.Seasonal = name, q, s.at.given()
	return true
}

// argument compiles what stands in an aggregate's parentheses.
func (rr *ruleReader) argument(f *Fact, s *factSyntax, want argument) {
	name := s.head.text
	switch {
	case !s.arg.given() || s.arg.text == "":
		if want != none && want != maybe {
			rr.failIn(s.head, "write "+name+"(…)", "%s needs to know of what", name)
		}
		return
	case want == none:
		rr.failIn(s.arg, "write "+name+" alone", "%s takes no argument", name)
		return
	}
	sc := rr.fieldScope(f.Name, "an aggregate")
	if want == condition {
		f.Arg = rr.condition(s.arg, "the argument of "+name, sc)
		return
	}
	f.Arg = rr.expression(s.arg, sc)
	if f.Arg != nil && want == number && f.Arg.Type != NumberType && f.Arg.Type != AnyType {
		hint := ""
		if f.Arg.Type == BoolType {
			hint = "to count the events for which it is true, write count where " + s.arg.text
		}
		rr.failIn(s.arg, hint, "%s is over numbers, and this is a %s", name, f.Arg.Type)
	}
}

// ofTypes reads the event types behind `of`.
func (rr *ruleReader) ofTypes(f *Fact, s *factSyntax) {
	for _, t := range s.types {
		name := unquoted(t.text)
		switch {
		case name == "":
			rr.failIn(s.of, "", "an event type is missing here")
		case name == "*":
			rr.failIn(t, "", "of names event types; it cannot take all of them")
		case !slices.Contains(f.Of, name):
			f.Of = append(f.Of, name)
			rr.types[name] = true
		}
	}
	slices.Sort(f.Of)
}

// unquoted takes away the quotes around a name.
func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// valueType is the type of an aggregate's value.
func (f *Fact) valueType() Type {
	switch {
	case f.Series != "":
		return NumberType
	case f.Agg == "previous":
		return EventType
	case f.Agg == "unseen":
		return BoolType
	case f.Agg == "first" || f.Agg == "last":
		if f.Arg != nil {
			return f.Arg.Type
		}
		return AnyType
	}
	return NumberType
}
