package event

import (
	"bytes"
	"testing"
)

const cloudEvent = `{"specversion":"1.0","id":"A-1","source":"/shop","type":"com.example.order","time":"2026-01-05T10:00:00Z",` +
	`"datacontenttype":"application/json","data":{"customer":{"id":7},"note":"a \"b\"","items":[{"id":8}],"ok":true,"none":null}}`

func TestRecord(t *testing.T) {
	d := newDecoder(t, "data.customer.id", "data.note", "data.items", "data.ok", "data.none", "data.items.id", "data.customer", "source")
	var r Record
	if ref := d.Decode([]byte(" "+cloudEvent+"\r\n"), &r); ref != nil {
		t.Fatal(ref)
	}
	if r.TypeText() != "com.example.order" || r.Type != -1 || r.ID() != "A-1" || FormatTime(r.Time) != "2026-01-05T10:00:00.000Z" || string(r.Raw) != cloudEvent {
		t.Errorf("got %q %d %q %d %s", r.TypeText(), r.Type, r.ID(), r.Time, r.Raw)
	}
	want := []Value{
		IntValue(7), StringValue(`a "b"`), {Kind: List, S: `[{"id":8}]`}, BoolValue(true), {}, {},
		{Kind: Object, S: `{"id":7}`}, StringValue("/shop"),
	}
	for i, w := range want {
		if got := r.Value(i); got != w {
			t.Errorf("slot %d: got %v, want %v", i, got, w)
		}
	}
	if got := r.Lookup(Path{"datacontenttype"}); got != StringValue("application/json") {
		t.Errorf("Lookup: got %v", got)
	}
	if got := r.Lookup(Path{"data", "items", "id"}); !got.IsMissing() {
		t.Errorf("Lookup goes into a list: got %v", got)
	}
}

func TestRecordTypes(t *testing.T) {
	d, err := NewDecoder(&Schema{Types: []string{"1", "true", "OrderCreated", "", "a\nb", "LongerThanEightBytes", "1"}})
	if err != nil {
		t.Fatal(err)
	}
	f := func(typ, text string, index int32) {
		t.Helper()
		var r Record
		ref := d.Decode([]byte(`{"time":0,"id":1.50,"type":`+typ+`}`), &r)
		if ref != nil || r.TypeText() != text || r.Type != index || r.ID() != "1.5" {
			t.Errorf("%s: got %q %d %q, %v", typ, r.TypeText(), r.Type, r.ID(), ref)
		}
	}
	f(`1`, "1", 0)
	f(`1.0`, "1", 0)
	f(`"1"`, "1", 0)
	f(`true`, "true", 1)
	f(`false`, "false", -1)
	f(`"OrderCreated"`, "OrderCreated", 2)
	f(`"\u004frderCreated"`, "OrderCreated", 2)
	f(`""`, "", 3)
	f(`"a\nb"`, "a\nb", 4)
	f(`"LongerThanEightBytes"`, "LongerThanEightBytes", 5)
	f(`"LongerThanEightByteS"`, "LongerThanEightByteS", -1)
	f(`2`, "2", -1)
}

func TestRecordKeep(t *testing.T) {
	d := newDecoder(t, "data.note", "source")
	var r Record
	check := func(r *Record) {
		t.Helper()
		if r.ID() != "A-1" || r.Value(0) != StringValue(`a "b"`) || r.Value(1) != StringValue("/shop") || len(r.Fields) != 2 {
			t.Errorf("got %q %v %v", r.ID(), r.Value(0), r.Value(1))
		}
	}
	buf := []byte(cloudEvent)
	if ref := d.Decode(buf, &r); ref != nil {
		t.Fatal(ref)
	}
	c := r.Clone()
	kept := r.Value(1).Clone()
	r.Own()
	copy(buf, bytes.Repeat([]byte("x"), len(buf)))
	check(&r)
	check(c)
	if kept != StringValue("/shop") {
		t.Errorf("the cloned value is %v", kept)
	}
	r.Reset()
	if r.Raw != nil || r.ID() != "" || r.Time != 0 || len(r.Fields) != 0 || cap(r.Fields) == 0 {
		t.Errorf("after Reset: %+v", r)
	}
	check(c)
}

func TestNewDecoderErrors(t *testing.T) {
	for _, s := range []Schema{{Spec: Spec{Preset: "x"}}, {Paths: []Path{nil}}, {Paths: []Path{make(Path, 65)}}} {
		if d, err := NewDecoder(&s); err == nil || d != nil {
			t.Errorf("%+v: got %v, %v", s, d, err)
		}
	}
}
