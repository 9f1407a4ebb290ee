package event_test

import (
	"encoding/json"
	"testing"

	"kelpie/event"
)

func TestAppendReplaced(t *testing.T) {
	f := func(object, path, want string) {
		t.Helper()
		p, err := event.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		got := event.AppendReplaced([]byte("> "), []byte(object), p, func(dst, old []byte) []byte {
			return append(append(append(dst, '['), old...), ']')
		})
		if string(got) != "> "+want || !json.Valid(got[2:]) {
			t.Errorf("%s in %s:\n%s, want\n> %s", path, object, got, want)
		}
	}
	f(`{"a":1,"b":"x"}`, "a", `{"a":[1],"b":"x"}`)
	f(`{"a":1,"b":"}, \"a\": {"}`, "b", `{"a":1,"b":["}, \"a\": {"]}`)
	f(" { \"a\" : { \"b\" : [ 1 , {} ] } ,\n\"c\" : null } ", "c", " { \"a\" : { \"b\" : [ 1 , {} ] } ,\n\"c\" : [null] } ")
	f(`{"a":{"b":{"c":-1.50e3}},"c":1}`, "a.b.c", `{"a":{"b":{"c":[-1.50e3]}},"c":1}`)
	f(`{"b":{"a":1}}`, "a", `{"b":{"a":1},"a":[]}`)
	f(`{"\u0061":true}`, "a", `{"\u0061":[true]}`)
	f(`{"a.b":1}`, `"a.b"`, `{"a.b":[1]}`)
	f(`{"x":[{"a":1}]}`, "a.b", `{"x":[{"a":1}],"a":{"b":[]}}`)
	f(`{"x":1}`, `"\"q\""`, `{"x":1,"\"q\"":[]}`)
	f(`{ }`, "a", `{"a":[]}`)
	f(``, "a.b", `{"a":{"b":[]}}`)
	f(`[1]`, "a", `{"a":[]}`)
}
