package event

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendJSON(t *testing.T) {
	f := func(v Value, want string) {
		t.Helper()
		if got := string(AppendJSON([]byte(" "), v)); got != " "+want {
			t.Errorf("%+v: got %s, want %s", v, got, want)
		}
	}
	f(Value{}, "null")
	f(BoolValue(true), "true")
	f(IntValue(-7), "-7")
	f(Value{Kind: Decimal, N: 125, Scale: 1}, "12.5")
	f(Value{Kind: Decimal, N: -125, Scale: 3}, "-0.125")
	f(Value{Kind: Decimal, N: 1, Scale: 18}, "0.000000000000000001")
	f(Value{Kind: Decimal, N: math.MinInt64, Scale: 18}, "-9.223372036854775808")
	f(FloatValue(1e21), "1e+21")
	f(FloatValue(1.0/3), "0.3333333333333333")
	f(Value{Kind: Float, N: int64(math.Float64bits(math.Inf(1)))}, "null")
	f(StringValue("a\"\\\n\r\t\x01é\u2028<\x7f"), `"a\"\\\n\r\t\u0001é`+"\u2028<\x7f"+`"`)
	f(StringValue("a\xffb\xe2\x82"), "\"a\uFFFDb\uFFFD\uFFFD\"")
	f(Value{Kind: Object, S: `{"a" : 1}`}, `{"a" : 1}`)
	f(Value{Kind: List, S: `[1, 2]`}, `[1, 2]`)
}

func TestDecodeJSON(t *testing.T) {
	f := func(text string, want Value) {
		t.Helper()
		if got, err := DecodeJSON([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	f(` null `, Value{})
	f("\t-1.50\n", Value{Kind: Decimal, N: -15, Scale: 1})
	f(`"\ud83e\udd85 \"\\\/\b\f\n\r\t\u00E9"`, StringValue("🦅 \"\\/\b\f\n\r\té"))
	f(` {"a": [1]} `, Value{Kind: Object, S: `{"a": [1]}`})
	f(`[1,{"a":1}]`, Value{Kind: List, S: `[1,{"a":1}]`})
	_, err := DecodeJSON([]byte(` {"a":{"b":1,"b":2}}`))
	var ref *Refusal
	if !errors.As(err, &ref) || ref.Reason != DuplicateKey || ref.Offset != 13 {
		t.Errorf("got %v", err)
	}
}

// TestMessages reads what a user reads.
func TestMessages(t *testing.T) {
	d, err := NewDecoder(&Schema{Spec: Spec{MaxSize: 100}})
	if err != nil {
		t.Fatal(err)
	}
	f := func(text, want string) {
		t.Helper()
		var r Record
		if ref := d.Decode([]byte(text), &r); ref == nil || ref.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, ref, want)
		}
	}
	f(``, "not-json at byte 0: ends where a value should be")
	f(`{"a":`, "not-json at byte 5: ends where a value should be")
	f(`{"a":"b`, "not-json at byte 7: ends where a closing quote should be")
	f(`{"a" 1}`, "not-json at byte 5: expected a colon, found '1'")
	f(`{"a":1 "b"`, `not-json at byte 7: expected a comma or }, found '"'`)
	f(`{"a":[1}`, "not-json at byte 7: expected a comma or ], found '}'")
	f(`{a:1}`, "not-json at byte 1: expected a key, found 'a'")
	f(`{"a":1.}`, "not-json at byte 7: expected a digit, found '}'")
	f(`{"a":nul}`, "not-json at byte 8: expected null, found '}'")
	f(`{"a":1} x`, "not-json at byte 8: more bytes after the value")
	f("{\"a\":\"\n\"}", "not-json at byte 6: a control character (0x0a) in a string must be escaped")
	f(`{"a":"\x"}`, `not-json at byte 6: "\\x\"}" is no escape`)
	f(`{"a":"\ud800x"}`, `half-surrogate at byte 6: \ud800 is one half of a surrogate pair without the other`)
	f("{\"a\":\"\xff\"}", "invalid-utf8 at byte 6: byte 0xff is not UTF-8")
	f(`{"a":1,"b":{"\u0061":1,"a":2}}`, `duplicate-key at byte 23: key "a" stands twice in one object`)
	f(` [1]`, `not-an-object at byte 1: expected an object, found "[1]"`)
	f(strings.Repeat(" ", 101), "too-long at byte 100: 101 bytes, at most 100 are taken")
	f(`{"a":`+strings.Repeat("[", 64), "too-deep at byte 68: more than 64 levels")
	f(`{"type":[],"time":0}`, "missing-type at byte 8: no type: expected a string, a number or a bool")
	f(`{"type":1,"time":null}`, "missing-time at byte 17: no time")
	f(`{"type":1,"time":"today"}`, `unparsable-time at byte 18: "today" is no RFC 3339 time and no epoch time`)
}

func FuzzQuote(f *testing.F) {
	f.Add("a\"\\\n\x00é\xff")
	f.Fuzz(func(t *testing.T, s string) {
		text := appendQuoted(nil, s)
		var got string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%q: %s: %v", s, text, err)
		}
		v, err := DecodeJSON(text)
		if err != nil || v.S != got || utf8.ValidString(s) && got != s || !utf8.Valid(text) {
			t.Fatalf("%q: %s: got %q and %v, %v", s, text, got, v, err)
		}
	})
}
