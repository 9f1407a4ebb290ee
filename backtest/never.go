package backtest

import (
	"fmt"
	"slices"
	"strings"

	"kelpie/engine"
	"kelpie/rules"
)

// Never is why a rule has opened no alert.
type Never struct {
	Reason Reason `json:"reason"`
	Detail string `json:"detail"` // in words
	Could  bool   `json:"could"`  // the rule could have fired on this history; false: it is blind on it
}

// Reason is a class of reasons.
type Reason string

// The reasons, the first that holds being told.
const (
	NoEvents  Reason = "no-events"  // the history has no event of the rule's types
	NoField   Reason = "no-field"   // a field that it needs is in no event
	NotJudged Reason = "not-judged" // no event has passed its filter and had its key, or none of its windows has closed
	Failing   Reason = "errors"     // every judgement failed
	Missing   Reason = "missing"    // a name that its condition needs was missing every time
	NotReady  Reason = "not-ready"  // `ready` was never true
	WarmingUp Reason = "warming-up" // its windows were never full
	Condition Reason = "condition"  // it was judged, and its condition was never true
)

// never says why a rule has no alert. full is from when on its windows were full.
func (r *run) never(rule *Rule, c *engine.RuleCounters, s *engine.Survey, full, last Time) *Never {
	abstained := c.Missing + c.NotReady + c.Errors
	switch field := r.unseen(rule.Rule, s); {
	case !r.hasEvents(rule.Rule, s):
		return &Never{NoEvents, "the history has no event of type " + strings.Join(rule.Events, ", "), false}
	case field != "" && abstained == c.Evaluated:
		return &Never{NoField, "no event has the field " + field, false}
	case c.Evaluated == 0 && rule.OnClose && !rule.OnEvent:
		return &Never{NotJudged, "no window that held an event has closed", false}
	case c.Evaluated == 0:
		return &Never{NotJudged, "no event has passed its filter and had its key", false}
	case c.Errors == c.Evaluated:
		return &Never{Failing, "every judgement failed: " + c.LastError, false}
	case c.Missing == c.Evaluated:
		return &Never{Missing, "always missing: " + names(c.Names), false}
	case c.NotReady == c.Evaluated || abstained == c.Evaluated:
		return &Never{NotReady, "`ready` was never true", false}
	case full != NoTime && full > last:
		return &Never{WarmingUp, fmt.Sprintf("its windows of %s were never full", rules.FormatDuration(rule.Longest)), true}
	}
	return &Never{Condition, "its condition was never true", true}
}

func names(list []engine.MissingName) string {
	var out []string
	for _, x := range list {
		out = append(out, x.Name)
	}
	return strings.Join(out, ", ")
}

// hasEvents reports whether the history has events of the rule's types.
func (r *run) hasEvents(x *rules.Rule, s *engine.Survey) bool {
	for i, n := range s.Types {
		if n > 0 && (x.Events == nil || i < len(r.set.Types) && slices.Contains(x.Events, r.set.Types[i])) {
			return true
		}
	}
	return false
}

// unseen returns a field that the rule reads and no event has: of its key, its filter, or its condition and what that reaches;
// "" if there is none.
func (r *run) unseen(x *rules.Rule, s *engine.Survey) string {
	slots := slices.Clone(x.BySlots)
	add := func(e *rules.Expr) {
		if e != nil {
			slots = append(slots, e.Fields...)
		}
	}
	add(x.Where)
	for _, f := range x.Facts {
		add(f.Expr)
		add(f.Arg)
		add(f.Where)
		slots = append(slots, f.BySlots...)
	}
	add(x.Ready)
	add(x.When)
	for _, slot := range slots {
		if slot < len(s.Seen) && !s.Seen[slot] {
			return r.set.Paths[slot].String()
		}
	}
	return ""
}
