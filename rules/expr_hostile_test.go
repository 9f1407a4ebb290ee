package rules

import (
	"errors"
	"strings"
	"testing"

	"kelpie/event"
)

// TestHostileSource: what tries to exhaust the compiler is refused with a place and a message.
func TestHostileSource(t *testing.T) {
	f := func(name, src, want string) {
		t.Helper()
		_, err := Compile(src, &Scope{})
		switch {
		case err == nil && want != "":
			t.Errorf("%s: accepted", name)
		case err != nil && (want == "" || !strings.Contains(err.Message, want)):
			t.Errorf("%s: %s", name, err.Message)
		case err != nil && (err.Offset < 0 || err.Width < 1 || err.Offset+err.Width > len(src)+1):
			t.Errorf("%s: at %d, %d wide", name, err.Offset, err.Width)
		}
	}
	many := strings.Repeat
	f("a million parentheses", many("(", 1_000_000), "bytes long")
	f("8000 parentheses", many("(", 4000)+"1"+many(")", 4000), "nest deeper")
	f("64 parentheses", many("(", 64)+"1"+many(")", 64), "")
	f("65 lists", many("[", 65)+many("]", 65), "nest deeper")
	f("minus signs", many("-", 8000)+"1", "too long")
	f("many minus signs", many("-", 1000)+"1", "")
	f("nots", many("not ", 1500)+"a", "")
	f("powers", many("2**", 2500)+"1", "too long")
	f("ternaries", many("a?1:", 1500)+"1", "too long")
	f("sums", many("a+", 4000)+"a", "too long")
	f("sums that pass", many("a+", 1900)+"a", "")
	f("coalesces", many("a??", 1900)+"a", "")
	f("a long list", "a in ["+many("1,", 2000)+"1]", "elements")
	f("members", "a"+many(".b", 70), "at most 64 levels")
	f("indexes", "a"+many("[0]", 1000), "")
	f("doubled comparisons", doubled(15), "too much work")
	f("few doubled comparisons", doubled(5), "")
	f("a large pattern", `a matches "`+many("(abcdefghi){100}", 10)+`"`, "too large")
	f("a large pattern of classes", `a matches "`+many(`(\\pL{20}){20}`, 40)+`"`, "too large")
	f("a NUL", "a\x00 > 5", "did not expect")
	f("no UTF-8", "a > \"\xff\"", "not UTF-8")
	f("nested any", "any(a, any(#, any(#, # > 1)))", "cannot stand inside")
	f("many parts in a text", many("a.b.c.d > 1 and ", 500)+"true", "too long")
}

// doubled is a source whose parser's tree uses every level twice.
func doubled(depth int) string {
	src := "a"
	for range depth {
		src = "(1 < (" + src + ") < 2 ? 1 : 2)"
	}
	return src
}

// TestHostileEvents: an expression that does too much on one event ends with an error, and the next event is fine.
func TestHostileEvents(t *testing.T) {
	big := strings.Repeat("a", 1<<20)
	f := func(src string) {
		t.Helper()
		w := newWorld(`{"s": "` + big + `", "list": [` + strings.Repeat(`"a",`, 100_000) + `1]}`)
		x, err := Compile(src, &w.scope)
		if err != nil {
			t.Fatal(showError(src, err))
		}
		if v := x.Eval(&w.env); !v.IsMissing() || !errors.Is(w.env.Err, ErrWork) {
			t.Errorf("%s: %v, %v", short(src), v.Kind, w.env.Err)
		}
		clear(w.env.Stored)
		w.env.Stored[0] = event.StringValue("b")
		if v := x.Eval(&w.env); v.IsMissing() && w.env.Err != nil {
			t.Errorf("%s on a small event: %v", short(src), w.env.Err)
		}
	}
	many := strings.Repeat
	f(many(`s + "" + `, 200) + "s")
	f("s + " + many(`"" + s + `, 200) + "s")
	f(many("[s, ", 30) + "s" + many("]", 30))
	f(`replace(s, "a", "` + many("b", 5000) + `")`)
	f(many("upper(", 20) + "s" + many(")", 20) + ` == "x"`)
	f(`s matches "(a|aa)+$" and s matches "([a-c]{1,50}){1,20}x"`)
	f(many(`s contains "x" or `, 40) + "false")
	f(many(`any(list, # == "x") or `, 100) + "false")
	f(many(`"x" in list or `, 100) + "false")
	f(`split(s, "")[0] ` + many(`+ split(s, "")[0] `, 10))
}
