package rules

import "kelpie/event"

// Table is one checked table.
type Table struct {
	Name     string
	Key      []event.Path
	KeySlots []int
	Fields   []string      // in order of first appearance
	Shows    [][]string    // parallel to Fields: the event fields that can be seen in them, as rules write them, sorted
	On       []TableUpdate // sorted by event type
	At       Place
	Text     string // its canonical YAML
}

// TableUpdate is what one event type does to a row: the fields in order of writing.
type TableUpdate struct {
	Event string // a type, or '*'
	Set   []FieldUpdate
}

// FieldUpdate sets (Op '='), adds to ('+') or subtracts from ('-') a field of the row.
// The expression sees the event's fields and `row` (Env.Row, parallel to Table.Fields).
type FieldUpdate struct {
	Field int
	Op    byte
	Expr  *Expr
}
