package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// TestFilters holds Match to trying each condition, on random conditions over events decoded and remembered.
func TestFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var paths []event.Path
		sc := &Scope{Slot: func(p event.Path) int {
			if i := slices.IndexFunc(paths, func(o event.Path) bool { return slices.Equal(o, p) }); i >= 0 {
				return i
			}
			paths = append(paths, p)
			return len(paths) - 1
		}}
		var list []*Expr
		for range rapid.IntRange(0, 150).Draw(t, "conditions") {
			src := strings.Join(rapid.SliceOfN(partOf, 0, 4).Draw(t, "parts"), " and ")
			if src == "" {
				list = append(list, nil)
				continue
			}
			x, err := Compile(src, sc)
			if err != nil {
				t.Fatal(showError(src, err))
			}
			list = append(list, x)
		}
		filters := NewFilters(list)
		for range 5 {
			raw := []byte(`{"type":"T","time":1`)
			for _, f := range []string{"r", "s", "n", "b"} {
				if v := rapid.SampledFrom(fieldValues).Draw(t, f); v != "" {
					raw = fmt.Appendf(raw, ",%q:%s", f, v)
				}
			}
			for name, env := range bothWays(t, paths, append(raw, '}')) {
				met := filters.Match(env, []uint64{1<<64 - 1})
				for i, x := range list {
					want := x == nil
					if x != nil {
						truth, ok := x.Test(env)
						want = truth && ok
					}
					if got := met[i/64]>>(i%64)&1 == 1; got != want {
						t.Fatalf("%q over %s} (%s): Match says %v, Test %v", x.Src, raw, name, got, want)
					}
				}
			}
		}
	})
}

// fieldValues are what fields of random events hold: among them equal numbers in different spellings, neighbours that are one
// float64, and texts that need unescaping.
var fieldValues = []string{"", "null", `"eu"`, `"e\u0075"`, `"us"`, `""`, `"1"`, "1", "1.0", "10e-1", "0.1", "0.10", "-0.5", "2", "7", "1e300", "-1e300",
	"9007199254740992", "9007199254740993", "9007199254740993.5", "0.1000000000000000055", "true", "false", `{"a":1}`, "[1,2]", "[]"}

// partOf is one of the conditions that `and` joins.
var partOf = rapid.Custom(func(t *rapid.T) string {
	field := rapid.SampledFrom([]string{"r", "s", "n", "b"}).Draw(t, "field")
	constant := rapid.SampledFrom([]string{`"eu"`, `"us"`, `""`, `"1"`, "1", "1.0", "0.1", "0.5", "2", "7", "1e300", "9007199254740992", "9007199254740993", "true", "false"})
	number := rapid.SampledFrom([]string{"1", "1.0", "0.1", "-0.5", "2", "3", "7", "1e300", "-1e300", "9007199254740992", "9007199254740993"})
	switch rapid.IntRange(0, 9).Draw(t, "form") {
	case 0, 1, 2:
		return fmt.Sprintf("%s == %s", field, constant.Draw(t, "constant"))
	case 3:
		return fmt.Sprintf("%s == %s", constant.Draw(t, "constant"), field)
	case 4:
		return fmt.Sprintf("%s in [%s]", field, strings.Join(rapid.SliceOfN(constant, 1, 3).Draw(t, "set"), ", "))
	case 5, 6:
		return fmt.Sprintf("%s %s %s", field, rapid.SampledFrom(orderSigns).Draw(t, "sign"), number.Draw(t, "limit"))
	case 7:
		return fmt.Sprintf("%s %s %s", number.Draw(t, "limit"), rapid.SampledFrom(orderSigns).Draw(t, "sign"), field)
	case 8:
		return fmt.Sprintf("(%s != %s or not %s)", field, constant.Draw(t, "constant"), field)
	}
	return rapid.SampledFrom([]string{field, "not " + field, "has(" + field + ")", field + ` < "f"`, field + " in [[1, 2], true]", field + " in 1..3",
		field + " > n", field + " + 1 > 2", `(r == "eu" and s == "us")`, "false", "true"}).Draw(t, "other")
})

var orderSigns = []string{"<", "<=", ">", ">="}

// bothWays returns environments over the event as it was decoded and over its stored fields.
func bothWays(t *rapid.T, paths []event.Path, raw []byte) map[string]*Env {
	d, err := event.NewDecoder(&event.Schema{Spec: event.Spec{Type: "type", Time: "time"}, Paths: paths})
	if err != nil {
		t.Fatal(err)
	}
	rec := &event.Record{}
	if r := d.Decode(raw, rec); r != nil {
		t.Fatalf("%s: %v", raw, r)
	}
	stored := &Env{HasEvent: true, Stored: []event.Value{}}
	for i := range paths {
		stored.Stored = append(stored.Stored, rec.Value(i))
	}
	return map[string]*Env{"recorded": {HasEvent: true, Rec: rec}, "stored": stored}
}

// regional returns n conditions as sets of many rules have them.
func regional(tb testing.TB, n int) ([]*Expr, *Env) {
	var paths []event.Path
	sc := &Scope{Slot: func(p event.Path) int {
		if i := slices.IndexFunc(paths, func(o event.Path) bool { return slices.Equal(o, p) }); i >= 0 {
			return i
		}
		paths = append(paths, p)
		return len(paths) - 1
	}}
	var list []*Expr
	for i := range n {
		src := fmt.Sprintf(`region == "r%d" and amount > %d`, i%5, i)
		x, err := Compile(src, sc)
		if err != nil {
			tb.Fatal(showError(src, err))
		}
		list = append(list, x)
	}
	d, err := event.NewDecoder(&event.Schema{Spec: event.Spec{Type: "type", Time: "time"}, Paths: paths})
	if err != nil {
		tb.Fatal(err)
	}
	rec := &event.Record{}
	if r := d.Decode([]byte(`{"type":"T","time":1,"region":"r3","amount":29.5}`), rec); r != nil {
		tb.Fatal(r)
	}
	return list, &Env{HasEvent: true, Rec: rec}
}

// TestFiltersAreLookedUp: conditions on one field's value are not tried one by one.
func TestFiltersAreLookedUp(t *testing.T) {
	list, env := regional(t, 300)
	f := NewFilters(list)
	if len(f.root.tries) != 0 || len(f.fields) != 1 || len(f.fields[0].texts) != 5 {
		t.Fatalf("%d conditions are tried on each event, %d fields are looked up", len(f.root.tries), len(f.fields))
	}
	for region, b := range f.fields[0].texts {
		if len(b.tries) != 0 || len(b.ladders) != 1 || len(b.ladders[0].steps) != 60 {
			t.Errorf("%s: %d conditions are tried, %d ladders", region, len(b.tries), len(b.ladders))
		}
	}
	met := f.Match(env, nil)
	if want := uint64(1<<3 | 1<<8 | 1<<13 | 1<<18 | 1<<23 | 1<<28); met[0] != want || slices.Max(met[1:]) != 0 {
		t.Errorf("met %b, want %b", met, want)
	}
}

// BenchmarkFilters matches an event against many conditions.
func BenchmarkFilters(b *testing.B) {
	for _, n := range []int{1, 3, 30, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			list, env := regional(b, n)
			f, met := NewFilters(list), []uint64(nil)
			b.ReportAllocs()
			for b.Loop() {
				met = f.Match(env, met)
			}
		})
	}
}
