package main

import (
	"cmp"
	"slices"

	"kelpie/event"
)

// fields learns what fields events have: a tree of the members that were seen, in which a node is a field.
type fields struct {
	root   *field
	events int64
	n      int
	full   bool // there are more fields than maxFields; those that came later are not in the tree
}

// maxFields bounds the tree: an object whose keys are data (one per customer, say) would have no end.
const maxFields = 5_000

// field is one field as it was seen.
type field struct {
	path     event.Path
	members  map[string]*field
	kinds    [event.List + 1]int64 // by event.Kind; null counts as missing
	times    int64                 // values that can be read as a time
	examples []string              // key texts of the first different values
	distinct map[string]bool       // up to maxDistinct key texts
	repeated bool                  // some value came twice
}

const (
	maxExamples = 3
	maxDistinct = 10_000
	maxExample  = 32 // bytes
)

func newFields() *fields { return &fields{root: &field{}} }

// learn takes one event in.
func (f *fields) learn(v event.Value) {
	f.events++
	f.members(f.root, v)
}

func (f *fields) members(at *field, v event.Value) {
	event.EachMember(v, func(name string, m event.Value) bool {
		x := at.members[name]
		if x == nil {
			if x = f.add(at, name); x == nil {
				return true
			}
		}
		x.see(m)
		if m.Kind == event.Object {
			f.members(x, m)
		}
		return true
	})
}

// add adds a field, if there is room.
func (f *fields) add(at *field, name string) *field {
	if f.n >= maxFields {
		f.full = true
		return nil
	}
	f.n++
	if at.members == nil {
		at.members = map[string]*field{}
	}
	name = string([]byte(name)) // not a part of the event's bytes
	x := &field{path: append(slices.Clip(at.path), name), distinct: map[string]bool{}}
	at.members[name] = x
	return x
}

// see notes one value.
func (x *field) see(v event.Value) {
	x.kinds[v.Kind]++
	key, ok := event.AppendKey(nil, v)
	if !ok {
		return
	}
	if _, ok := event.ParseTime(v); ok {
		x.times++
	}
	if x.distinct[string(key)] {
		x.repeated = true
		return
	}
	if len(x.distinct) < maxDistinct {
		x.distinct[string(key)] = true
	}
	if len(x.examples) < maxExamples && len(key) <= maxExample {
		x.examples = append(x.examples, string(key))
	}
}

// present is how many events have a value in the field.
func (x *field) present() (n int64) {
	for k, c := range x.kinds {
		if event.Kind(k) != event.Missing {
			n += c
		}
	}
	return n
}

// typ names the field's type as the configuration declares it: any where it differs.
func (x *field) typ() string {
	numbers := x.kinds[event.Int] + x.kinds[event.Decimal] + x.kinds[event.Float]
	for _, t := range []struct {
		name string
		n    int64
	}{{"number", numbers}, {"string", x.kinds[event.String]}, {"bool", x.kinds[event.Bool]}, {"list", x.kinds[event.List]},
		{"object", x.kinds[event.Object]}} {
		if t.n > 0 && t.n == x.present() {
			return t.name
		}
	}
	return "any"
}

// all returns the fields in order of their paths, without those that are only objects around others.
func (f *fields) all() []*field {
	var out []*field
	var walk func(x *field)
	walk = func(x *field) {
		if x != f.root && (x.typ() != "object" || len(x.members) == 0) {
			out = append(out, x)
		}
		for _, m := range x.members {
			walk(m)
		}
	}
	walk(f.root)
	slices.SortFunc(out, func(a, b *field) int { return cmp.Compare(a.path.String(), b.path.String()) })
	return out
}

// The names that fields for the time, the type and the id of an event have in practice, the most likely first.
var (
	timeNames = []string{"time", "@timestamp", "timestamp", "ts", "event_time", "eventTime", "occurred_at", "created_at", "datetime", "date"}
	typeNames = []string{"type", "event_type", "eventType", "event", "event_name", "eventName", "EventID", "@stream", "_path", "kind", "action", "name"}
	idNames   = []string{"id", "event_id", "eventId", "uuid", "guid", "uid"}
)

// maxTypes is how many values a field may have to be the type.
const maxTypes = 1000

// envelope guesses where events have their time, type and id, "" where nothing fits. A field that some event has not
// is none of them.
func (f *fields) envelope() (typ, time, id string) {
	always := func(x *field) bool { return x.present() == f.events }
	time = f.pick(timeNames, func(x *field, known bool) bool {
		return always(x) && x.times == f.events && (known || x.kinds[event.String] == f.events)
	})
	typ = f.pick(typeNames, func(x *field, known bool) bool {
		return always(x) && known && len(x.distinct) <= maxTypes && (x.typ() == "string" || x.typ() == "number")
	})
	id = f.pick(idNames, func(x *field, known bool) bool {
		return always(x) && known && !x.repeated && len(x.examples) > 0
	})
	return typ, time, id
}

// pick returns the first field, by names and then by path, that fits.
func (f *fields) pick(names []string, fits func(x *field, known bool) bool) string {
	for _, name := range names {
		if x := f.root.members[name]; x != nil && fits(x, true) {
			return x.path.String()
		}
	}
	for _, x := range f.all() {
		if fits(x, false) {
			return x.path.String()
		}
	}
	return ""
}
