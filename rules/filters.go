package rules

import "kelpie/event"

// Filters says which of many conditions an event meets, without trying them all. A condition that asks a field to be one
// of some constants (`region == "eu"`, `status in ["open", "held"]`, alone or joined to others by `and`) is looked up by
// the field's value, and among those with one value, conditions that order a field against a constant (`amount > 100`)
// are tried from the easiest on, until one is not met. The answer is the one that trying each of them gives: a join of
// conditions is true exactly where all of them are, in whatever order they are asked.
//
// Filters are immutable and safe for concurrent use with separate Envs.
type Filters struct {
	n      int
	always []uint64 // bits of conditions that ask nothing
	root   bucket   // conditions that no field is worth looking up for
	fields []fieldIndex
}

// fieldIndex holds the conditions that ask one field to be one of some constants, by these constants.
type fieldIndex struct {
	slot    int
	texts   map[string]*bucket
	numbers map[numeral]*bucket
	bools   [2]*bucket
}

// bucket holds conditions of which some part is known to be true.
type bucket struct {
	met     []uint32 // nothing is left to ask
	tries   []try
	ladders []ladder
}

// try is what is left of a condition: all of rest must be true.
type try struct {
	at   uint32
	rest []truthFn
}

// ladder holds conditions that order one field against constants in one direction, the easiest first: behind one that
// is not met, none is. The constants are all whole or none is, so that they are ordered as each compares with the field.
type ladder struct {
	number numberFn
	steps  []step
}

type step struct {
	limit numeral
	holds uint8 // see op.holds
	try
}

// Match says which conditions are met in env: bit i%64 of word i/64 is for condition i. It writes over met and returns it,
// grown if it is too small. Why a condition is not met is not to be read from env.
func (f *Filters) Match(env *Env, met []uint64) []uint64 {
	met = append(met[:0], f.always...)
	f.root.match(env, met)
	for i := range f.fields {
		if b := f.fields[i].find(env); b != nil {
			b.match(env, met)
		}
	}
	return met
}

func (b *bucket) match(e *Env, met []uint64) {
	for _, i := range b.met {
		met[i/64] |= 1 << (i % 64)
	}
	for i := range b.tries {
		b.tries[i].match(e, met)
	}
	for i := range b.ladders {
		l := &b.ladders[i]
		v := l.number(e)
		if v.kind == event.Missing {
			continue
		}
		for j := range l.steps {
			s := &l.steps[j]
			if s.holds>>(compareNumerals(v, s.limit)+1)&1 == 0 {
				break
			}
			s.match(e, met)
		}
	}
}

func (t *try) match(e *Env, met []uint64) {
	e.work = 0
	for _, f := range t.rest {
		if f(e) != yes {
			return
		}
	}
	met[t.at/64] |= 1 << (t.at % 64)
}

// find returns the conditions for the value that the field has.
func (x *fieldIndex) find(e *Env) *bucket {
	if f, ok := e.recordField(x.slot); ok && f.Kind == event.FieldString {
		return x.texts[string(e.Rec.Raw[f.Off:f.End])]
	}
	switch v := e.field(x.slot); {
	case v.Kind == event.String:
		return x.texts[v.S]
	case v.Kind == event.Bool:
		return x.bools[v.N]
	case v.IsNumber():
		return x.numbers[numeralOf(v)]
	}
	return nil
}
