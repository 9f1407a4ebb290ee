package rules

import (
	"strings"
	"testing"
)

// TestFunctionExamples holds the documentation to what the functions do: every example is a condition that is true.
func TestFunctionExamples(t *testing.T) {
	for _, f := range Functions() {
		if f.Meaning == "" || !strings.HasPrefix(f.Signature, f.Name+"(") {
			t.Errorf("%s is not documented", f.Name)
		}
		if f.Name == "samples" { // needs a fact: see TestMeaning
			continue
		}
		x, err := Compile(f.Example, &Scope{})
		if err != nil {
			t.Errorf("%s", showError(f.Example, err))
			continue
		}
		if truth, ok := x.Test(&Env{}); !truth || !ok {
			t.Errorf("%s is not true: %v", f.Example, ok)
		}
		if !IsReserved(f.Name) {
			t.Errorf("%s is not reserved", f.Name)
		}
	}
}

func TestIsReserved(t *testing.T) {
	for _, name := range []string{"count", "sum", "previous", "and", "not", "nil", "event", "type", "time", "max", "len", "over", "session"} {
		if !IsReserved(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"orders", "prev", "usual", "total", "limit", "end", "begin", "p95", "kmh", "session_length"} {
		if IsReserved(name) {
			t.Errorf("%s is reserved", name)
		}
	}
}

// TestRound: a half goes away from zero, as the number is written.
func TestRound(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		w := newWorld(sample)
		x, err := Compile(src, &w.scope)
		if err != nil {
			t.Fatal(showError(src, err))
		}
		if got := w.show(x); got != want {
			t.Errorf("%s is %s, want %s", src, got, want)
		}
	}
	f("round(0.5)", "1")
	f("round(-0.5)", "-1")
	f("round(0.49999999999999994)", "0")
	f("round(999999999999999.995, 2)", "1000000000000000")
	f("round(1e300 / 3, 2) > 1e299", "true")
	f("round(1e-300, 2)", "0")
	f("round(-1e-7, 6)", "0")
	f("round(1.15, 1)", "1.2")
	f("round(amount, 0)", "100")
	f("round(amount, 1)", "100.1")
	f("round(amount, -1)", "missing round(amount, -1)")
	f("round(123456789012345678)", "123456789012345678")
	f("round(0.000000000000000001, 15)", "0")
	f("round(2 / 3, 4)", "0.6667")
}

// TestDistance compares with the well-known distance of two airports and the length of a degree.
func TestDistance(t *testing.T) {
	for _, src := range []string{
		"round(distance([36.12, -86.67], [33.94, -118.40])) == 2886",
		"round(distance(36.12, -86.67, 33.94, -118.40)) == 2886",
		`round(distance("36.12, -86.67", "33.94,-118.40")) == 2886`,
		"round(distance([0, 0], [0, 1]), 2) == 111.2",
		"round(distance([0, 179.5], [0, -179.5]), 2) == 111.2",
		"round(distance([90, 0], [-90, 0])) == 20015",
		"(distance([91, 0], [0, 0]) ?? -1) == -1",
		"(distance([1], [0, 0]) ?? -1) == -1",
		`(distance("x", [0, 0]) ?? -1) == -1`,
	} {
		x, err := Compile(src, &Scope{})
		if err != nil {
			t.Fatal(showError(src, err))
		}
		if truth, ok := x.Test(&Env{}); !truth || !ok {
			t.Errorf("%s is not true", src)
		}
	}
	for _, place := range []string{`{"lat": 1, "lon": 2}`, `{"latitude": 1, "longitude": 2}`, `{"lat": 1, "lng": 2}`,
		`{"type": "Point", "coordinates": [2, 1]}`, `[1, 2]`, `"1,2"`} {
		w := newWorld(`{"p": ` + place + `}`)
		x, err := Compile("distance(p, [1, 2]) == 0", &w.scope)
		if err != nil {
			t.Fatal(err)
		}
		if truth, ok := x.Test(&w.env); !truth || !ok {
			t.Errorf("%s is not read as a place: %s", place, w.env.Missing)
		}
	}
}
