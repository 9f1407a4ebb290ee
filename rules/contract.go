package rules

import "kelpie/event"

// THIS FILE IS THE AGREED SURFACE of package rules while it is being written in parallel.
// Names, types and meanings below are what the engine, the oracle and the command are written against.
// The owners move each type to the file that tells its story and may add fields and methods, but keep these.

// Set is a checked set of rules and tables. It is immutable after Load.
type Set struct {
	Rules  []*Rule      // sorted by name
	Tables []*Table     // sorted by name
	Tests  []*Test      // in order of files and lines
	Paths  []event.Path // every event field that some expression or key reads; an Expr's field slots index it
	Types  []string     // every event type named by a rule, a fact (`of`) or a table, sorted
}

// Rule is one checked rule. Durations are milliseconds, 0 where not given (Expire: default 30 days).
type Rule struct {
	Name, Description string
	Severity          string // info | low | medium | high | critical; default medium
	Mode              string // shadow | alert | enforce
	Decide            string // "" | allow | review | block
	Labels            map[string]string
	Actions           []string
	Events            []string     // event types; nil means '*', any
	Where             *Expr        // nil: every event
	By                []event.Path // nil: one instance for all events (key is the empty list)
	BySlots           []int        // By as field slots
	Facts             []*Fact      // `let`, in an order in which each uses earlier ones only (order of writing)
	Ready             *Expr        // nil: always
	When              *Expr
	Resolve           *Expr // nil: "when says false"
	OnEvent, OnClose  bool
	For, Cooldown     int64
	Expire            int64
	Timezone          string     // IANA name, "" is UTC
	Alert             *Template  // nil: a default message
	TableRefs         []TableRef // distinct table fields that its expressions read; Env.Tables is parallel to it
	PrevRefs          []PrevRef  // distinct fields of `previous` facts that its expressions read; Env.Prev is parallel to it
	FieldSlots        []int      // distinct event fields that when/ready/resolve/expression facts/alert read (what a leaving judgement needs to remember)
	Point             bool       // reaches no window and no table: opens and is over at once
	Longest           int64      // the rule's longest window in ms (`before` included; a series D+B+before; a session its gap); 0 if it has no windows
	At                Place      // where it is written
	Text              string     // its canonical YAML, for fingerprints and for keeping rule versions
}

// TableRef is table.field as read by a rule.
type TableRef struct {
	Table int    // index into Set.Tables
	Field int    // index into Table.Fields
	Name  string // as written: "credit.limit"
}

// PrevRef is a field of a `previous` fact: prev.amount.
type PrevRef struct {
	Fact int // index into Rule.Facts
	Slot int // field slot of the event path (amount); SlotTime for prev.time, SlotType for prev.type
	Name string
}

// Fact is one entry of `let`: either an expression (Expr != nil) or an aggregate over a window.
type Fact struct {
	Name string
	Expr *Expr // an expression over event fields, tables and earlier facts

	Agg      string       // count sum avg min max stddev distinct ratio p50..p99 (also "p1".."p99.9"), median first last previous gap rate unseen; "mean" is stored as avg, "median" as p50
	Quantile float64      // for p..: 0.5 for p50/median
	Arg      *Expr        // nil for count, previous, gap, rate
	Of       []string     // `of TYPE`: these types in place of the rule's (and the rule's where does not apply); nil otherwise
	Where    *Expr        // the fact's own filter, nil if none
	By       []event.Path // another key; nil: the rule's
	BySlots  []int
	Window   Window

	Series   string  // "" or the function over past buckets: avg median(p50) p.. min max sum stddev count ratio_to_mean ratio_to_median zscore robust_zscore ewma
	SeriesQ  float64 // quantile when Series is p..
	Seasonal bool    // at same hour-of-week

	Type Type   // of its value
	Text string // canonical text; equal facts have equal Text
	At   Place
}

// WindowKind is the kind of a fact's window.
type WindowKind uint8

// The kinds of windows.
const (
	Sliding  WindowKind = iota // over d (before s)
	Tumbling                   // each d
	Hopping                    // over D each B
	Session                    // over session g (max m)
	Buckets                    // of a series: each B, over D (before s)
)

// Window is a fact's window; milliseconds.
type Window struct {
	Kind   WindowKind
	Over   int64 // Sliding, Hopping, Buckets: the length D
	Each   int64 // Tumbling, Hopping, Buckets: B
	Gap    int64 // Session
	Max    int64 // Session: 0 means none
	Before int64 // Sliding, Buckets
}

// Table is one checked table.
type Table struct {
	Name     string
	Key      []event.Path
	KeySlots []int
	Fields   []string      // in order of first appearance
	On       []TableUpdate // sorted by event type
	At       Place
	Text     string
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

// Place is where something is written. Line and Column count from 1.
type Place struct {
	File         string
	Line, Column int
}

// Test is one entry of `tests:`.
type Test struct {
	Name   string
	Rule   string
	Given  []GivenEvent
	Expect []Expectation // every opening, in order of (time, key)
	Until  int64         // ms; 0: the stream ends and is drained
	At     Place
	// Time settings for this test, where it gives them (`time:` as in the configuration).
	Order              string
	Disorder, Lateness int64
}

// GivenEvent is one event of a test, already repeated, as JSON.
type GivenEvent struct {
	JSON []byte
	At   Place
}

// Expectation is one line of `expect`: only the members named are compared. Key and Time are members too.
type Expectation struct {
	Members []Member // in order of writing
	At      Place
}

// Member is one compared member: "time", "key", "severity", "message", or the name of a fact.
type Member struct {
	Name  string
	Value event.Value   // for time: Int, ms
	List  []event.Value // for a compound key
}

// Options says what Load knows from the configuration.
type Options struct {
	Types    map[string]Type // declared field types by path; nil: unknown, every field is AnyType
	Strict   bool            // refuse fields that Types does not know
	Timezone string          // default for rules
}

// Load reads rule files and folders (recursively, *.yml and *.yaml, sorted), checks everything and
// returns the set. The error is Errors: all that is wrong, in order of files and lines.
func Load(paths []string, o Options) (*Set, error) { panic("contract") }

// LoadBytes is Load for one file in memory.
func LoadBytes(name string, src []byte, o Options) (*Set, error) { panic("contract") }

// Errors is all that is wrong with the rules. Error() prints each with file:line:column, the line and a caret.
type Errors []*Error

// Error is one mistake: where, what, and what to do.
type Error struct {
	At      Place
	Message string
	Hint    string // "did you mean orders?"
	Line    string // the source line
	Width   int    // of the caret, at least 1
}

func (e Errors) Error() string { panic("contract") }
