package rules

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"kelpie/event"
)

// TestAgainstVM holds the closures to expr's virtual machine, on random expressions over random values, where the
// two languages mean the same: nothing is missing, no integer overflows, nothing is infinite. Each expression runs
// in three ways: over facts, over stored fields and over a decoded event.
func TestAgainstVM(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := map[string]any{
			"i": rapid.IntRange(-9, 9).Draw(t, "i"), "j": rapid.IntRange(-9, 9).Draw(t, "j"),
			"x": quarter(t, "x"), "y": quarter(t, "y"),
			"s": rapid.SampledFrom(words5).Draw(t, "s"), "u": rapid.SampledFrom(words5).Draw(t, "u"),
			"f": rapid.Bool().Draw(t, "f"), "g": rapid.Bool().Draw(t, "g"),
		}
		src := exprOf("bool", 4).Draw(t, "src")
		if rapid.Bool().Draw(t, "any") {
			src = exprOf(rapid.SampledFrom([]string{"int", "num", "str"}).Draw(t, "type"), 4).Draw(t, "src2")
		}
		want, err := expr.Eval(src, vals)
		if err != nil {
			t.Fatalf("%s: the VM says %v", src, err)
		}
		for name, env := range waysToRun(t, src, vals) {
			v := env.x.Eval(env.env)
			if v.IsMissing() && strings.Contains(src, "/") && !env.env.Mismatch {
				continue // where the VM has an infinity
			}
			if !sameAsVM(v, want) {
				t.Fatalf("%s (%s)\n is %s\nand the VM says %v\nover %v", src, name, event.AppendJSON(nil, v), want, vals)
			}
			if truth, ok := env.x.Test(env.env); v.Kind == event.Bool && (truth != (v.N == 1) || !ok) {
				t.Fatalf("%s (%s): Test says %v, %v; Eval %v", src, name, truth, ok, v.N)
			}
		}
	})
}

var words5 = []string{"", "a", "ab", "Abc", "b a"}

func quarter(t *rapid.T, label string) float64 {
	return float64(rapid.IntRange(-40, 40).Draw(t, label)) / 4
}

func sameAsVM(v event.Value, want any) bool {
	switch w := want.(type) {
	case bool:
		return v.Kind == event.Bool && (v.N == 1) == w
	case string:
		return v.Kind == event.String && v.S == w
	case int:
		f, ok := v.Float64()
		return ok && f == float64(w)
	case float64:
		f, ok := v.Float64()
		return ok && f == w
	}
	return false
}

// compiled is an expression with an environment.
type compiled struct {
	x   *Expr
	env *Env
}

func waysToRun(t *rapid.T, src string, vals map[string]any) map[string]compiled {
	raw := map[string]any{"type": "T", "time": 1}
	facts := &Scope{Facts: map[string]FactName{}}
	factEnv := &Env{}
	for name, v := range vals {
		raw[name] = v
		ev := valueFrom(v)
		facts.Facts[name] = FactName{Index: len(factEnv.Facts), Type: typeOf(ev)}
		factEnv.Facts = append(factEnv.Facts, ev)
	}
	var paths []event.Path
	fields := &Scope{Slot: func(p event.Path) int {
		paths = append(paths, p)
		return len(paths) - 1
	}}
	x, err := Compile(src, fields)
	if err != nil {
		t.Fatal(showError(src, err))
	}
	stored, recorded := &Env{HasEvent: true, Stored: []event.Value{}}, &Env{HasEvent: true, Rec: &event.Record{}}
	for _, p := range paths {
		stored.Stored = append(stored.Stored, valueFrom(vals[p[0]]))
	}
	d, derr := event.NewDecoder(&event.Schema{Spec: event.Spec{Type: "type", Time: "time"}, Paths: paths})
	text, _ := json.Marshal(raw)
	if derr != nil {
		t.Fatal(derr)
	}
	if r := d.Decode(text, recorded.Rec); r != nil {
		t.Fatal(r)
	}
	y, err := Compile(src, facts)
	if err != nil {
		t.Fatal(showError(src, err))
	}
	return map[string]compiled{"facts": {y, factEnv}, "stored": {x, stored}, "recorded": {x, recorded}}
}

func valueFrom(v any) event.Value {
	switch v := v.(type) {
	case int:
		return event.IntValue(int64(v))
	case float64:
		return event.ParseNumber(strconv.AppendFloat(nil, v, 'g', -1, 64))
	case bool:
		return event.BoolValue(v)
	}
	return event.StringValue(v.(string))
}

// exprOf generates the source of an expression of a type: int, num, str or bool.
func exprOf(typ string, depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if depth == 0 {
			return rapid.SampledFrom(leaves[typ]).Draw(t, "leaf")
		}
		form := rapid.SampledFrom(forms[typ]).Draw(t, "form")
		args := make([]any, len(form.args))
		for i, a := range form.args {
			args[i] = exprOf(a, depth-1).Draw(t, "arg")
		}
		return fmt.Sprintf(form.text, args...)
	})
}

type form struct {
	text string
	args []string
}

var leaves = map[string][]string{
	"int":  {"i", "j", "1", "7", "0", "3"},
	"num":  {"i", "x", "y", "2.5", "0.25", "4", "(y ?? 3)"},
	"str":  {"s", "u", `"a"`, `'Abc'`, `""`},
	"bool": {"f", "g", "true", "false", "(i > 3)", `(s == "a")`, "(x <= 2.5)", `(u != "ab")`, "(j == 0)", `(s in ["a", "ab"])`},
}

var forms = map[string][]form{
	"int": {{"%s", []string{"int"}}, {"(%s + %s)", []string{"int", "int"}}, {"(%s - %s)", []string{"int", "int"}}, {"(%s * %s)", []string{"int", "int"}},
		{"(%s %% 7)", []string{"int"}}, {"-(%s)", []string{"int"}}, {"(%s ? %s : %s)", []string{"bool", "int", "int"}}, {"len(%s)", []string{"str"}},
		{"abs(%s)", []string{"int"}}, {"max(%s, %s)", []string{"int", "int"}}, {"min(%s, 3, %s)", []string{"int", "int"}}},
	"num": {{"%s", []string{"int"}}, {"(%s + %s)", []string{"num", "num"}}, {"(%s - %s)", []string{"num", "num"}}, {"(%s * %s)", []string{"num", "num"}},
		{"(%s / %s)", []string{"num", "num"}}, {"(%s / 2)", []string{"int"}}, {"(+%s)", []string{"num"}}, {"abs(%s)", []string{"num"}},
		{"floor(%s)", []string{"num"}}, {"ceil(%s)", []string{"num"}}, {"(%s ** 2)", []string{"num"}}, {"max(%s, %s)", []string{"num", "num"}}},
	"str": {{"%s", []string{"str"}}, {"(%s + %s)", []string{"str", "str"}}, {"lower(%s)", []string{"str"}}, {"upper(%s)", []string{"str"}},
		{"trim(%s)", []string{"str"}}, {"(%s ? %s : %s)", []string{"bool", "str", "str"}}, {"(%s | upper())", []string{"str"}}},
	"bool": {{"%s", []string{"bool"}}, {"(%s && %s)", []string{"bool", "bool"}}, {"(%s || %s)", []string{"bool", "bool"}}, {"(%s and not (%s))", []string{"bool", "bool"}},
		{"!(%s)", []string{"bool"}}, {"(%s ? %s : %s)", []string{"bool", "bool", "bool"}},
		{"(%s > %s)", []string{"num", "num"}}, {"(%s <= %s)", []string{"num", "num"}}, {"(%s < 2 * %s)", []string{"int", "int"}}, {"(1 < %s < 5)", []string{"num"}},
		{"(%s == %s)", []string{"num", "num"}}, {"(%s != %s)", []string{"int", "int"}}, {"(%s == 3)", []string{"num"}}, {"(2.5 != %s)", []string{"num"}},
		{"(%s == %s)", []string{"str", "str"}}, {"(%s != 'a')", []string{"str"}}, {"(%s < %s)", []string{"str", "str"}}, {"(%s >= %s)", []string{"str", "str"}},
		{"(%s == %s)", []string{"bool", "bool"}}, {"(%s in [1, 2, 7])", []string{"int"}}, {"(%s not in [%s, 2])", []string{"int", "int"}}, {"(%s in ['a', 'ab', %s])", []string{"str", "str"}},
		{"(%s in 1..5)", []string{"int"}}, {"(%s contains %s)", []string{"str", "str"}}, {"(%s startsWith %s)", []string{"str", "str"}}, {"(%s not endsWith %s)", []string{"str", "str"}},
		{"(%s matches '^a.*$')", []string{"str"}}, {"any([1, %s, 3], # > j)", []string{"int"}}, {"all(['a', %s], len(#) > 0)", []string{"str"}}, {"none([%s], # == 2)", []string{"int"}}},
}
