package rules

import (
	"strings"
	"unicode/utf8"

	"kelpie/event"
)

var oneText = []Type{StringType}

var textFunctions = []Function{
	{
		Name: "len", Signature: "len(x)", Meaning: "how many characters a text has, or how many elements a list.", Example: `len("größe") == 5`,
		least: 1, most: 1, result: NumberType, number: length,
		check: func(c *checker, n *node) *node {
			if t := n.args[0].typ; t == NumberType || t == BoolType {
				return c.failAt(n.args[0], "", "len takes a string or a list, and this is %s", aType[t])
			}
			return n
		},
	},
	textual("lower", "the text in small letters.", `lower("ABC") == "abc"`, strings.ToLower),
	textual("upper", "the text in capital letters.", `upper("abc") == "ABC"`, strings.ToUpper),
	textual("trim", "the text without white space around it.", `trim(" a b ") == "a b"`, strings.TrimSpace),
	{
		Name: "substring", Signature: "substring(text, from, to?)", Meaning: "the characters from (counted from 0, from the end if negative) up to, not including, to.",
		Example: `substring("kelpie", 0, 3) == "kel"`, params: []Type{StringType, NumberType, NumberType}, least: 2, most: 3, result: StringType, text: substring,
	},
	{
		Name: "replace", Signature: "replace(text, old, new)", Meaning: "the text with every old replaced by new.", Example: `replace("1-2-3", "-", "") == "123"`,
		params: oneText, least: 3, most: 3, result: StringType, text: replace,
	},
	{
		Name: "split", Signature: "split(text, separator)", Meaning: "the list of the parts between separators; [0] is the first, [-1] the last.",
		Example: `split("ann@example.com", "@")[-1] == "example.com"`, params: oneText, least: 2, most: 2, result: ListType, value: splitText,
	},
	{
		Name: "string", Signature: "string(x)", Meaning: "a number or a bool as text, as keys are written; a text as it is.", Example: `string(1.50) == "1.5"`,
		least: 1, most: 1, result: StringType, text: toText,
	},
}

// textual is a function of one text that gives another.
func textual(name, meaning, example string, f func(string) string) Function {
	return Function{
		Name: name, Signature: name + "(text)", Meaning: meaning, Example: example,
		params: oneText, least: 1, most: 1, result: StringType,
		text: func(n *node) textFn {
			x, whole := compileText(n.args[0]), n.name
			return func(e *Env) (string, bool) {
				s, ok := x(e)
				if !ok || !e.spend(2*len(s), whole) {
					return "", false
				}
				return f(s), true
			}
		},
	}
}

func length(n *node) numberFn {
	f, name, whole := compileValue(n.args[0]), n.args[0].name, n.name
	return func(e *Env) numeral {
		v := f(e)
		switch {
		case v.Kind == event.Missing || !e.spend(len(v.S), whole):
		case v.Kind == event.String:
			return numeral{int64(utf8.RuneCountInString(v.S)), event.Int}
		case v.Kind == event.List:
			return numeral{elementCount(v), event.Int}
		default:
			e.mismatch(name)
		}
		return numeral{}
	}
}

func substring(n *node) textFn {
	text, from, whole := compileText(n.args[0]), compileNumber(n.args[1]), n.name
	to := func(*Env) numeral { return numeral{1 << 62, event.Int} }
	if len(n.args) == 3 {
		to = compileNumber(n.args[2])
	}
	return func(e *Env) (string, bool) {
		s, ok := text(e)
		if !ok {
			return "", false
		}
		a := from(e)
		if a.kind == event.Missing {
			return "", false
		}
		b := to(e)
		if b.kind == event.Missing || !e.spend(2*len(s), whole) {
			return "", false
		}
		if a.kind != event.Int || b.kind != event.Int {
			e.miss(whole)
			return "", false
		}
		return characters(s, a.n, b.n), true
	}
}

// characters cuts s; what lies outside of it is not there.
func characters(s string, from, to int64) string {
	n := int64(utf8.RuneCountInString(s))
	if from < 0 {
		from = max(0, from+n)
	}
	if to < 0 {
		to += n
	}
	to = min(to, n)
	if from >= to {
		return ""
	}
	start, end, i := len(s), len(s), int64(0)
	for at := range s {
		if i == from {
			start = at
		}
		if i == to {
			end = at
			break
		}
		i++
	}
	return s[start:end]
}

func replace(n *node) textFn {
	args, whole := compileTexts(n.args), n.name
	return func(e *Env) (string, bool) {
		var s [3]string
		for i, f := range args {
			var ok bool
			if s[i], ok = f(e); !ok {
				return "", false
			}
		}
		if !e.spend(len(s[0]), whole) || !e.spend(strings.Count(s[0], s[1])*len(s[2]), whole) {
			return "", false
		}
		return strings.ReplaceAll(s[0], s[1], s[2]), true
	}
}

func compileTexts(args []*node) []textFn {
	out := make([]textFn, len(args))
	for i, a := range args {
		out[i] = compileText(a)
	}
	return out
}

func splitText(n *node) valueFn {
	text, by, whole := compileText(n.args[0]), compileText(n.args[1]), n.name
	return func(e *Env) event.Value {
		s, ok := text(e)
		if !ok {
			return event.Value{}
		}
		sep, ok := by(e)
		if !ok || !e.spend(8*len(s), whole) {
			return event.Value{}
		}
		out := []byte{'['}
		for part := range strings.SplitSeq(s, sep) {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = event.AppendJSON(out, event.StringValue(part))
		}
		return event.Value{Kind: event.List, S: string(append(out, ']'))}
	}
}

func toText(n *node) textFn {
	f, name := compileValue(n.args[0]), n.args[0].name
	return func(e *Env) (string, bool) {
		v := f(e)
		switch v.Kind {
		case event.Missing:
			return "", false
		case event.String:
			return v.S, true
		}
		text, ok := event.AppendKey(nil, v)
		if !ok {
			e.mismatch(name)
		}
		return string(text), ok
	}
}
