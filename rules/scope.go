package rules

import "kelpie/event"

// Scope says what names mean to one expression. Names are looked up in this order: Params, Facts, Tables, and what
// is left is a field of the event. The functions record what the expression uses; each may be nil.
type Scope struct {
	Params  map[string]event.Value // constants; a list is a List holding JSON text
	Facts   map[string]FactName    // of `let`, as far as they are known
	Tables  map[string]TableName
	Refused map[string]string // names that mean something which cannot be used here, each with the reason
	Types   map[string]Type   // declared field types by path; nil: every field is AnyType
	Strict  bool              // refuse fields that Types does not know
	NoEvent bool              // judged on closes only: event fields, `type` and `time` are refused
	Row     []string          // in a table's update: the table's fields, which `row.x` reads; nil elsewhere
	By      []event.Path      // in a template: the rule's key, whose text stands in where there is no event

	Slot  func(event.Path) int // interns a field's path
	Table func(TableRef) int   // interns a table's field: the index into Rule.TableRefs
	Prev  func(PrevRef) int    // interns a field of a `previous` fact: the index into Rule.PrevRefs
	Used  func(fact int)       // is told of each fact that is read
}

// FactName is what the name of a fact stands for.
type FactName struct {
	Index  int  // into Rule.Facts
	Type   Type // EventType for `previous`
	Series bool // samples(name) is known
}

// TableName is what the name of a table stands for: its index in Set.Tables and its fields.
type TableName struct {
	Index  int
	Fields map[string]TableField
}

// TableField is one field of a table: its index into Table.Fields and its type, AnyType where that is not known.
type TableField struct {
	Index int
	Type  Type
}

// The slots of a PrevRef that are no field: `prev.time` is the earlier event's time in milliseconds, `prev.type` its type.
const (
	SlotTime = -1
	SlotType = -2
)
