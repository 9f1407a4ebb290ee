package rules

import (
	"slices"
	"strings"
	"time"

	"kelpie/event"
	"kelpie/rules/yaml"
)

// ruleKeys are the keys of a rule, in the order in which `kelpie fmt` writes them.
var ruleKeys = []string{"description", "severity", "event", "where", "by", "params", "let", "ready", "when", "resolve",
	"for", "cooldown", "expire", "on", "timezone", "mode", "decide", "alert", "actions", "labels"}

// ruleReader reads one rule.
type ruleReader struct {
	*reader
	r       *Rule
	name    *yaml.Node
	keys    map[string]*yaml.Node
	params  map[string]event.Value
	written []*writtenFact // parallel to the entries of let
	facts   map[string]FactName
}

// readRule reads and checks one rule; nil if it is no mapping.
func (l *loader) readRule(d declaration) *Rule {
	if d.body.Kind == yaml.Bad {
		return nil
	}
	before := l.wrong
	rr := &ruleReader{reader: d.reader, name: d.name, r: &Rule{Name: d.name.Text, At: d.place(d.name.Offset)},
		params: map[string]event.Value{}, facts: map[string]FactName{}}
	if !validRuleName(d.name.Text) {
		d.fail(d.name, "", "a rule's name is written with letters, digits, - _ and . (at most 200), not %q", d.name.Text)
	}
	var ok bool
	if rr.keys, ok = d.mapping(d.body, "a rule", ruleKeys...); !ok {
		return nil
	}
	rr.settings()
	rr.subject()
	rr.readParams()
	rr.writtenFacts()
	rr.judgedOn()
	rr.where()
	rr.readFacts()
	if let := rr.keys["let"]; let == nil || let.Kind != yaml.Bad { // without its facts every name would be a field
		rr.conditions()
	}
	if l.wrong == before && !holdsBad(d.body) {
		rr.derive()
		rr.check()
		rr.r.Text = declarationText("rules", d, canonicalRule)
	}
	return rr.r
}

func validRuleName(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' || r >= 0x80)
	})
}

// settings reads the keys that hold neither names nor expressions.
func (rr *ruleReader) settings() {
	r, k := rr.r, rr.keys
	if k["description"] != nil {
		s, _ := rr.text(k["description"], "description")
		r.Description = s.text
	}
	r.Severity = rr.choice(k["severity"], "severity", "medium", "info", "low", "medium", "high", "critical")
	r.Decide = rr.choice(k["decide"], "decide", "", "allow", "review", "block")
	mode := "alert"
	if r.Decide != "" {
		mode = "enforce"
	}
	r.Mode = rr.choice(k["mode"], "mode", mode, "shadow", "alert", "enforce")
	for _, s := range rr.texts(k["actions"], "actions") {
		r.Actions = append(r.Actions, s.text)
	}
	r.Labels = rr.labels(k["labels"])
	r.For, _ = rr.duration(k["for"], "for", true)
	r.Cooldown, _ = rr.duration(k["cooldown"], "cooldown", true)
	r.Expire = DefaultExpire
	if ms, ok := rr.duration(k["expire"], "expire", true); ok {
		r.Expire = ms
	}
	r.Timezone = rr.timezone(k["timezone"])
}

func (rr *ruleReader) labels(n *yaml.Node) map[string]string {
	if n == nil || n.Kind == yaml.Bad {
		return nil
	}
	if n.Kind != yaml.Map {
		rr.fail(n, "write labels: {team: fraud}", "labels must be a mapping, not %s", n.Kind)
		return nil
	}
	out := map[string]string{}
	for _, e := range n.Entries {
		if e.Key.Text == "" {
			rr.fail(e.Key, "", "a label has no name")
		}
		if s, ok := rr.text(e.Value, "the label "+e.Key.Text); ok {
			out[e.Key.Text] = s.text
		}
	}
	return out
}

// timezone returns the IANA name of the rule's time zone, "" for UTC.
func (rr *ruleReader) timezone(n *yaml.Node) string {
	name, at := rr.Timezone, rr.name
	if n != nil {
		s, ok := rr.text(n, "timezone")
		if !ok {
			return ""
		}
		name, at = s.text, n
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		rr.fail(at, "time zones are written as in Europe/Berlin", "there is no time zone %q", name)
		return ""
	}
	if name == "UTC" || name == "Etc/UTC" {
		return ""
	}
	return name
}

// subject reads what the rule is about: the event types and the key.
func (rr *ruleReader) subject() {
	n := rr.keys["event"]
	if n == nil {
		rr.fail(rr.name, "write event: OrderCreated, a list of types, or '*' for all", "the rule %s has no event:", rr.r.Name)
	}
	types := rr.texts(n, "event")
	for _, s := range types {
		switch {
		case s.text == "*" && len(types) > 1:
			rr.failIn(s, "", "'*' means every type and stands alone")
		case s.text != "*":
			rr.r.Events = append(rr.r.Events, s.text)
			rr.types[s.text] = true
		}
	}
	if n != nil && n.Kind == yaml.List && len(n.Entries) == 0 {
		rr.fail(n, "", "event: names no type")
	}
	rr.r.By = rr.paths(rr.texts(rr.keys["by"], "by"), "by")
	rr.r.BySlots = rr.slotsOf(rr.r.By)
}

// judgedOn finds out whether the rule is judged on events, on closes or both.
//
// Where `on` is not given: a rule with a window of its own key that closes on a beat (`each`) is judged when it closes.
// So is a rule whose only windows are series, since a series is about the bucket that has just ended. All others are
// judged on each event: those with sliding windows, also beside a series that they are compared with, and sessions.
func (rr *ruleReader) judgedOn() {
	n := rr.keys["on"]
	if n == nil {
		var each, series, other bool
		for _, w := range rr.written {
			switch {
			case w.syntax == nil:
			case w.foreign:
				other = true
			case w.window.Kind == Tumbling || w.window.Kind == Hopping:
				each = true
			case w.window.Kind == Buckets:
				series = true
			default:
				other = true
			}
		}
		rr.r.OnClose = each || series && !other
		rr.r.OnEvent = !rr.r.OnClose
		return
	}
	for _, s := range rr.texts(n, "on") {
		switch s.text {
		case "event":
			rr.r.OnEvent = true
		case "close":
			rr.r.OnClose = true
		default:
			rr.failIn(s, didYouMean(s.text, []string{"event", "close"}), "on must be event, close or [event, close], not %q", s.text)
		}
	}
	if n.Kind == yaml.List && len(n.Entries) == 0 {
		rr.fail(n, "", "on: must name event, close or both")
	}
}

// fieldScope is the scope of an expression about one event: params and fields.
func (rr *ruleReader) fieldScope(self, why string) *Scope {
	sc := &Scope{Params: rr.params, Types: rr.Types, Strict: rr.Strict, Slot: rr.slot, Refused: map[string]string{}}
	for _, w := range rr.written {
		if w.name != self {
			sc.Refused[w.name] = w.name + " is a fact of let, and " + why + " sees only the event's fields and params"
		}
	}
	for name := range rr.scope {
		if sc.Refused[name] == "" {
			sc.Refused[name] = name + " is a table, and " + why + " sees only the event's fields and params"
		}
	}
	return sc
}

// ruleScope is the scope of an expression that is evaluated when the rule is judged.
func (rr *ruleReader) ruleScope() *Scope {
	r := rr.r
	return &Scope{Params: rr.params, Facts: rr.facts, Tables: rr.scope, Types: rr.Types, Strict: rr.Strict, NoEvent: !r.OnEvent,
		Slot: rr.slot,
		Table: func(t TableRef) int {
			i := slices.IndexFunc(r.TableRefs, func(o TableRef) bool { return o.Table == t.Table && o.Field == t.Field })
			if i < 0 {
				i = len(r.TableRefs)
				r.TableRefs = append(r.TableRefs, t)
			}
			return i
		},
		Prev: func(p PrevRef) int {
			i := slices.IndexFunc(r.PrevRefs, func(o PrevRef) bool { return o.Fact == p.Fact && o.Slot == p.Slot })
			if i < 0 {
				i = len(r.PrevRefs)
				r.PrevRefs = append(r.PrevRefs, p)
			}
			return i
		},
	}
}

// expression compiles an expression; nil if there is none or it is wrong.
func (rd *reader) expression(s span, sc *Scope) *Expr {
	x, err := Compile(s.text, sc)
	if err != nil {
		rd.srcError(s, err)
		return nil
	}
	return x
}

// condition compiles an expression that must be true or false.
func (rd *reader) condition(s span, what string, sc *Scope) *Expr {
	x := rd.expression(s, sc)
	if x != nil && x.Type != BoolType && x.Type != AnyType {
		rd.failIn(s, "compare it with something", "%s must be a condition (true or false), and this is a %s", what, x.Type)
		return nil
	}
	return x
}

// where reads the rule's filter.
func (rr *ruleReader) where() {
	if n := rr.keys["where"]; n != nil {
		if s, ok := rr.text(n, "where"); ok {
			rr.r.Where = rr.condition(s, "where", rr.fieldScope("", "where"))
		}
	}
}

// conditions reads when, ready, resolve and the alert's text.
func (rr *ruleReader) conditions() {
	read := func(key string) *Expr {
		n := rr.keys[key]
		if n == nil {
			return nil
		}
		s, ok := rr.text(n, key)
		if !ok {
			return nil
		}
		return rr.condition(s, key, rr.ruleScope())
	}
	if rr.keys["when"] == nil {
		rr.fail(rr.name, "write when: and the condition", "the rule %s has no when:", rr.r.Name)
	}
	rr.r.Ready, rr.r.When, rr.r.Resolve = read("ready"), read("when"), read("resolve")
	rr.r.Bounds = rr.r.bounds()
	if n := rr.keys["alert"]; n != nil {
		if s, ok := rr.text(n, "alert"); ok {
			sc := rr.ruleScope()
			sc.NoEvent, sc.By = false, rr.r.By
			t, err := CompileTemplate(s.text, sc)
			if err != nil {
				rr.srcError(s, err)
			}
			rr.r.Alert = t
		}
	}
}
