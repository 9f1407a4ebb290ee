package event

import (
	"slices"
	"testing"
)

func TestWalk(t *testing.T) {
	r := Record{Raw: []byte(` { "a" : { "b\n" : [ 1 , "x,]}\"" , {"c":null} ] , "\u0062" : -1.50 } , "d":"\u00e9", "e":"" } `)}
	f := func(path, want string) {
		t.Helper()
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendJSON(nil, r.Lookup(p))); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	f(`a."b\n"`, `[ 1 , "x,]}\"" , {"c":null} ]`)
	f(`a.b`, `-1.5`)
	f(`d`, `"é"`)
	f(`e`, `""`)
	f(`a.b.c`, `null`)
	f(`a."b\n".c`, `null`)
	f(`f`, `null`)
}

func TestListsAndMembers(t *testing.T) {
	list, err := DecodeJSON([]byte(`[1, "a", null, {"x": 2, "\u0079": [3]}, [ ]]`))
	if err != nil {
		t.Fatal(err)
	}
	var got []Value
	EachElement(list, func(v Value) bool {
		got = append(got, v)
		return len(got) < 4
	})
	want := []Value{IntValue(1), StringValue("a"), {}, {Kind: Object, S: `{"x": 2, "\u0079": [3]}`}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v := Member(want[3], "y"); v != (Value{Kind: List, S: "[3]"}) {
		t.Errorf("y is %v", v)
	}
	for _, v := range []Value{Member(want[3], "z"), Member(list, "x"), Member(IntValue(1), "x")} {
		if !v.IsMissing() {
			t.Errorf("got %v", v)
		}
	}
	EachElement(want[3], func(Value) bool {
		t.Error("an object has no elements")
		return true
	})
}

// FuzzWalk gives the walk text that was never validated: any answer will do, but it must come.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{`{"a":{"b":1}}`, `{"a":[1,`, `{"a"`, `{"`, `{"a":}`, `[,]`, `{"a":"\`, `{"a" 1 2`, `{"\u12":"\ud800\u"}`, `]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1000 {
			return // nesting is not bounded here
		}
		r := Record{Raw: []byte(s)}
		r.Lookup(Path{"a", "b"})
		Equal(Value{Kind: Object, S: s}, Value{Kind: Object, S: s + " "})
		Equal(Value{Kind: List, S: s}, Value{Kind: List, S: s + " "})
		textOf(s)
	})
}
