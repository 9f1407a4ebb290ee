package event

import (
	"fmt"
	"slices"
)

// maxDepth is how many levels of objects and lists an event may have, itself included.
const maxDepth = 64

// Decoder decodes events of one Schema. It is not safe for concurrent use: one per goroutine.
// After warm-up it does not allocate, except for a Refusal.
type Decoder struct {
	maxSize int
	paths   []Path   // by slot: Schema.Paths, then type, time and id
	copies  [][2]int // slots (from, to) of paths that are wanted twice
	types   *typeTable
	clock   clock
	full    int // events since there was no more room to learn
	scan    scanner
	text    []byte // scratch for texts of types and times
	created int64  // the time of an event that has none; 0: it is refused
}

// NewDecoder returns a decoder for the schema.
func NewDecoder(s *Schema) (*Decoder, error) {
	e, err := s.Spec.envelope()
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	d := &Decoder{maxSize: e.maxSize, types: newTypeTable(s.Types)}
	for i, p := range s.Paths {
		if len(p) == 0 || len(p) > maxDepth {
			return nil, fmt.Errorf("event: path %d has %d parts, must have from 1 to %d", i, len(p), maxDepth)
		}
	}
	d.paths = slices.Concat(s.Paths, []Path{e.typ, e.time, e.id})
	d.copies = repeated(d.paths)
	d.scan.shapes = newShapes(d.paths)
	return d, nil
}

// repeated returns for each path that stood there before: (the last index it has, this earlier one).
func repeated(paths []Path) (copies [][2]int) {
	last := map[string]int{}
	for i, p := range paths {
		last[p.String()] = i
	}
	for i, p := range paths {
		if j := last[p.String()]; j != i {
			copies = append(copies, [2]int{j, i})
		}
	}
	return copies
}

// Decode decodes one event from raw into r, reusing r.Fields. On refusal r is undefined and the
// returned Refusal says why; otherwise it is nil.
func (d *Decoder) Decode(raw []byte, r *Record) *Refusal {
	if len(raw) > d.maxSize {
		return &Refusal{TooLong, d.maxSize, fmt.Sprintf("%d bytes, at most %d are taken", len(raw), d.maxSize)}
	}
	if cap(r.Fields) < len(d.paths) {
		r.Fields = make([]Field, len(d.paths))
	}
	fields := r.Fields[:len(d.paths)]
	clear(fields)
	begin := spaceEnd(raw, 0)
	d.relearn()
	ref := d.decode(raw[begin:], fields, r)
	if ref != nil {
		ref.Offset += begin
	}
	return ref
}

// DecodeAt is Decode for an event that was made at a time that is known (ms), which it has if it says none itself. With 0 none
// is known.
func (d *Decoder) DecodeAt(raw []byte, r *Record, created int64) *Refusal {
	d.created = created
	ref := d.Decode(raw, r)
	d.created = 0
	return ref
}

// decode decodes an event that begins with b.
func (d *Decoder) decode(b []byte, fields []Field, r *Record) *Refusal {
	end, ref := d.scan.document(b, fields)
	if ref != nil {
		return ref
	}
	if b[0] != '{' {
		return &Refusal{NotAnObject, 0, fmt.Sprintf("expected an object, found %q", excerpt(b, 0))}
	}
	for _, c := range d.copies {
		fields[c[1]] = fields[c[0]]
	}
	n := len(fields) - 3
	r.Raw = b[:end]
	r.Fields = fields[:n]
	r.typ, r.id = fields[n], fields[n+2]
	return d.envelope(r, fields[n+1])
}

// relearn forgets what was learned once there has been no room for more for a while.
func (d *Decoder) relearn() {
	if d.scan.shapes.room > 0 {
		return
	}
	if d.full++; d.full >= patience {
		d.full = 0
		d.scan.shapes = newShapes(d.paths)
	}
}

// envelope finds out the record's type and time.
func (d *Decoder) envelope(r *Record, at Field) *Refusal {
	var ok bool
	if r.Type, ok = d.typeIndex(r); !ok {
		return &Refusal{MissingType, int(r.typ.Off), "no type: expected a string, a number or a bool"}
	}
	raw := r.Raw[at.Off:at.End]
	switch at.Kind {
	case FieldAbsent, FieldNull:
		if d.created != 0 {
			r.Time = d.created
			return nil
		}
		return &Refusal{MissingTime, int(at.Off), "no time"}
	case FieldNumber:
		r.Time, ok = parseEpoch(raw)
	case FieldString:
		r.Time, ok = d.clock.parse(raw)
	case FieldEscapedString:
		d.text = appendUnescaped(d.text[:0], raw)
		r.Time, ok = d.clock.parse(d.text)
	default:
		ok = false
	}
	if !ok {
		return &Refusal{UnparsableTime, int(at.Off), fmt.Sprintf("%q is no RFC 3339 time and no epoch time", excerpt(raw, 0))}
	}
	return nil
}

// typeIndex looks the type up in Schema.Types; ok is false if there is none.
func (d *Decoder) typeIndex(r *Record) (index int32, ok bool) {
	switch r.typ.Kind {
	case FieldString:
		return d.types.find(r.Raw, int(r.typ.Off), int(r.typ.End)), true
	case FieldEscapedString:
		d.text, ok = appendUnescaped(d.text[:0], r.Raw[r.typ.Off:r.typ.End]), true
	default:
		d.text, ok = AppendKey(d.text[:0], r.value(r.typ))
	}
	return d.types.find(d.text, 0, len(d.text)), ok
}

// DecodeJSON parses a whole JSON value, for tools: lists and objects stay text. It is as strict as a Decoder
// and returns a *Refusal.
func DecodeJSON(b []byte) (Value, error) {
	begin := spaceEnd(b, 0)
	s := scanner{shapes: &shapes{root: stray}}
	end, ref := s.document(b[begin:], nil)
	if ref != nil {
		ref.Offset += begin
		return Value{}, ref
	}
	return valueOf(string(b[begin:][:end])), nil
}
