// Package rules reads what users write: rules, tables and their tests, in YAML, and checks all of it before anything runs.
//
// Load goes from text to a Set in these steps, each in files of its name:
//
//	yaml/              text -> tree with places; the traps of YAML in plain words
//	load*.go           tree -> Rule, Table, Test: keys, params, settings; names across files
//	fact*.go           "sum(amount) over 10m" -> factSyntax -> Fact: clauses, windows, canonical text
//	lex, expr*.go      expressions -> closures over an Env
//	template.go        alert texts
//	check*.go          what can be written but not computed
//	fmt*.go            tree -> canonical text
//
// Every mistake becomes an Error with its place; reading goes on behind it, so that all are told at once.
// What Load returns is immutable and holds no clock and no state: an expression's value depends on its Env alone.
//
// The size of what is read is bounded (see yaml.MaxSize and the limits of expressions), so that no rule file can exhaust
// the process.
package rules
