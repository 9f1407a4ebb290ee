package event

import "testing"

func TestEqual(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		x, err := DecodeJSON([]byte(a))
		if err != nil {
			t.Fatal(err)
		}
		y, err := DecodeJSON([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		if Equal(x, y) != want || Equal(y, x) != want || !Equal(x, x) {
			t.Errorf("%s == %s: got %t, want %t", a, b, !want, want)
		}
	}
	f(`1`, `1.0`, true)
	f(`10e-1`, `1`, true)
	f(`0.1`, `1e-1`, true)
	f(`0.1`, `0.10000000000000000001`, true) // a float64 beside a decimal
	f(`0.1`, `0.2`, false)
	f(`0.123456789012345678`, `0.123456789012345679`, true) // one float64
	f(`12345678901234567.8`, `12345678901234568`, true)     // likewise
	f(`9007199254740993`, `9007199254740992`, false)
	f(`9007199254740993`, `9007199254740992.5`, false)
	f(`9223372036854775808`, `9223372036854775807`, false)
	f(`1`, `"1"`, false)
	f(`1`, `true`, false)
	f(`"a"`, `"\u0061"`, true)
	f(`"a"`, `"b"`, false)
	f(`true`, `false`, false)
	f(`null`, `null`, true)
	f(`null`, `0`, false)
	f(`{"a":1,"b":[1,2]}`, `{ "b" : [1.0, 2], "\u0061" : 1e0 }`, true)
	f(`{"a":1}`, `{"a":1,"b":null}`, false)
	f(`{"a":1,"c":2}`, `{"a":1,"b":2}`, false)
	f(`{"a":null}`, `{"a":1e999}`, false)
	f(`[1,2]`, `[2,1]`, false)
	f(`[1,2]`, `[1]`, false)
	f(`[]`, `[ ]`, true)
	f(`[]`, `{}`, false)
	f(`[[{"x":"]"}]]`, `[ [ {"x" : "]"} ] ]`, true)
}
