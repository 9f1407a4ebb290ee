package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"kelpie/event"
)

// Template is a compiled alert text with {{expressions}}. Safe for concurrent use with separate Envs.
type Template struct {
	Src    string
	Fields []int // what its expressions read, as of an Expr
	Facts  []int
	Tables []int
	Prev   []int

	parts []part
}

// part is a piece of text, or an expression if eval is not nil.
type part struct {
	text  string
	eval  valueFn
	root  *node
	shows []string // the event fields that can be seen in the expression's value
}

// Shown is a piece of a message in which event fields can be seen.
type Shown struct {
	From, To int      // bytes of the message
	Fields   []string // as rules write them, sorted
}

// CompileTemplate checks a text with {{expressions}} and makes it ready to be rendered. A brace that opens nothing is
// text; {{"{{"}} writes two of them.
func CompileTemplate(src string, sc *Scope) (*Template, *SrcError) {
	t := &Template{Src: src}
	if i := invalidUTF8(src); i >= 0 {
		return nil, &SrcError{i, 1, "the text is not UTF-8 here", ""}
	}
	for rest, at := src, 0; rest != ""; {
		open := strings.Index(rest, "{{")
		if open < 0 {
			t.parts = append(t.parts, part{text: rest})
			break
		}
		if open > 0 {
			t.parts = append(t.parts, part{text: rest[:open]})
		}
		inner := rest[open+2:]
		n := closing(inner)
		if n < 0 {
			return nil, &SrcError{at + open, 2, "this {{ is not closed", "write }} behind the expression"}
		}
		if err := t.add(inner[:n], sc); err != nil {
			err.Offset += at + open + 2
			return nil, err
		}
		at += open + 2 + n + 2
		rest = inner[n+2:]
	}
	return t, nil
}

// add compiles one expression of the text.
func (t *Template) add(src string, sc *Scope) *SrcError {
	used := uses{t.Fields, t.Facts, t.Tables, t.Prev}
	n, err := check(src, sc, &used)
	if err != nil {
		return err
	}
	t.Fields, t.Facts, t.Tables, t.Prev = used.fields, used.facts, used.tables, used.prev
	t.parts = append(t.parts, part{eval: compileValue(n), root: n})
	return nil
}

// closing returns where the }} stands that ends an expression, -1 if there is none. Strings are skipped.
func closing(s string) int {
	for i := 0; i+1 < len(s); i++ {
		switch c := s[i]; {
		case c == '}' && s[i+1] == '}':
			return i
		case c == '"' || c == '\'' || c == '`':
			end := stringEnd(s[i:])
			if end < 0 {
				return -1
			}
			i += end
		}
	}
	return -1
}

// stringEnd returns where the quote stands that closes the string at the beginning of s.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return i
		case s[i] == '\\' && s[0] != '`':
			i++
		}
	}
	return -1
}

// maxShown is how many characters of one value a text shows.
const maxShown = 1000

// Render writes the text, and says what can be seen where in it; a missing value is shown as "?". key resolves the names of
// the rule's `by` where there is no event.
func (t *Template) Render(env *Env, key []string) (string, []Shown) {
	env.key = key
	var b []byte
	var shown []Shown
	for i := range t.parts {
		p := &t.parts[i]
		if p.eval == nil {
			b = append(b, p.text...)
			continue
		}
		env.work = 0
		from := len(b)
		b = appendShown(b, p.eval(env))
		shown = see(shown, from, len(b), p.shows)
	}
	env.key = nil
	return string(b), shown
}

// see notes what can be seen in a piece of a message.
func see(shown []Shown, from, to int, fields []string) []Shown {
	if len(fields) == 0 || from == to {
		return shown
	}
	return append(shown, Shown{from, to, fields})
}

// appendShown appends a value as people read it: texts as they are, numbers without the noise of float64 arithmetic
// (15 significant digits), lists and objects as JSON. A long value is cut.
func appendShown(b []byte, v event.Value) []byte {
	switch v.Kind {
	case event.Missing:
		return append(b, '?')
	case event.Float:
		f, _ := v.Float64()
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
		b, _ = event.AppendKey(b, event.FloatValue(f))
		return b
	case event.String, event.Object, event.List:
		return append(b, cut(v.S)...)
	}
	return event.AppendJSON(b, v)
}

// cut returns the beginning of a long text.
func cut(s string) string {
	if len(s) <= maxShown || utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return characters(s, 0, maxShown-1) + "…"
}
