package oracle

import (
	"math/big"

	"kelpie/event"
	"kelpie/rules"
)

// tableState is a table's rows, by the text of their key.
type tableState struct {
	*rules.Table
	rows map[string][]event.Value // parallel to Fields
	sums map[string][]*big.Rat    // the exact value of a field that is a number
}

func newTable(t *rules.Table) *tableState {
	return &tableState{Table: t, rows: map[string][]event.Value{}, sums: map[string][]*big.Rat{}}
}

// fold applies the updates of the event's type. All expressions of one update see the row as it was before.
func (t *tableState) fold(e *happened) {
	for _, u := range t.On {
		if u.Event != "*" && u.Event != e.typ {
			continue
		}
		k, ok := e.keyOf(t.KeySlots)
		if !ok {
			return
		}
		key := k.text()
		before := t.rows[key]
		row := make([]event.Value, len(t.Fields))
		copy(row, before)
		sums := make([]*big.Rat, len(t.Fields))
		copy(sums, t.sums[key])
		if before == nil {
			before = make([]event.Value, len(t.Fields))
		}
		for _, f := range u.Set {
			env := rules.Env{Rec: e.rec, Time: e.time, HasEvent: true, Row: before}
			set(row, sums, f, f.Expr.Eval(&env))
		}
		t.rows[key], t.sums[key] = row, sums
	}
}

// set applies one update, exactly. A missing value, or text added to a number, leaves the field as it was.
func set(row []event.Value, sums []*big.Rat, f rules.FieldUpdate, v event.Value) {
	if v.IsMissing() {
		return
	}
	if f.Op == '=' {
		row[f.Field], sums[f.Field] = v, nil
		if v.IsNumber() {
			sums[f.Field] = exact(v)
		}
		return
	}
	sum := sums[f.Field]
	if !v.IsNumber() || sum == nil && !row[f.Field].IsMissing() {
		return
	}
	if sum == nil {
		sum = new(big.Rat)
	}
	x := exact(v)
	if f.Op == '-' {
		x.Neg(x)
	}
	sums[f.Field] = new(big.Rat).Add(sum, x)
	row[f.Field] = nearest(sums[f.Field])
}

// value reads a field of the row with the key.
func (t *tableState) value(k Key, field int) event.Value {
	if row := t.rows[k.text()]; row != nil {
		return row[field]
	}
	return event.Value{}
}
