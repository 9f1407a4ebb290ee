package event

import "unsafe"

// AppendReplaced appends an object's JSON text, which has been validated, with another value for the member at a path: what
// put appends, given the text of the old one. A member that is not there is added behind the others, and old is empty then.
// The rest of the text stays as it is. What is no object is taken for one without members.
func AppendReplaced(dst, object []byte, p Path, put func(dst, old []byte) []byte) []byte {
	text := unsafe.String(unsafe.SliceData(object), len(object))
	from, to, last := 0, 0, 0
	eachMemberAt(text, func(key string, start, end int) bool {
		if last = end; textOf(key) == p[0] {
			from, to = start, end
		}
		return to == 0
	})
	if len(p) > 1 {
		innermost, rest := put, p[1:]
		put = func(dst, old []byte) []byte { return AppendReplaced(dst, old, rest, innermost) }
	}
	if to > 0 {
		return append(put(append(dst, object[:from]...), object[from:to]), object[to:]...)
	}
	end := []byte("}")
	if last > 0 {
		dst, end = append(append(dst, object[:last]...), ','), object[last:]
	} else {
		dst = append(dst, '{')
	}
	return append(put(append(appendQuoted(dst, p[0]), ':'), nil), end...)
}
