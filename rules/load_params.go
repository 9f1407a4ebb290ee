package rules

import (
	"encoding/json"
	"strconv"
	"strings"

	"kelpie/event"
	"kelpie/rules/yaml"
)

// readParams reads the rule's constants.
func (rr *ruleReader) readParams() {
	n := rr.keys["params"]
	if n == nil || n.Kind == yaml.Bad {
		return
	}
	if n.Kind != yaml.Map {
		rr.fail(n, "write params: {limit: 100}", "params must be a mapping from names to constants, not %s", n.Kind)
		return
	}
	for _, e := range n.Entries {
		if !rr.validName(e.Key, "a param") {
			continue
		}
		p, ok := rr.param(e.Key.Text, e.Value)
		if !ok {
			continue
		}
		rr.r.Params = append(rr.r.Params, p)
		rr.params[p.Name] = p.Value
	}
}

// taken are the names that always mean something about the event.
var taken = map[string]string{"type": "the event's type", "time": "the event's time", "event": "the event itself", "row": "a table's row"}

// validName reports whether a name can be used in expressions, and says so if not.
func (rd *reader) validName(key *yaml.Node, what string) bool {
	name := key.Text
	ws := words(name)
	switch {
	case len(ws) != 1 || ws[0].kind != nameWord || strings.ContainsAny(name, "$") || len(name) > 100:
		hint := ""
		if alt := strings.ReplaceAll(name, "-", "_"); alt != name {
			hint = "write " + alt
		}
		rd.fail(key, hint, "%s's name is used in expressions: letters, digits and _, beginning with a letter; not %q", what, name)
	case taken[name] != "":
		rd.fail(key, "", "%s cannot be called %s: that is %s", what, name, taken[name])
	case IsReserved(name):
		rd.fail(key, "call it something else, for instance "+name+"_", "%s cannot be called %s: the language uses that name", what, name)
	default:
		return true
	}
	return false
}

// param reads one constant.
func (rd *reader) param(name string, n *yaml.Node) (p Param, ok bool) {
	p.Name = name
	switch n.Kind {
	case yaml.Bad:
		return p, false
	case yaml.List:
		var texts []string
		for _, item := range rd.items(n, "the param "+name, "a constant") {
			e, ok := rd.param(name, item)
			if !ok {
				return p, false
			}
			if e.List != nil || e.Value.Kind == event.List {
				rd.fail(item, "", "a list within a list is no constant")
				return p, false
			}
			p.List = append(p.List, e.Value)
			texts = append(texts, e.Text)
		}
		text := []byte{'['}
		for i, v := range p.List {
			if i > 0 {
				text = append(text, ',')
			}
			text = event.AppendJSON(text, v)
		}
		p.Value = event.Value{Kind: event.List, S: string(append(text, ']'))}
		p.Text = "[" + strings.Join(texts, ", ") + "]"
		return p, true
	case yaml.Scalar:
		p.Text = n.Text
		p.Value, ok = rd.constant(n, "the param "+name)
		return p, ok
	}
	rd.fail(n, "", "a param is a constant: a number, a percentage, a duration, a text, true, false or a list of these")
	return p, false
}

// constant reads a scalar as a number, a percentage (its share), a duration (milliseconds), a bool or a text.
func (rd *reader) constant(n *yaml.Node, what string) (v event.Value, ok bool) {
	s := n.Text
	if n.Style != yaml.Plain {
		return event.StringValue(s), true
	}
	s = strings.TrimSpace(s)
	switch s {
	case "true", "false":
		return event.BoolValue(s == "true"), true
	case "null", "~":
		rd.fail(n, "", "%s is null, which is no constant", what)
		return v, false
	}
	if isJSONNumber(s) {
		v = event.ParseNumber([]byte(s))
	} else if p, found := strings.CutSuffix(s, "%"); found && isJSONNumber(p) {
		v = percent(p)
	} else if !looksNumeric(s) {
		return event.StringValue(s), true
	} else if ms, err := ParseDuration(s); err == nil {
		v = event.IntValue(ms)
	} else {
		rd.fail(n, "if it is a text, put quotes around it", "%s: %q is neither a number, a percentage nor a duration", what, s)
		return v, false
	}
	if v.IsMissing() {
		rd.fail(n, "", "%s: the number %s is too large", what, s)
		return v, false
	}
	return v, true
}

// percent returns the share that a percentage stands for: the number, two places further right.
func percent(number string) event.Value {
	return event.ParseNumber([]byte(shiftExponent(number, -2)))
}

// shiftExponent multiplies a JSON number by a power of ten, in its text, so that it stays exact.
func shiftExponent(number string, by int) string {
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return number + "e" + strconv.Itoa(by)
	}
	exp, err := strconv.Atoi(number[i+1:])
	if err != nil || exp > 1000 || exp < -1000 {
		return number // 0 or too large either way
	}
	return number[:i] + "e" + strconv.Itoa(exp+by)
}

// looksNumeric reports whether a text was probably meant as a number.
func looksNumeric(s string) bool {
	t := strings.TrimLeft(s, "+-.")
	return t != "" && isDigit(t[0]) && !strings.ContainsAny(t, " :/") && len(s)-len(t) <= 2 && !isIdentifierLike(t)
}

// isIdentifierLike reports whether a text that begins with a digit is rather a name, an address or a date: 4b-x, 10.0.0.1, 2026-01-01.
func isIdentifierLike(t string) bool {
	return strings.Count(t, ".") > 1 || strings.Contains(t, "-") && !strings.ContainsAny(t, "eE")
}

func isJSONNumber(s string) bool {
	return s != "" && (s[0] == '-' || isDigit(s[0])) && json.Valid([]byte(s))
}
