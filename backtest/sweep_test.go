package backtest

import (
	"strings"
	"testing"

	"kelpie/rules"
)

func TestParseSweep(t *testing.T) {
	f := func(text, rule, param, values string) {
		t.Helper()
		s, err := ParseSweep(text)
		if got := strings.Join(s.Values, " "); err != nil || s.Rule != rule || s.Param != param || got != values {
			t.Errorf("%q is %+v, %v, want %s.%s: %s", text, s, err, rule, param, values)
		}
	}
	f("burst.most=3..6", "burst", "most", "3 4 5 6")
	f("a.b.c=3..10/3", "a.b", "c", "3 6 9")
	f("a.b=-1..1", "a", "b", "-1 0 1")
	f("a.b=0.1..0.3/0.1", "a", "b", "0.1 0.2 0.3")
	f("a.b=5%..20%/5%", "a", "b", "5% 10% 15% 20%")
	f("a.b=5%..7%", "a", "b", "5% 6% 7%")
	f("a.b=2m..4m", "a", "b", "2m 3m 4m")
	f("a.b=30s..2m/30s", "a", "b", "30s 1m 90s 2m")
	f("a.b=1..1", "a", "b", "1")
	f("a.b=3, 5,8,3", "a", "b", "3 5 8")
	f(`a.b=["x", "y"],[z]`, "a", "b", `["x", "y"] [z]`)
	f(`a.b='x, y',z`, "a", "b", `'x, y' z`)

	wrong := func(text, want string) {
		t.Helper()
		if s, err := ParseSweep(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %+v, %v, want %q", text, s, err, want)
		}
	}
	wrong("burst", "write RULE.PARAM=3..20")
	wrong("burst=3", "write RULE.PARAM=3..20")
	wrong(".a=3", "write RULE.PARAM=3..20")
	wrong("a.b=", "write RULE.PARAM=3..20")
	wrong("a.b=3,,4", "a value is empty")
	wrong("a.b=5..3", "a range goes up")
	wrong("a.b=1..3/0", "a range goes up")
	wrong("a.b=1..3m", "the same unit")
	wrong("a.b=x..y", "is neither a number")
	wrong("a.b=0.5..1", "give the step")
	wrong("a.b=1..2000", "more than 1000 values")
	wrong("a.b=1.5m..3m/1m", "is no duration")
}

func TestPoints(t *testing.T) {
	set := load(t, burst, rules.Options{})
	one, _ := ParseSweep("burst.most=1..3")
	points, err := Points(set, one)
	if err != nil || len(points) != 3 || points[2].Name != "burst.most=3" || points[2].Params[0].Value.N != 3 || points[2].Set.Rule("never") != set.Rule("never") {
		t.Fatalf("points are %+v, %v", points, err)
	}
	if points[1].Set.Rule("burst").Text != set.Rule("burst").Text {
		t.Error("the point with today's value is not today's rule")
	}
	bad, _ := ParseSweep("burst.least=1..3")
	if _, err := Points(set, bad); err == nil || !strings.Contains(err.Error(), "has no param least") {
		t.Errorf("a param that is not there: %v", err)
	}
}
