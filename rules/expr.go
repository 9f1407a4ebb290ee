package rules

import "kelpie/event"

// Expr is one compiled expression. Safe for concurrent use with separate Envs.
type Expr struct {
	Src    string
	Type   Type
	Canon  string // the expression with params put in, white space and spelling made the same: equal meaning where equal text
	Fields []int  // distinct event field slots it reads
	Facts  []int  // distinct facts of the rule it reads, samples(…) and fields of `previous` included
	Tables []int  // distinct indexes into Rule.TableRefs it reads
	Prev   []int  // distinct indexes into Rule.PrevRefs it reads
	eval   func(*Env) event.Value
}

// Eval evaluates the expression; a missing result leaves the cause in env.Missing.
func (x *Expr) Eval(env *Env) event.Value { return x.eval(env) }

// Test evaluates a condition. ok is false where it could not be evaluated (missing or not a bool).
func (x *Expr) Test(env *Env) (truth, ok bool) {
	v := x.eval(env)
	return v.N != 0, v.Kind == event.Bool
}

// Field returns the slot of the event field that the expression is, if it is nothing but that.
func (x *Expr) Field() (slot int, ok bool) { return 0, false }

// SrcError is a mistake in an expression's source.
type SrcError struct {
	Offset, Width int // bytes of the source; Width is at least 1
	Message       string
	Hint          string // what to do, "" if there is nothing to say
}

// Error makes a SrcError an error.
func (e *SrcError) Error() string { return e.Message }

// Compile checks an expression and makes it ready to run.
func Compile(src string, sc *Scope) (*Expr, *SrcError) {
	return nil, &SrcError{Width: 1, Message: "expressions cannot be compiled yet"}
}

// Template is a compiled alert text with {{expressions}}.
type Template struct {
	Src    string
	Fields []int // as of an Expr
	Facts  []int
	Tables []int
	Prev   []int
}

// CompileTemplate checks a text with {{expressions}} and makes it ready to be rendered.
func CompileTemplate(src string, sc *Scope) (*Template, *SrcError) {
	return nil, &SrcError{Width: 1, Message: "templates cannot be compiled yet"}
}

// Render writes the text; a missing value is shown as "?". key resolves the names of the rule's `by` where there is no event.
func (t *Template) Render(env *Env, key []string) string { return t.Src }

// IsReserved reports whether a fact or a param may not have that name, because the language uses it.
func IsReserved(name string) bool { return false }
