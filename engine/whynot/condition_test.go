package whynot

import (
	"strings"
	"testing"

	"kelpie/rules"
)

func TestSplit(t *testing.T) {
	f := func(src, operators, want string) {
		t.Helper()
		if got := strings.Join(split(src, strings.Fields(operators)), " | "); got != want {
			t.Errorf("split(%q, %s) = %q, want %q", src, operators, got, want)
		}
	}
	f("a > 1 and b", "and &&", "a > 1 | b")
	f("a>1&&b", "and &&", "a>1 | b")
	f("a and b or c", "or ||", "a and b | c")
	f("a and (b and c)", "and &&", "a | (b and c)")
	f(`x == " and " and y`, "and &&", `x == " and " | y`)
	f(`x == 'a\' and ' and y`, "and &&", `x == 'a\' and ' | y`)
	f("x == `\\` and y", "and &&", "x == `\\` | y")
	f("android and brand", "and &&", "android | brand")
	f("a.and and b", "and &&", "a.and | b")
	f("a ? b and c : d", "and &&", "")
	f("a ?? b and c", "and &&", "a ?? b | c")
	f("a?.b and c", "and &&", "a?.b | c")
	f("any(x, # > 1 and # < 3)", "and &&", "any(x, # > 1 and # < 3)")
	f("größe and b", "and &&", "größe | b")
	f("a and", "and &&", "a | ")
	f("", "and &&", "")
}

func TestUnwrap(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		if got := unwrap(src); got != want {
			t.Errorf("unwrap(%q) = %q, want %q", src, got, want)
		}
	}
	f(" (a or b) ", "a or b")
	f("((a))", "a")
	f("(a) or (b)", "(a) or (b)")
	f(`(a == ")")`, `a == ")"`)
	f("(a", "(a")
	f("", "")
}

// TestTakeApart checks that each part means in the tree what it means in the rule.
func TestTakeApart(t *testing.T) {
	set, err := rules.LoadBytes("r.yml", []byte(`
tables:
  credit: {key: c, on: {Limit: {limit: limit}}}
rules:
  r:
    event: E
    by: c
    params: {most: 5}
    let: {n: count over 10m, prev: previous over 1h}
    when: (n > most or prev.x == x) and not (credit.limit > 3) and status == "a and b"
`), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := set.Rules[0]
	c := takeApart(set, r, r.When.Src)
	var got []string
	var walk func(c *condition, depth int)
	walk = func(c *condition, depth int) {
		if c.expr == nil {
			t.Errorf("%q does not compile by itself", c.src)
		}
		got = append(got, strings.Repeat(" ", depth)+c.src)
		for i := range c.parts {
			walk(&c.parts[i], depth+1)
		}
	}
	walk(&c, 0)
	want := []string{
		r.When.Src,
		" (n > most or prev.x == x)",
		"  n > most",
		"  prev.x == x",
		" not (credit.limit > 3)",
		` status == "a and b"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
