package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"kelpie/rules"
	"kelpie/state"
)

// StoredPlan makes the plan again whose version a store keeps under a fingerprint, to look into what was folded with it;
// "" is the one that ran last. It is nil if the store does not keep that version, or if nothing has been folded yet.
func StoredPlan(s *state.Store, fingerprint string) (*Plan, error) {
	if fingerprint == "" {
		c, ok, err := s.Checkpoint()
		if err != nil || !ok {
			return nil, err
		}
		fingerprint = c.Rules
	}
	text, err := s.Rules(fingerprint)
	if err != nil || text == nil {
		return nil, err
	}
	units, err := LoadUnits(s)
	if err != nil {
		return nil, err
	}
	p, err := parsePlan(string(text), units)
	if err != nil {
		return nil, fmt.Errorf("engine: version %s of the rules: %w", fingerprint, err)
	}
	return p, nil
}

// manyRows stands for the number of rows in a store, where nobody has counted them.
const manyRows = 1 << 62

// TableInfo says what a table is. Members may be added to its JSON form.
type TableInfo struct {
	Table  string   `json:"table"`
	Key    []string `json:"key"`
	Fields []string `json:"fields"`
	Events []string `json:"events"` // types that change it
}

// Tables lists the tables of a rule set.
func Tables(set *rules.Set) []TableInfo {
	all := []TableInfo{}
	for _, t := range set.Tables {
		x := TableInfo{Table: t.Name, Fields: t.Fields}
		for _, path := range t.Key {
			x.Key = append(x.Key, path.String())
		}
		for _, u := range t.On {
			x.Events = append(x.Events, u.Event)
		}
		all = append(all, x)
	}
	return all
}

// TableRow is one row of a table.
type TableRow struct {
	Key    []string
	Fields []NamedValue // those that have a value, in the table's order
}

// TableRow returns a row of a table as it was committed last; ok is false if there is none.
func (p *Plan) TableRow(s *state.Store, table string, key []string) (r TableRow, ok bool, err error) {
	tp := p.tableOf(table)
	if tp == nil || len(key) != len(tp.t.Key) {
		return r, false, nil
	}
	text := joinKey(key)
	rows := state.NewRows(tp.dim.id, new(state.Memory), s, manyRows)
	row, ok, err := rows.Get(xxh3.HashSeed(text, s.Seed()), text)
	if err != nil || !ok {
		return r, false, err
	}
	r = tp.read(&row)
	return r, len(r.Fields) > 0, nil
}

// TableRows calls f with the rows of a table as they were committed last, in no order that means something. f returns
// false to end it.
func (p *Plan) TableRows(s *state.Store, table string, f func(TableRow) (bool, error)) error {
	tp := p.tableOf(table)
	if tp == nil {
		return nil
	}
	const most = 4096 // rows in memory
	var rows *state.Rows
	enough := errors.New("enough")
	err := s.ScanRows(tp.dim.id, 0, func(hash uint64, key, _ []byte) error {
		if rows == nil || rows.Len() >= most {
			rows = state.NewRows(tp.dim.id, new(state.Memory), s, manyRows)
		}
		row, ok, err := rows.Get(hash, key)
		if err != nil || !ok {
			return err
		}
		r := tp.read(&row)
		if len(r.Fields) == 0 {
			return nil
		}
		more, err := f(r)
		if err == nil && !more {
			return enough
		}
		return err
	})
	if errors.Is(err, enough) {
		return nil
	}
	return err
}

// tableOf returns where a table stands; a table that is read in several lanes is the same in all of them.
func (p *Plan) tableOf(name string) *tablePlan {
	for _, d := range p.dims {
		for _, tp := range d.tables {
			if tp.t.Name == name {
				return tp
			}
		}
	}
	return nil
}

// read returns the table's part of a row.
func (tp *tablePlan) read(row *state.Row) TableRow {
	r := TableRow{Key: splitKey(row.Key(), len(tp.t.Key))}
	b := row.Block(tp.unit)
	for i, name := range tp.t.Fields {
		if v := tp.get(b, i); !v.IsMissing() {
			r.Fields = append(r.Fields, NamedValue{Name: name, Value: v})
		}
	}
	return r
}

// joinKey undoes splitKey.
func joinKey(parts []string) (key []byte) {
	if len(parts) == 1 {
		return []byte(parts[0])
	}
	for _, s := range parts {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(len(s))), s...)
	}
	return key
}
