package backtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// joined are the rules of all variants as one set: a rule or table that is equal in several variants is in it once.
type joined struct {
	set   *rules.Set
	rules []*Rule // parallel to set.Rules
	of    map[*rules.Rule]*Rule
	slots map[string]int
}

// join puts the rules of all variants into one set. Tables that no rule reads are left out.
func join(variants []Variant) (*joined, error) {
	if len(variants) == 0 {
		return nil, errors.New("backtest: no rules")
	}
	j := &joined{set: &rules.Set{Options: variants[0].Set.Options}, of: map[*rules.Rule]*Rule{}, slots: map[string]int{}}
	j.set.Options.Like = nil
	types := map[string]bool{}
	for i := range variants {
		s := variants[i].Set
		if err := j.addPaths(s.Paths); err != nil {
			return nil, fmt.Errorf("%w: %s", err, variants[i].Name)
		}
		for _, t := range s.Types {
			types[t] = true
		}
	}
	j.set.Types = slices.Sorted(maps.Keys(types))
	j.addRules(variants)
	return j, nil
}

// errNumbers says that a caller did not load the sets with Options.Like.
var errNumbers = errors.New("backtest: the sets of rules do not number fields alike")

// addPaths takes in the fields of a set; the longer of two lists begins with the shorter one.
func (j *joined) addPaths(paths []event.Path) error {
	for i, p := range paths {
		name := p.String()
		if i < len(j.set.Paths) {
			if j.set.Paths[i].String() != name {
				return errNumbers
			}
			continue
		}
		j.slots[name] = len(j.set.Paths)
		j.set.Paths = append(j.set.Paths, p)
	}
	return nil
}

// slot returns the number of a field, giving it one if it has none.
func (j *joined) slot(p event.Path) int {
	name := p.String()
	if _, ok := j.slots[name]; !ok {
		j.slots[name] = len(j.set.Paths)
		j.set.Paths = append(j.set.Paths, p)
	}
	return j.slots[name]
}

// addRules adds the rules by name, those of one name in the order of the variants.
func (j *joined) addRules(variants []Variant) {
	known, tables := map[string]*Rule{}, map[string]int{}
	for v := range variants {
		s := variants[v].Set
		for _, r := range s.Rules {
			id := identity(s, r)
			x := known[id]
			if x == nil {
				x = &Rule{Rule: j.own(s, r, tables)}
				known[id] = x
				j.rules = append(j.rules, x)
			}
			x.Variants = append(x.Variants, v)
		}
	}
	slices.SortStableFunc(j.rules, func(a, b *Rule) int { return strings.Compare(a.Name, b.Name) })
	for i, x := range j.rules {
		x.Index = i
		j.set.Rules = append(j.set.Rules, x.Rule)
		j.of[x.Rule] = x
	}
}

// identity is equal for rules that mean the same in their sets.
func identity(s *rules.Set, r *rules.Rule) string {
	var b strings.Builder
	b.WriteString(r.Text)
	for _, ref := range r.TableRefs {
		b.WriteString("\x00" + s.Tables[ref.Table].Text)
	}
	return b.String()
}

// own returns the rule with the numbers that its tables have in the joined set.
func (j *joined) own(s *rules.Set, r *rules.Rule, tables map[string]int) *rules.Rule {
	x := *r
	x.TableRefs = slices.Clone(r.TableRefs)
	for i := range x.TableRefs {
		t := s.Tables[x.TableRefs[i].Table]
		k, ok := tables[t.Text]
		if !ok {
			k = len(j.set.Tables)
			tables[t.Text] = k
			j.set.Tables = append(j.set.Tables, t)
		}
		x.TableRefs[i].Table = k
	}
	return &x
}
