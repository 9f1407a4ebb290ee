package whynot

import (
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// condition is a rule's condition taken apart at its `and` and `or`, so that each part can be asked for by itself.
type condition struct {
	src   string
	expr  *rules.Expr // nil: the part cannot be compiled alone, so nothing is known of it
	or    bool        // the parts are alternatives
	parts []condition // none: src is not taken apart
}

// takeApart takes an expression of the rule apart.
func takeApart(set *rules.Set, r *rules.Rule, src string) condition {
	return divide(scopeOf(set, r), src)
}

func divide(sc *rules.Scope, src string) condition {
	c := condition{src: src}
	if x, err := rules.Compile(src, sc); err == nil {
		c.expr = x
	}
	inner := unwrap(src)
	for _, words := range [][]string{{"or", "||"}, {"and", "&&"}} {
		operands := split(inner, words)
		if len(operands) < 2 {
			continue
		}
		c.or = words[0] == "or"
		for _, s := range operands {
			c.parts = append(c.parts, divide(sc, s))
		}
		return c
	}
	return c
}

// scopeOf is the scope in which the conditions of a checked rule mean what they mean in the rule.
func scopeOf(set *rules.Set, r *rules.Rule) *rules.Scope {
	sc := &rules.Scope{Params: map[string]event.Value{}, Facts: map[string]rules.FactName{}, Tables: map[string]rules.TableName{}}
	for _, p := range r.Params {
		sc.Params[p.Name] = p.Value
	}
	for i, f := range r.Facts {
		sc.Facts[f.Name] = rules.FactName{Index: i, Type: f.Type, Series: f.Series != ""}
	}
	for i, t := range set.Tables {
		name := rules.TableName{Index: i, Fields: map[string]rules.TableField{}}
		for k, f := range t.Fields {
			name.Fields[f] = rules.TableField{Index: k}
		}
		sc.Tables[t.Name] = name
	}
	sc.Slot = func(p event.Path) int {
		return index(set.Paths, func(q event.Path) bool { return p.String() == q.String() })
	}
	sc.Table = func(t rules.TableRef) int {
		return index(r.TableRefs, func(u rules.TableRef) bool { return t.Table == u.Table && t.Field == u.Field })
	}
	sc.Prev = func(p rules.PrevRef) int {
		return index(r.PrevRefs, func(q rules.PrevRef) bool { return p.Fact == q.Fact && p.Slot == q.Slot })
	}
	return sc
}

// index returns where a reference stands that the rule was compiled with, so it is always found.
func index[T any](list []T, is func(T) bool) int {
	for i, x := range list {
		if is(x) {
			return i
		}
	}
	return 0
}

// unwrap takes parentheses off that enclose all of s.
func unwrap(s string) string {
	for {
		s = strings.TrimSpace(s)
		if !strings.HasPrefix(s, "(") || closing(s) != len(s)-1 {
			return s
		}
		s = s[1 : len(s)-1]
	}
}

// closing returns where the bracket is closed with which s begins, -1 if nowhere.
func closing(s string) int {
	end := -1
	walk(s, func(i, depth int) bool {
		if i > 0 && depth == 0 {
			end = i
			return false
		}
		return true
	})
	return end
}

// split splits s at operators that stand outside of strings and brackets. A conditional binds looser than they, so an
// expression with one is left whole.
func split(s string, operators []string) []string {
	var out []string
	from, whole := 0, false
	walk(s, func(i, depth int) bool {
		if depth > 0 || i < from {
			return true
		}
		if conditional(s, i) {
			whole = true
			return false
		}
		for _, op := range operators {
			if isOperator(s, i, op) {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + len(op)
			}
		}
		return true
	})
	if whole {
		return nil
	}
	return append(out, strings.TrimSpace(s[from:]))
}

// conditional reports whether the ? of a ?: stands at s[i], rather than ?? or ?.
func conditional(s string, i int) bool {
	return s[i] == '?' && (i+1 == len(s) || s[i+1] != '?' && s[i+1] != '.') && (i == 0 || s[i-1] != '?')
}

func isOperator(s string, i int, op string) bool {
	if !strings.HasPrefix(s[i:], op) {
		return false
	}
	if !isWord(op[0]) {
		return true
	}
	return (i == 0 || !isWord(s[i-1]) && s[i-1] != '.') && (i+len(op) == len(s) || !isWord(s[i+len(op)]))
}

func isWord(c byte) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80
}

// walk calls f with each byte of s outside of strings and how many brackets are open behind it, until f says false.
func walk(s string, f func(i, depth int) bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'', '`':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' && c != '`' {
					i++
				}
			}
			continue
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		}
		if !f(i, depth) {
			return
		}
	}
}
