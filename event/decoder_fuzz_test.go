package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// fuzzPaths has prefixes, a repetition, awkward names and the event's own fields.
var fuzzPaths = []string{"a", "a.b", "geo", "geo.lat", "geo.point.x", "amount", "amount", `"@timestamp"`, `"a b".c`, `"q\"s\\".x`, `"é"`, `""`, "time", "id"}

// FuzzDecode compares the decoder with the plain scanner of this package (reason, offset, fields) and with two other
// implementations (accepted or not, values). Each input is decoded three times, between other events, because what
// the decoder has learned must not show.
func FuzzDecode(f *testing.F) {
	lines, err := os.ReadFile("testdata/bad-lines/events.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.SplitSeq(lines, []byte("\n")) {
		f.Add(line)
	}
	for _, line := range shopEvents(5) {
		f.Add(line)
	}
	for _, text := range []string{
		`{"type":1.5,"time":0,"id":true,"a":{"b":[1,{"b":2}]},"geo":{"lat":-1e2,"point":{"x":null}},"a b":{"c":"\u00e9"}}`,
		" {\t\"type\" :\"\", \"q\\\"s\\\\\":{\"x\":1}, \"\\u00e9\":false , \"\":[[]],\"time\":\"2026-01-05T10:00:00+01:00\"}\r\n",
		`{"é":1,"\u00e9":2}`, `{"a":{"b":1,"b":2}}`, `{"list":[{"x":1},{"x":1,"x":2}]}`, `{"list":[[{"x":1,"x":2}]]}`,
		`{"a`, `{"a":tru`, `{"a":"\`, `{"a":"\u12`, `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":1e+}`, `{"a":1]`, `{"a" 1}`,
		"{\"a\":\"\xe2\x82", "{\"\xff\":1,\"\xff\":2}", `{"a":"\udc00\ud800"}`, `{"a":"\ud800\u0041"}`,
	} {
		f.Add([]byte(text))
	}
	d := newDecoder(f, fuzzPaths...)
	other := shopEvents(20)
	n := 0
	f.Fuzz(func(t *testing.T, b []byte) {
		for range 3 {
			var r Record
			checkDecode(t, b, d.Decode(b, &r), &r)
			if ref := d.Decode(other[n%len(other)], &r); ref != nil {
				t.Fatalf("%s after %q: %v", other[n%len(other)], b, ref)
			}
			n++
		}
		checkAccepted(t, b)
	})
}

// checkDecode checks a decoder's answer against the plain scanner.
func checkDecode(t *testing.T, b []byte, got *Refusal, r *Record) {
	t.Helper()
	all, begin, end, want := plainScan(b)
	switch {
	case want == nil && b[begin] != '{':
		want = &Refusal{Reason: NotAnObject, Offset: begin}
	case want == nil:
		want = plainEnvelope(b, all, begin)
	}
	if want != nil || got != nil {
		if want == nil || got == nil || got.Reason != want.Reason || got.Offset != want.Offset {
			t.Fatalf("%q: refused with %v, want %v", b, got, want)
		}
		return
	}
	if string(r.Raw) != string(b[begin:end]) {
		t.Fatalf("%q: Raw is %q", b, r.Raw)
	}
	for i, text := range fuzzPaths {
		p, _ := ParsePath(text)
		field := all[strings.Join(p, "\x00")]
		if field.Kind != FieldAbsent {
			field.Off -= uint32(begin)
			field.End -= uint32(begin)
		}
		if r.Fields[i] != field {
			t.Fatalf("%q: field %s is %v, want %v", b, p, r.Fields[i], field)
		}
		if v, w := r.Value(i), r.Lookup(p); v != w {
			t.Fatalf("%q: field %s is %v, Lookup says %v", b, p, v, w)
		}
	}
	checkValues(t, r)
}

// plainEnvelope says what must be refused for its type or time.
func plainEnvelope(b []byte, all map[string]Field, begin int) *Refusal {
	r := Record{Raw: b}
	typ, at := all["type"], all["time"]
	if _, ok := AppendKey(nil, r.value(typ)); !ok {
		return &Refusal{Reason: MissingType, Offset: max(begin, int(typ.Off))}
	}
	if at.Kind == FieldAbsent || at.Kind == FieldNull {
		return &Refusal{Reason: MissingTime, Offset: max(begin, int(at.Off))}
	}
	if _, ok := ParseTime(r.value(at)); !ok {
		return &Refusal{Reason: UnparsableTime, Offset: int(at.Off)}
	}
	return nil
}

// checkValues compares the record's values with encoding/json's.
func checkValues(t *testing.T, r *Record) {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(r.Raw, &all); err != nil {
		if strings.Contains(err.Error(), "cannot unmarshal number") {
			return // beyond float64
		}
		t.Fatalf("%q: %v", r.Raw, err)
	}
	for i, text := range fuzzPaths {
		p, _ := ParsePath(text)
		var want any = all
		for _, part := range p {
			m, _ := want.(map[string]any)
			want = m[part]
		}
		v := r.Value(i)
		f, isNumber := v.Float64()
		switch w := want.(type) {
		case string:
			if v.Kind != String || v.S != w {
				t.Fatalf("%q: field %s is %v, want %q", r.Raw, p, v, w)
			}
		case float64:
			if !isNumber || f != w {
				t.Fatalf("%q: field %s is %v, want %v", r.Raw, p, v, w)
			}
		case bool:
			if got, ok := v.Bool(); !ok || got != w {
				t.Fatalf("%q: field %s is %v, want %v", r.Raw, p, v, w)
			}
		case nil:
			if !v.IsMissing() {
				t.Fatalf("%q: field %s is %v, want nothing", r.Raw, p, v)
			}
		case map[string]any, []any:
			if v.Kind != Object && v.Kind != List {
				t.Fatalf("%q: field %s is %v, want %v", r.Raw, p, v, w)
			}
		}
	}
}

// checkAccepted compares what DecodeJSON accepts with a strict implementation and with encoding/json.
func checkAccepted(t *testing.T, b []byte) {
	t.Helper()
	_, err := DecodeJSON(b)
	var ref *Refusal
	errors.As(err, &ref)
	strict := bytes.TrimRight(b, " \t\r\n")
	isStrict := jsontext.Value(strict).IsValid()
	isLenient := json.Valid(b)
	switch {
	case ref == nil && (!isStrict || !isLenient):
		t.Fatalf("%q: accepted, jsontext %t, encoding/json %t", b, isStrict, isLenient)
	case ref != nil && isStrict && ref.Reason != TooDeep:
		t.Fatalf("%q: refused with %v, jsontext accepts it", b, ref)
	case ref != nil && isLenient && !slices.Contains([]Reason{TooDeep, DuplicateKey, HalfSurrogate, InvalidUTF8}, ref.Reason):
		t.Fatalf("%q: refused with %v, encoding/json accepts it", b, ref)
	}
}
