package event

import (
	"bytes"
	"slices"
	"unsafe"
)

// Record is one decoded event. It refers to Raw, which must stay unchanged while the Record is in use.
// A Record may be used again and again for decoding; Own or Clone keep one beyond its buffer.
type Record struct {
	Raw    []byte  // the object's bytes, as they came, without white space around them
	Time   int64   // event time, milliseconds since the epoch, UTC
	Type   int32   // index into Schema.Types, or -1
	Fields []Field // one per Schema.Paths

	typ, id Field
}

// Field is where a field's value stands in Record.Raw: Raw[Off:End], for strings without the quotes.
// A zero Field is absent.
type Field struct {
	Off, End uint32
	Kind     FieldKind
}

// FieldKind is the JSON type of a Field, as found by the decoder.
type FieldKind uint8

// The kinds of fields.
const (
	FieldAbsent FieldKind = iota
	FieldNull
	FieldTrue
	FieldFalse
	FieldNumber
	FieldString        // no escapes: Raw[Off:End] is the text
	FieldEscapedString // needs unescaping
	FieldObject
	FieldList
)

// Value returns the value of slot i: numbers parsed, strings unescaped (allocates only if there are escapes).
func (r *Record) Value(i int) Value { return r.value(r.Fields[i]) }

func (r *Record) value(f Field) Value {
	text := r.Raw[f.Off:f.End]
	switch f.Kind {
	case FieldString:
		return StringValue(unsafe.String(unsafe.SliceData(text), len(text)))
	case FieldNumber:
		return ParseNumber(text)
	case FieldEscapedString:
		return StringValue(string(appendUnescaped(nil, text)))
	case FieldTrue, FieldFalse:
		return BoolValue(f.Kind == FieldTrue)
	case FieldObject:
		return Value{Kind: Object, S: unsafe.String(unsafe.SliceData(text), len(text))}
	case FieldList:
		return Value{Kind: List, S: unsafe.String(unsafe.SliceData(text), len(text))}
	}
	return Value{}
}

// TypeText returns the event's type as text (keys' text rule: a number type 1 is "1").
func (r *Record) TypeText() string { return r.keyText(r.typ) }

// ID returns the event's id as text, "" if it has none.
func (r *Record) ID() string { return r.keyText(r.id) }

func (r *Record) keyText(f Field) string {
	v := r.value(f)
	if v.Kind == String {
		return v.S
	}
	var buf [32]byte
	text, _ := AppendKey(buf[:0], v)
	return string(text)
}

// Own gives r a copy of its bytes, so that the buffer it was decoded from may change.
func (r *Record) Own() { r.Raw = bytes.Clone(r.Raw) }

// Clone returns a copy of r that shares nothing with it.
func (r *Record) Clone() *Record {
	c := *r
	c.Raw = bytes.Clone(r.Raw)
	c.Fields = slices.Clone(r.Fields)
	return &c
}

// Reset forgets the event and its bytes, and keeps the memory of Fields for the next one.
func (r *Record) Reset() {
	*r = Record{Fields: r.Fields[:0]}
}
