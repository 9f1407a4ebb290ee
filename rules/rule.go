package rules

import "kelpie/event"

// Rule is one checked rule. Durations are milliseconds, 0 where not given (Expire: default 30 days).
type Rule struct {
	Name, Description string
	Severity          string // info | low | medium | high | critical; default medium
	Mode              string // shadow | alert | enforce; default alert, with Decide enforce
	Decide            string // "" | allow | review | block
	Labels            map[string]string
	Actions           []string
	Params            []Param
	Events            []string     // event types; nil means '*', any
	Where             *Expr        // nil: every event
	By                []event.Path // nil: one instance for all events (key is the empty list)
	BySlots           []int        // By as field slots
	Facts             []*Fact      // `let`, in an order in which each uses earlier ones only (order of writing)
	Ready             *Expr        // nil: always
	When              *Expr
	Bounds            []string // parallel to Facts: what When compares a fact with, "> 5"; "" if with nothing constant
	Resolve           *Expr    // nil: "when says false"
	OnEvent, OnClose  bool
	For, Cooldown     int64
	Expire            int64
	Timezone          string     // IANA name, "" is UTC
	Alert             *Template  // nil: see Message
	TableRefs         []TableRef // distinct table fields that its expressions read; Env.Tables is parallel to it
	PrevRefs          []PrevRef  // distinct fields of `previous` facts that its expressions read; Env.Prev is parallel to it
	FieldSlots        []int      // distinct event fields that when/ready/resolve/expression facts/alert read (what a leaving judgement needs to remember), ascending
	Point             bool       // reaches no window and no table: opens and is over at once
	Longest           int64      // the rule's longest window in ms (`before` included; a series D+B+before; a session its gap); 0 if it has no windows
	At                Place      // where it is written
	Text              string     // its canonical YAML, for fingerprints and for keeping rule versions
}

// Param is a constant of a rule: a number (a percentage is its share, a duration its milliseconds), a text, a bool,
// or a list of such.
type Param struct {
	Name  string
	Value event.Value   // of a list: Kind List, S its JSON text
	List  []event.Value // the elements of a list
	Text  string        // as it is written
}

// TableRef is table.field as read by a rule.
type TableRef struct {
	Table int    // index into Set.Tables
	Field int    // index into Table.Fields
	Name  string // as written: "credit.limit"

	Shows []string // the event fields that can be seen in it, as rules write them, sorted
}

// PrevRef is a field of a `previous` fact: prev.amount.
type PrevRef struct {
	Fact int // index into Rule.Facts
	Slot int // field slot of the event path (amount); SlotTime for prev.time, SlotType for prev.type
	Name string
}

// Fact returns the index of the rule's fact of that name, or -1.
func (r *Rule) Fact(name string) int {
	for i, f := range r.Facts {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// DefaultExpire is how long an instance stays open without any judgement where a rule does not say.
const DefaultExpire = 30 * day
