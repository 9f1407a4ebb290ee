package rules

import (
	"testing"
	"unicode/utf8"
)

// FuzzCompile: no source panics, mistakes lie within the source, and what compiles can be evaluated, is the same when
// compiled again and says the same in all its forms.
func FuzzCompile(f *testing.F) {
	for _, src := range []string{
		"orders > 5", `status in ["a", "b"] and not flag`, "credit.outstanding > credit.limit", "current > 10 * max(usual, 3)",
		"failing > 5% && time - prev.time < 10m", `event["@timestamp"] == nil ? 1 : 2`, `any(items, .price > 1)`, "1 < x < 5", "x in 1..5",
		`user | lower() | split("@")`, `inCIDR(ip, "10.0.0.0/8")`, "distance(prev.geo, geo)", "round(amount, 2)", `a matches "x+"`, "(((a)))[0].b",
		"{{a}}", "a ?? b ?: c", "-+-!not a", "0x1F % 7%", "`raw` + 'q\\'' /* c */ // d", `hour(time, "Europe/Berlin")`,
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		w := newWorld(sample)
		x, err := Compile(src, &w.scope)
		if err != nil {
			if err.Offset < 0 || err.Width < 1 || err.Offset > len(src) || err.Message == "" {
				t.Fatalf("%q: %+v", src, err)
			}
			return
		}
		if !utf8.ValidString(x.Canon) && utf8.ValidString(src) {
			t.Fatalf("%q: canonical form %q", src, x.Canon)
		}
		again := newWorld(sample)
		if y, err := Compile(src, &again.scope); err != nil || y.Canon != x.Canon {
			t.Fatalf("%q compiles differently: %v", src, err)
		}
		v := x.Eval(&w.env)
		if v.IsMissing() && w.env.Missing == "" {
			t.Fatalf("%q is missing without a name", src)
		}
		if v != x.Eval(&w.env) {
			t.Fatalf("%q gives different values", src)
		}
		truth, ok := x.Test(&w.env)
		if b, isBool := v.Bool(); ok != isBool || truth != (b && isBool) {
			t.Fatalf("%q: Test says %v, %v; Eval %v", src, truth, ok, v)
		}
		w.env.HasEvent = false
		x.Eval(&w.env)
		x.Eval(&Env{})
	})
}

// FuzzTemplate: no text panics, and what compiles can be rendered.
func FuzzTemplate(f *testing.F) {
	f.Add("{{customer_id}} placed {{n}} orders worth {{spend | round(2)}}")
	f.Add(`{{"}}"}} { {{a}`)
	f.Fuzz(func(t *testing.T, src string) {
		w := newWorld(sample)
		x, err := CompileTemplate(src, &w.scope)
		if err != nil {
			if err.Offset < 0 || err.Width < 1 || err.Offset > len(src) {
				t.Fatalf("%q: %+v", src, err)
			}
			return
		}
		x.Render(&w.env, []string{"k"})
	})
}
