package rules

import (
	"slices"
	"strings"

	"kelpie/event"
)

// Across is a rule that sees events of several values of a field together, and by which keys it does.
type Across struct {
	Rule string   `json:"rule"`
	Keys []string `json:"keys"` // of the rule, of its facts, of its tables; "(none)" for all events together
}

// Across returns the rules that see events of several values of a field together, in the order of the set. If events come in
// order only with others of the same value, what such a rule finds depends on how they are interleaved. A rule that looks at
// one event at a time, and remembers nothing, is none of them.
func (s *Set) Across(field event.Path) (all []Across) {
	for _, r := range s.Rules {
		a := Across{Rule: r.Name}
		add := func(key []event.Path) {
			if slices.ContainsFunc(key, func(p event.Path) bool { return slices.Equal(p, field) }) {
				return
			}
			if text := keysText(key); !slices.Contains(a.Keys, text) {
				a.Keys = append(a.Keys, text)
			}
		}
		if len(r.Facts) > 0 || r.For > 0 || r.Cooldown > 0 {
			add(r.By)
		}
		for _, f := range r.Facts {
			if f.By != nil {
				add(f.By)
			}
		}
		for _, ref := range r.TableRefs {
			add(s.Tables[ref.Table].Key)
		}
		if len(a.Keys) > 0 {
			all = append(all, a)
		}
	}
	return all
}

func keysText(key []event.Path) string {
	if len(key) == 0 {
		return "(none)"
	}
	texts := make([]string, len(key))
	for i, p := range key {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}
