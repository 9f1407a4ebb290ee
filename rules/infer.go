package rules

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kelpie/event"
)

// The limits of what Infer remembers, whatever it reads.
const (
	maxInferTypes    = 1000 // event types
	maxInferFields   = 2000 // paths
	maxInferDistinct = 200  // values of one field that are told apart
	maxInferDepth    = 8    // levels; what lies deeper is an object
)

// Inference is what a sample of events looks like.
type Inference struct {
	Events  int64                  // objects, also those without type or time
	Refused map[event.Reason]int64 // lines that are no event under the Spec, by reason
	Types   []TypeCount            // event types, most frequent first
	Fields  []FieldStats           // by path
	Cut     bool                   // there were more types or fields than are kept
	First   int64                  // earliest event time in ms, 0 if no event has one
	Last    int64                  // latest one
	Spec    event.Spec             // as given, or as it should be where events lack type or time under the one given
	Changed bool                   // Spec is not the one given
}

// TypeCount is one event type.
type TypeCount struct {
	Type  string
	Count int64
}

// FieldStats is what one field holds.
type FieldStats struct {
	Path     event.Path
	Present  int64 // in how many events it is there and not null
	Type     Type  // AnyType where it holds values of several types
	Distinct int   // different values; maxInferDistinct means at least so many
	Times    int64 // in how many events it can be read as a time of the years 2000 to 2099
	Example  string

	kinds  [6]int64 // by Type
	values map[uint64]struct{}
}

// Infer reads events as JSON lines and says what they hold. Memory is bounded, whatever comes. The only error is that
// of r; lines that are no events are counted.
func Infer(r io.Reader, spec event.Spec) (*Inference, error) {
	spec = spec.WithDefaults()
	in, err := newInferrer(spec)
	if err != nil {
		return nil, fmt.Errorf("rules: infer: %w", err)
	}
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := readLine(lines, spec.MaxSize)
		switch {
		case long:
			in.refused[event.TooLong]++
		case len(line) > 0:
			in.line(line)
		}
		if errors.Is(err, io.EOF) {
			return in.result(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("rules: infer: %w", err)
		}
	}
}

// readLine reads one line without white space around it; of one that is longer than size it keeps nothing.
func readLine(r *bufio.Reader, size int) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !long {
			line = append(line, part...)
		}
		if len(line) > size+2 {
			line, long = nil, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return trimLine(line), long, err
		}
	}
}

func trimLine(b []byte) []byte {
	white := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
	for len(b) > 0 && white(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && white(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// inferrer collects.
type inferrer struct {
	spec      event.Spec
	typ, time event.Path
	events    int64
	untyped   int64 // events without type or time
	refused   map[event.Reason]int64
	types     map[string]int64
	root      inferMember
	members   int
	fields    []*inferMember // those with stats
	cut       bool
	first     int64
	last      int64
	text      []byte
}

func newInferrer(spec event.Spec) (*inferrer, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	in := &inferrer{spec: spec, refused: map[event.Reason]int64{}, types: map[string]int64{}}
	in.typ, _ = event.ParsePath(spec.Type)
	in.time, _ = event.ParsePath(spec.Time)
	return in, nil
}

// line takes one event.
func (in *inferrer) line(b []byte) {
	v, err := event.DecodeJSON(b)
	var ref *event.Refusal
	switch {
	case errors.As(err, &ref):
		in.refused[ref.Reason]++
		return
	case v.Kind != event.Object:
		in.refused[event.NotAnObject]++
		return
	}
	in.events++
	in.envelope(v)
	in.object(v, &in.root)
}

// envelope notes the event's type and time.
func (in *inferrer) envelope(v event.Value) {
	var ok bool
	if in.text, ok = event.AppendKey(in.text[:0], lookup(v, in.typ)); !ok {
		in.refused[event.MissingType]++
		in.untyped++
		return
	}
	if n, known := in.types[string(in.text)]; known || len(in.types) < maxInferTypes {
		in.types[string(in.text)] = n + 1
	} else {
		in.cut = true
	}
	t := lookup(v, in.time)
	ms, ok := event.ParseTime(t)
	switch {
	case t.IsMissing():
		in.refused[event.MissingTime]++
		in.untyped++
		return
	case !ok:
		in.refused[event.UnparsableTime]++
		in.untyped++
		return
	}
	if in.first == 0 && in.last == 0 {
		in.first, in.last = ms, ms
	}
	in.first, in.last = min(in.first, ms), max(in.last, ms)
}

func lookup(v event.Value, p event.Path) event.Value {
	for _, name := range p {
		v = event.Member(v, name)
	}
	return v
}

// inferMember is one member of the events' objects: a field, an object, or both where events differ.
type inferMember struct {
	path    event.Path
	objects int64 // in how many events it is an object
	stats   *FieldStats
	members map[string]*inferMember
}

// object takes the members of an object, and of objects in it, as fields.
func (in *inferrer) object(v event.Value, of *inferMember) {
	event.EachMember(v, func(name string, v event.Value) bool {
		m := of.members[name]
		if m == nil {
			m = in.newMember(of, name)
		}
		switch {
		case m == nil:
		case v.Kind == event.Object && len(m.path) < maxInferDepth:
			m.objects++
			in.object(v, m)
		default:
			if m.stats == nil {
				m.stats = &FieldStats{Path: m.path, values: map[uint64]struct{}{}}
				in.fields = append(in.fields, m)
			}
			m.stats.add(v, &in.text)
		}
		return true
	})
}

// newMember returns a member that is new, nil if there are too many.
func (in *inferrer) newMember(of *inferMember, name string) *inferMember {
	if in.members >= maxInferFields {
		in.cut = true
		return nil
	}
	in.members++
	if of.members == nil {
		of.members = map[string]*inferMember{}
	}
	m := &inferMember{path: append(slices.Clone(of.path), strings.Clone(name))}
	of.members[m.path[len(m.path)-1]] = m
	return m
}

// result sums up.
func (in *inferrer) result() *Inference {
	out := &Inference{Events: in.events, Refused: in.refused, Cut: in.cut, First: in.first, Last: in.last, Spec: in.spec}
	for t, n := range in.types {
		out.Types = append(out.Types, TypeCount{t, n})
	}
	slices.SortFunc(out.Types, func(a, b TypeCount) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type)) })
	slices.SortFunc(in.fields, func(a, b *inferMember) int { return slices.Compare(a.path, b.path) })
	for _, m := range in.fields {
		f := m.stats
		f.Present += m.objects
		f.kinds[AnyType] += m.objects
		f.Type, f.Distinct, f.values = f.commonType(), len(f.values), nil
		out.Fields = append(out.Fields, *f)
	}
	if 2*in.untyped > in.events {
		out.suggestSpec()
	}
	return out
}
