package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// parse gives the text to expr's parser.
func (lx *lexed) parse() (node ast.Node, bad *SrcError) {
	defer func() {
		if r := recover(); r != nil { // a bug of the parser must not stop the program
			node, bad = nil, &SrcError{0, max(1, len(lx.src)), "this is no expression", ""}
		}
	}()
	if strings.TrimSpace(lx.src) == "" {
		return nil, &SrcError{0, 1, "an expression is expected here", ""}
	}
	config := conf.CreateNew()
	config.MaxNodes = maxSyntax
	config.DisableIfOperator = true
	tree, err := parser.ParseWithConfig(lx.text, config)
	if err != nil {
		return nil, lx.explain(err)
	}
	return tree.Node, nil
}

var unexpected = regexp.MustCompile(`^unexpected token (\w+)(?:\("(.*)"\))?$`)

// explain turns a mistake that the parser found into our words.
func (lx *lexed) explain(err error) *SrcError {
	e := &file.Error{Message: err.Error()}
	errors.As(err, &e)
	from, to := lx.at(e.From, e.To)
	out := &SrcError{Offset: from, Width: max(1, to-from), Message: e.Message}
	switch m := unexpected.FindStringSubmatch(e.Message); {
	case m != nil && m[1] == "EOF", e.Message == "unexpected end of expression":
		out.Offset, out.Width = len(strings.TrimRight(lx.src, " \t\r\n")), 1
		out.Message, out.Hint = "the expression ends too early", lx.unclosed()
	case m != nil:
		out.Message = "did not expect " + quote(lx.src[from:to]) + " here"
		out.Hint = lx.hint(from, lx.src[from:to])
	case strings.HasPrefix(e.Message, "unrecognized character"):
		out.Message = "did not expect " + quote(lx.src[from:to]) + " here"
	case strings.Contains(e.Message, "coalesce"):
		out.Message, out.Hint = "?? cannot stand beside "+quote(lx.src[from:to])+" without parentheses", "write (a ?? b) "+lx.src[from:to]+" …"
	case strings.Contains(e.Message, "escape"):
		out.Message, out.Hint = "there is no such escape in a string", `write \\ for a backslash`
	case strings.Contains(e.Message, "maximum allowed nodes"):
		out.Offset, out.Width = 0, len(lx.src)
		out.Message, out.Hint = "the expression is too long", "give its parts names in let"
	case strings.HasPrefix(e.Message, "expected at least"):
		out.Message = "a value is missing here"
	}
	return out
}

// unclosed is the hint for an expression that ends too early: a bracket that is open.
func (lx *lexed) unclosed() string {
	var open []int
	for _, b := range lx.brackets {
		switch {
		case b.open:
			open = append(open, b.at)
		case len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 {
		return ""
	}
	at := open[len(open)-1]
	return fmt.Sprintf("the %c at character %d is not closed", lx.src[at], 1+len([]rune(lx.src[:at])))
}

// hint says what was probably meant where the parser did not expect token, at byte from.
func (lx *lexed) hint(from int, token string) string {
	before := strings.TrimRight(lx.src[:from], " \t\r\n")
	for _, end := range lx.percents {
		if end == len(before) {
			return "5% is 0.05; for the remainder put a space before the sign: a % b"
		}
	}
	switch strings.ToLower(token) {
	case "=":
		return "write == to compare"
	case "&":
		return "write && or and"
	case ">":
		if strings.HasSuffix(before, "<") {
			return "write != for not equal"
		}
	case "and", "or", "not", "in", "contains", "matches", "startswith", "endswith", "let":
		if token != strings.ToLower(token) && token != "startsWith" && token != "endsWith" {
			return "operators are written in small letters: and, or, not, in"
		}
		return fmt.Sprintf("a field of that name is written event[%q]", token)
	case "is":
		return "write == to compare, or x == nil to ask whether x is missing"
	case "like":
		return `write contains, startsWith, endsWith or matches "regular expression"`
	case "between":
		return "write x in 1..5 for whole numbers, or 1 <= x && x <= 5"
	case "over", "each", "before", "by", "where", "of":
		return "a window belongs to a fact of its own in let, such as n: count over 10m"
	}
	return ""
}

func quote(s string) string { return "`" + s + "`" }
