package oracle

import "testing"

func TestCompare(t *testing.T) {
	differ := func(want, got string, n int) {
		t.Helper()
		diffs, err := Compare([]byte(want), []byte(got), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(diffs) != n {
			t.Errorf("%s\nand %s\ndiffer in %d places, want %d: %q", want, got, len(diffs), n, diffs)
		}
	}
	a1, a2 := `{"rule":"r","key":"a","values":{"n":1}}`+"\n", `{"rule":"r","key":"a","values":{"n":2}}`+"\n"
	b1 := `{"rule":"r","key":"b","values":{"n":1}}` + "\n"
	differ(a1+a2+b1, b1+a1+a2, 0) // between keys the order is free
	differ(a1+a2, a2+a1, 2)
	differ(a1+a2, a1, 2) // the line, and how many there are
	differ(a1, a1+b1, 2)
	differ("", a1, 2)

	values := func(want, got string, n int) {
		t.Helper()
		differ(`{"rule":"r","key":["a","b"],"values":`+want+`}`, `{"rule":"r","key":["a","b"],"values":`+got+`}`, n)
	}
	values(`{"x":1}`, `{"x":1.0}`, 0)
	values(`{"x":1e12}`, `{"x":1000000000999}`, 0)
	values(`{"x":1e12}`, `{"x":1000000001001}`, 1)
	values(`{"x":1e-12}`, `{"x":0}`, 0)
	values(`{"x":1}`, `{"x":"1"}`, 1)
	values(`{"x":null}`, `{}`, 0)
	values(`{}`, `{"x":null}`, 0)
	values(`{}`, `{"x":false}`, 1)
	values(`{"x":1}`, `{}`, 1)
	values(`{"x":[1,2]}`, `{"x":[1,2.0]}`, 0)
	values(`{"x":[1,2]}`, `{"x":[1]}`, 1)

	if _, err := Compare([]byte("{"), nil, 1); err == nil {
		t.Error("what is no JSON was compared")
	}
}
