// Package whynot says which part of a rule's condition was false: it takes the condition apart at its and and or, and asks
// each part by itself, with the values that it reads.
package whynot

import (
	"strings"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// Rule is a rule whose conditions, ready and when, have been taken apart. It may be asked by one goroutine at a time.
type Rule struct {
	set        *rules.Set
	rule       *rules.Rule
	conditions []condition
}

// New takes the conditions of a rule of a set apart.
func New(set *rules.Set, r *rules.Rule) *Rule {
	x := &Rule{set: set, rule: r}
	if r.Ready != nil {
		x.conditions = append(x.conditions, takeApart(set, r, r.Ready.Src))
	}
	x.conditions = append(x.conditions, takeApart(set, r, r.When.Src))
	return x
}

// Part is one part of a condition with what became of it.
type Part struct {
	Src     string
	Depth   int    // how deep it stands in and / or
	Joined  string // "all of" or "one of" where parts of it follow, one level deeper
	Truth   string // "true", "false", "missing"
	Missing string // the name that is missing
	Values  []engine.NamedValue
}

// Values returns the facts of an evaluation, as copies; a missing one is missing.
func (r *Rule) Values(env *rules.Env) (out []engine.NamedValue) {
	for i, f := range r.rule.Facts {
		if f.Agg != "previous" {
			out = append(out, engine.NamedValue{Name: f.Name, Value: env.Facts[i].Clone()})
		}
	}
	return out
}

// Parts asks for each part of the rule's conditions, and counts those that are true.
func (r *Rule) Parts(env *rules.Env) (out []Part, held int) {
	for i := range r.conditions {
		out = r.ask(out, &r.conditions[i], env, 0)
	}
	for _, p := range out {
		if p.Joined == "" && p.Truth == "true" {
			held++
		}
	}
	return out, held
}

func (r *Rule) ask(out []Part, c *condition, env *rules.Env, depth int) []Part {
	p := Part{Src: c.src, Depth: depth}
	if c.expr != nil {
		switch truth, ok := c.expr.Test(env); {
		case !ok:
			p.Truth, p.Missing = "missing", env.Missing
		case truth:
			p.Truth = "true"
		default:
			p.Truth = "false"
		}
	}
	if len(c.parts) == 0 {
		if c.expr != nil {
			p.Values = r.read(c.expr, env)
		}
		return append(out, p)
	}
	p.Joined = "all of"
	if c.or {
		p.Joined = "one of"
	}
	out = append(out, p)
	for i := range c.parts {
		out = r.ask(out, &c.parts[i], env, depth+1)
	}
	return out
}

// read returns the values that an expression reads.
func (r *Rule) read(x *rules.Expr, env *rules.Env) (out []engine.NamedValue) {
	add := func(name string, v event.Value) { out = append(out, engine.NamedValue{Name: name, Value: v.Clone()}) }
	for _, i := range x.Facts {
		switch f := r.rule.Facts[i]; {
		case f.Agg == "previous":
		case f.Series != "" && strings.Contains(x.Src, "samples("):
			add("samples("+f.Name+")", event.IntValue(env.Samples[i]))
		default:
			add(f.Name, env.Facts[i])
		}
	}
	for _, i := range x.Tables {
		add(r.rule.TableRefs[i].Name, env.Tables[i])
	}
	for _, i := range x.Prev {
		add(r.rule.PrevRefs[i].Name, env.Prev[i])
	}
	for _, slot := range x.Fields {
		if env.HasEvent && env.Rec != nil && slot < len(env.Rec.Fields) {
			add(r.set.Paths[slot].String(), env.Rec.Value(slot))
		}
	}
	return out
}
