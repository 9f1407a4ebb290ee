package engine

import (
	"slices"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// A table's block holds one slot per field, then the text of the fields that hold text, in the order of the fields:
//
//	slot  kind u8 | scale u8 | 0 u16 | text length u32 | number i64 | [accumulator of a sum]
//
// A field that some event adds to keeps an exact sum; `=` sets that too.
const tableSlot = 16

var sum = window.ByName("sum", 0)

func newTablePlan(t *rules.Table, i int, d *dim) *tablePlan {
	tp := &tablePlan{t: t, index: i, dim: d, adds: make([]bool, len(t.Fields))}
	for _, u := range t.On {
		for _, s := range u.Set {
			tp.adds[s.Field] = tp.adds[s.Field] || s.Op != '='
		}
	}
	for i := range t.Fields {
		tp.offs = append(tp.offs, tp.fixed)
		tp.fixed += tableSlot
		if tp.adds[i] {
			tp.fixed += sum.Size()
		}
	}
	return tp
}

// get returns field i of the row's block; text belongs to the row.
func (tp *tablePlan) get(b []byte, i int) event.Value {
	if len(b) < tp.fixed {
		return event.Value{}
	}
	s := b[tp.offs[i]:]
	v := event.Value{Kind: event.Kind(s[0]), Scale: s[1], N: int64(le.Uint64(s[8:]))}
	if v.Kind >= event.String {
		at := tp.fixed
		for k := range i {
			at += int(le.Uint32(b[tp.offs[k]+4:]))
		}
		v.S = string(b[at : at+int(le.Uint32(s[4:]))])
	}
	if tp.adds[i] {
		return nearest(v)
	}
	return v
}

// set writes field i; grow makes the block larger.
func (tp *tablePlan) set(row *state.Row, i int, v event.Value) {
	b := row.Ensure(tp.unit, tp.fixed)
	s := b[tp.offs[i]:]
	old := int(le.Uint32(s[4:]))
	if old > 0 || len(v.S) > 0 {
		at, total := tp.fixed, tp.fixed
		for k := range tp.offs {
			n := int(le.Uint32(b[tp.offs[k]+4:]))
			total += n
			if k < i {
				at += n
			}
		}
		tail := slices.Clone(b[at+old : total])
		b = row.Ensure(tp.unit, total-old+len(v.S))
		copy(b[at:], v.S)
		copy(b[at+len(v.S):], tail)
		s = b[tp.offs[i]:]
	}
	s[0], s[1] = byte(v.Kind), v.Scale
	le.PutUint32(s[4:], uint32(len(v.S)))
	le.PutUint64(s[8:], uint64(v.N))
	if tp.adds[i] {
		acc := s[tableSlot : tableSlot+sum.Size()]
		clear(acc)
		if v.IsNumber() {
			sum.Add(acc, v)
		}
	}
}

// add adds v to field i, or takes it off. It reports false if the field holds something that is not a number.
func (tp *tablePlan) add(row *state.Row, i int, v event.Value, minus bool) bool {
	b := row.Ensure(tp.unit, tp.fixed)
	s := b[tp.offs[i]:]
	if k := event.Kind(s[0]); k != event.Missing && (k < event.Int || k > event.Float) {
		return false
	}
	acc := s[tableSlot : tableSlot+sum.Size()]
	if minus {
		v = negate(v)
	}
	sum.Add(acc, v)
	v, _ = sum.Value(acc)
	s[0], s[1] = byte(v.Kind), v.Scale
	le.PutUint64(s[8:], uint64(v.N))
	return true
}

func negate(v event.Value) event.Value {
	switch {
	case v.Kind == event.Float:
		f, _ := v.Float64()
		return event.FloatValue(-f)
	case v.N == -1<<63:
		return event.FloatValue(1 << 63)
	}
	v.N = -v.N
	return v
}

// update folds the current event into the table's row.
func (sh *shard) update(tw *tableWork, row *state.Row) {
	tp := tw.tablePlan
	env := &sh.env
	if !tw.reads {
		sh.applyUpdates(tw, row)
		return
	}
	b := row.Block(tp.unit)
	old := slices.Grow(env.Row[:0], len(tp.offs))[:len(tp.offs)]
	for i := range old {
		old[i] = tp.get(b, i)
	}
	env.Row = old
	sh.applyUpdates(tw, row)
}

// applyUpdates applies the updates of one event type to the row.
func (sh *shard) applyUpdates(tw *tableWork, row *state.Row) {
	tp := tw.tablePlan
	for _, u := range tw.updates {
		v := u.Expr.Eval(&sh.env)
		switch {
		case v.IsMissing():
			sh.count.tableMissing[tp.index]++
		case u.Op == '=':
			tp.set(row, u.Field, v)
		case !v.IsNumber() || !tp.add(row, u.Field, v, u.Op == '-'):
			sh.count.mismatches++
			sh.count.tableMissing[tp.index]++
		}
	}
}

// evalTables fills the environment with the table fields that the rule reads.
func (sh *shard) evalTables(j *judgement) {
	var last *tablePlan
	var b []byte
	for i, ts := range j.rule.tables {
		if ts.table != last {
			if last, b = ts.table, nil; j.rows[ts.dim].Valid() {
				b = j.rows[ts.dim].Block(ts.table.unit)
			}
		}
		sh.env.Tables[i] = ts.table.get(b, ts.field)
	}
}
