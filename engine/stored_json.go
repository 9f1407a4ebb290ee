package engine

import (
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"

	"kelpie/event"
	"kelpie/mask"
	"kelpie/rules"
)

// AppendJSON appends the refused event as JSON. What is not UTF-8 is kept as raw_base64 in place of raw.
func (x *Rejection) AppendJSON(b []byte) []byte {
	text := func(name, s string) {
		b = append(b, name...)
		b = event.AppendJSON(b, event.StringValue(s))
	}
	text(`{"position":`, x.Position.String())
	if x.Position.Kind == event.FilePosition {
		b = strconv.AppendInt(append(b, `,"line":`...), x.Position.Offset, 10)
	}
	text(`,"reason":`, string(x.Reason))
	b = strconv.AppendInt(append(b, `,"offset":`...), int64(x.Offset), 10)
	text(`,"detail":`, x.Detail)
	if utf8.Valid(x.Raw) {
		text(`,"raw":`, string(x.Raw))
	} else {
		text(`,"raw_base64":`, base64.StdEncoding.EncodeToString(x.Raw))
	}
	return append(b, '}')
}

// Masked returns the refused event as it may leave.
func (x *Rejection) Masked(m *mask.Fields) *Rejection {
	out := *x
	out.Raw, out.Detail = m.Refused(x.Raw, x.Detail)
	return &out
}

// Masked returns the row of a table as it may leave.
func (r *TableRow) Masked(m *mask.Fields, t *rules.Table) *TableRow {
	if m == nil {
		return r
	}
	out := &TableRow{Key: m.Key(r.Key, fieldNames(t.Key)), Fields: slices.Clone(r.Fields)}
	for i := range out.Fields {
		f := &out.Fields[i]
		f.Value = m.Value(f.Value, t.Shows[slices.Index(t.Fields, f.Name)]...)
	}
	return out
}

// Masked returns the facts as they may leave. r is their rule.
func (f *FactsNow) Masked(m *mask.Fields, r *rules.Rule) *FactsNow {
	if m == nil {
		return f
	}
	out := *f
	out.Key, out.Values = m.Key(f.Key, fieldNames(r.By)), slices.Clone(f.Values)
	for i := range out.Values {
		v := &out.Values[i]
		v.Value = m.Value(v.Value, r.Facts[r.Fact(v.Name)].Shows...)
	}
	return &out
}

// AppendJSON appends the row as JSON: {"key":…,"row":{…}}.
func (r *TableRow) AppendJSON(b []byte) []byte {
	b = AppendKeyJSON(append(b, `{"key":`...), r.Key)
	return append(appendValues(append(b, `,"row":`...), r.Fields), '}')
}

// appendValues appends named values as the members of an object, in order.
func appendValues(b []byte, values []NamedValue) []byte {
	b = append(b, '{')
	for i, f := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendJSON(b, event.StringValue(f.Name))
		b = event.AppendJSON(append(b, ':'), f.Value)
	}
	return append(b, '}')
}

// AppendKeyJSON appends a key as JSON: a simple one as a text, any other as a list.
func AppendKeyJSON(b []byte, key []string) []byte {
	if len(key) == 1 {
		return event.AppendJSON(b, event.StringValue(key[0]))
	}
	b = append(b, '[')
	for i, part := range key {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendJSON(b, event.StringValue(part))
	}
	return append(b, ']')
}
