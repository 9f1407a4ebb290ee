package rules

import (
	"hash/fnv"
	"unicode/utf8"

	"kelpie/event"
)

// add takes one value of the field. text is scratch space.
func (f *FieldStats) add(v event.Value, text *[]byte) {
	t := kindType(v)
	if v.IsMissing() {
		return
	}
	f.Present++
	f.kinds[t]++
	if ms, ok := event.ParseTime(v); ok && ms >= year2000 && ms < year2100 {
		f.Times++
	}
	key, ok := event.AppendKey((*text)[:0], v)
	*text = key[:0]
	if !ok || len(f.values) >= maxInferDistinct {
		return
	}
	h := fnv.New64a()
	h.Write(key)
	f.values[h.Sum64()] = struct{}{}
	if f.Example == "" {
		f.Example = shortened(string(key))
	}
}

// The times that a field is taken for a time in.
const (
	year2000 = 946_684_800_000
	year2100 = 4_102_444_800_000
)

// kindType is the type of a value in the terms of rules; an object is of any.
func kindType(v event.Value) Type {
	switch {
	case v.IsNumber():
		return NumberType
	case v.Kind == event.String:
		return StringType
	case v.Kind == event.Bool:
		return BoolType
	case v.Kind == event.List:
		return ListType
	}
	return AnyType
}

// commonType returns the only type that the field's values have, AnyType if there are several or none.
func (f *FieldStats) commonType() Type {
	t := AnyType
	for k, n := range f.kinds {
		switch {
		case n == 0:
		case t != AnyType || Type(k) == AnyType:
			return AnyType
		default:
			t = Type(k)
		}
	}
	return t
}

// shortened cuts a text to what fits into a line.
func shortened(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return cutRunes(s, most-1) + "…"
}
