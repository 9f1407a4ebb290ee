package rules

import "kelpie/event"

// Set is a checked set of rules and tables. It is immutable after Load.
type Set struct {
	Rules  []*Rule      // sorted by name
	Tables []*Table     // sorted by name
	Tests  []*Test      // in order of files and lines
	Paths  []event.Path // every event field that some expression or key reads; an Expr's field slots index it
	Types  []string     // every event type named by a rule, a fact (`of`) or a table, sorted

	Options Options // what it was loaded with

	scope map[string]TableName // of the tables, for the rules' expressions
}

// Rule returns the rule of that name, nil if there is none.
func (s *Set) Rule(name string) *Rule {
	for _, r := range s.Rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Table returns the table of that name, nil if there is none.
func (s *Set) Table(name string) *Table {
	for _, t := range s.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}
