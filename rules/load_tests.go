package rules

import (
	"slices"
	"strconv"
	"strings"

	"kelpie/event"
	"kelpie/rules/yaml"
)

// testKeys are the keys of a test, in the order in which `kelpie fmt` writes them.
var testKeys = []string{"name", "rule", "time", "given", "until", "expect"}

// maxGiven bounds the events of one test, repeated ones included.
const maxGiven = 100_000

// readTest reads one test; nil if it is no mapping.
func (rd *reader) readTest(n *yaml.Node) *Test {
	keys, ok := rd.mapping(n, "a test", testKeys...)
	if !ok {
		return nil
	}
	t := &Test{At: rd.place(n.Offset)}
	if keys["name"] == nil {
		rd.fail(n, "write name: and what the test shows", "a test has no name:")
	}
	if s, ok := rd.text(keys["name"], "name"); ok {
		t.Name = s.text
	}
	rd.testedRule(t, n, keys["rule"])
	if keys["time"] != nil {
		rd.testTime(t, keys["time"])
	}
	if keys["until"] != nil {
		t.Until, _ = rd.moment(keys["until"], "until")
	}
	if keys["given"] == nil {
		rd.fail(n, "write given: and the events", "a test has no given:")
	}
	for _, g := range rd.items(keys["given"], "given", "an event") {
		rd.given(t, g)
	}
	if keys["expect"] == nil {
		rd.fail(n, "write expect: [] if nothing must fire", "a test has no expect:")
	}
	if e := keys["expect"]; e != nil && e.Kind == yaml.Empty {
		rd.fail(e, "write expect: [] if nothing must fire", "expect: is empty")
	}
	for _, e := range rd.items(keys["expect"], "expect", "an opening") {
		rd.expect(t, e)
	}
	return t
}

func (rd *reader) testedRule(t *Test, n, rule *yaml.Node) {
	if rule == nil {
		rd.fail(n, "write rule: and the rule's name", "a test has no rule:")
		return
	}
	s, ok := rd.text(rule, "rule")
	if !ok {
		return
	}
	t.Rule = s.text
	if _, ok := rd.rules[s.text]; !ok {
		var names []string
		for _, d := range rd.rules.sorted() {
			names = append(names, d.name.Text)
		}
		rd.failIn(s, didYouMean(s.text, names), "there is no rule %s", s.text)
	}
}

// testTime reads the settings of time for one test.
func (rd *reader) testTime(t *Test, n *yaml.Node) {
	keys, ok := rd.mapping(n, "time", "order", "disorder", "lateness")
	if !ok {
		return
	}
	t.Order = rd.choice(keys["order"], "order", "", "arrival", "time")
	t.Disorder, t.HasDisorder = rd.duration(keys["disorder"], "disorder", false)
	t.Lateness, t.HasLateness = rd.duration(keys["lateness"], "lateness", false)
}

// moment reads a time: RFC 3339, or a number as in events.
func (rd *reader) moment(n *yaml.Node, what string) (ms int64, ok bool) {
	s, ok := rd.text(n, what)
	if !ok {
		return 0, false
	}
	v := event.StringValue(s.text)
	if n.Style == yaml.Plain && isJSONNumber(s.text) {
		v = event.ParseNumber([]byte(s.text))
	}
	if ms, ok = event.ParseTime(v); !ok {
		rd.failIn(s, "write 2026-01-01T10:00:00Z", "%s: %q is no time", what, s.text)
	}
	return ms, ok
}

// given reads one event, or several if it is repeated.
func (rd *reader) given(t *Test, n *yaml.Node) {
	if n.Kind != yaml.Map {
		rd.fail(n, "write {type: OrderCreated, time: 2026-01-01T10:00:00Z, amount: 10}", "an event must be a mapping, not %s", n.Kind)
		return
	}
	repeat, every := rd.repeat(n)
	e := eventWriter{reader: rd, time: rd.timePath()}
	first := e.event(n, "")
	if e.bad || repeat == 0 {
		return
	}
	if len(t.Given)+repeat > maxGiven {
		rd.fail(n, "", "the test has more than %d events", maxGiven)
		return
	}
	at := rd.place(n.Offset)
	t.Given = append(t.Given, GivenEvent{JSON: first, At: at})
	if repeat == 1 {
		return
	}
	begin, ok := e.begin()
	if !ok {
		rd.fail(n, "give the event a time", "a repeated event needs the time of the first one")
		return
	}
	for i := 1; i < repeat; i++ {
		t.Given = append(t.Given, GivenEvent{JSON: e.event(n, event.FormatTime(begin+int64(i)*every)), At: at})
	}
}

// repeat reads how often an event comes and how far apart.
func (rd *reader) repeat(n *yaml.Node) (times int, every int64) {
	times = 1
	r, e := n.Get("repeat"), n.Get("every")
	if r == nil {
		if e != nil {
			rd.fail(e, "write repeat: 5 too", "every says how far apart repeated events are, and this one is not repeated")
			return 0, 0
		}
		return 1, 0
	}
	s, ok := rd.text(r, "repeat")
	if !ok {
		return 0, 0
	}
	times, err := strconv.Atoi(s.text)
	if err != nil || times < 1 || times > maxGiven {
		rd.failIn(s, "", "repeat must be a whole number from 1 to %d, not %q", maxGiven, s.text)
		return 0, 0
	}
	if e != nil {
		every, _ = rd.duration(e, "every", false)
	}
	return times, every
}

func (rd *reader) timePath() event.Path {
	p, err := event.ParsePath(rd.Event.WithDefaults().Time)
	if err != nil {
		return event.Path{"time"}
	}
	return p
}

// eventWriter writes an event of a test as JSON: numbers and times as they are written, 10.10 as 10.10.
type eventWriter struct {
	*reader
	time     event.Path
	timeNode *yaml.Node // found on the way
	bad      bool
}

// event writes the event; time, if not empty, stands in for its time.
func (e *eventWriter) event(n *yaml.Node, time string) []byte {
	return e.mapping(nil, n, nil, time)
}

// begin returns the first event's time.
func (e *eventWriter) begin() (ms int64, ok bool) {
	if e.timeNode == nil {
		return 0, false
	}
	return e.moment(e.timeNode, "time")
}

func (e *eventWriter) mapping(dst []byte, n *yaml.Node, at event.Path, time string) []byte {
	dst = append(dst, '{')
	first := true
	for _, m := range n.Entries {
		if len(at) == 0 && (m.Key.Text == "repeat" || m.Key.Text == "every") {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(event.AppendJSON(dst, event.StringValue(m.Key.Text)), ':')
		path := append(slices.Clip(at), m.Key.Text)
		if slices.Equal(path, e.time) {
			e.timeNode = m.Value
			if time != "" {
				dst = append(append(append(dst, '"'), time...), '"')
				continue
			}
		}
		dst = e.value(dst, m.Value, path, time)
	}
	return append(dst, '}')
}

func (e *eventWriter) value(dst []byte, n *yaml.Node, at event.Path, time string) []byte {
	switch n.Kind {
	case yaml.Map:
		return e.mapping(dst, n, at, time)
	case yaml.List:
		dst = append(dst, '[')
		for i, item := range n.Entries {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.value(dst, item.Value, event.Path{"", ""}, "")
		}
		return append(dst, ']')
	case yaml.Scalar:
		return e.scalar(dst, n)
	case yaml.Bad:
		e.bad = true
	}
	return append(dst, "null"...)
}

func (e *eventWriter) scalar(dst []byte, n *yaml.Node) []byte {
	if n.Style != yaml.Plain {
		return event.AppendJSON(dst, event.StringValue(n.Text))
	}
	switch n.Text {
	case "true", "false", "null":
		return append(dst, n.Text...)
	case "~":
		return append(dst, "null"...)
	}
	if isJSONNumber(n.Text) {
		return append(dst, n.Text...)
	}
	if isOddNumber(n.Text) {
		e.fail(n, "write a number as JSON does, or put quotes around a text", "%q is a number to some readers of YAML and a text to others", n.Text)
		e.bad = true
	}
	return event.AppendJSON(dst, event.StringValue(n.Text))
}

// isOddNumber reports whether a plain scalar is a number in some version of YAML and none in JSON: 007, .5, +1, 0x1f, 1_000, .inf.
func isOddNumber(s string) bool {
	t := strings.TrimLeft(s, "+-")
	if len(s)-len(t) > 1 || t == "" {
		return false
	}
	switch strings.ToLower(t) {
	case ".inf", ".nan":
		return true
	}
	if strings.HasPrefix(t, "0x") || strings.HasPrefix(t, "0o") {
		_, err := strconv.ParseUint(t[2:], map[byte]int{'x': 16, 'o': 8}[t[1]], 64)
		return err == nil
	}
	if !isDigit(t[0]) && t[0] != '.' {
		return false
	}
	_, err := strconv.ParseFloat(strings.ReplaceAll(t, "_", ""), 64)
	return err == nil && !strings.ContainsAny(t, "pPxXnN")
}

// expect reads one line of expect.
func (rd *reader) expect(t *Test, n *yaml.Node) {
	if n.Kind != yaml.Map {
		rd.fail(n, "write {time: 2026-01-01T10:05:00Z, key: c1}", "an opening must be a mapping, not %s", n.Kind)
		return
	}
	e := Expectation{At: rd.place(n.Offset)}
	known := rd.memberNames(t.Rule)
	for _, m := range n.Entries {
		name := m.Key.Text
		if known != nil && !slices.Contains(known, name) {
			rd.fail(m.Key, didYouMean(name, known), "%s is neither a fact of %s nor one of time, key, severity, message", name, t.Rule)
			continue
		}
		if v, ok := rd.member(name, m.Value); ok {
			e.Members = append(e.Members, v)
		}
	}
	t.Expect = append(t.Expect, e)
}

// memberNames are the members that an opening of a rule has; nil if there is no such rule.
func (rd *reader) memberNames(rule string) []string {
	d, ok := rd.rules[rule]
	if !ok {
		return nil
	}
	names := []string{"time", "key", "severity", "message"}
	if let := d.body.Get("let"); let != nil {
		for _, e := range let.Entries {
			if e.Key != nil {
				names = append(names, e.Key.Text)
			}
		}
	}
	return names
}

func (rd *reader) member(name string, n *yaml.Node) (m Member, ok bool) {
	m.Name = name
	switch {
	case n.Kind == yaml.Bad:
		return m, false
	case name == "time":
		ms, ok := rd.moment(n, "time")
		m.Value = event.IntValue(ms)
		return m, ok
	case n.Kind == yaml.List && name == "key":
		m.List = []event.Value{}
		for _, item := range rd.items(n, "key", "a part of the key") {
			v, ok := rd.expected(item)
			if !ok {
				return m, false
			}
			m.List = append(m.List, v)
		}
		return m, true
	}
	m.Value, ok = rd.expected(n)
	return m, ok
}

// expected reads an expected value: null stands for a missing one.
func (rd *reader) expected(n *yaml.Node) (v event.Value, ok bool) {
	switch n.Kind {
	case yaml.Empty:
		return v, true
	case yaml.Scalar:
	default:
		rd.fail(n, "", "an expected value must be a number, a text, true, false or null, not %s", n.Kind)
		return v, false
	}
	e := eventWriter{reader: rd}
	v, err := event.DecodeJSON(e.scalar(nil, n))
	if err != nil {
		rd.fail(n, "", "%q cannot be compared: %s", n.Text, err)
		return v, false
	}
	return v, !e.bad
}
