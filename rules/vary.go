package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kelpie/rules/yaml"
)

// ParamValue is a value that a rule's param is to have, written as in YAML: 12, 5%, 10m, [a, b].
type ParamValue struct{ Param, Text string }

// Vary returns a rule of the set with other values of its params. It is checked as the rule was, reads the set's tables,
// and numbers fields as the set does. Values of a param that is a quoted text are texts. The error names the rule; for
// what the language says of the rule with these values it is Errors.
func (s *Set) Vary(rule string, values ...ParamValue) (*Rule, error) {
	r := s.Rule(rule)
	if r == nil {
		return nil, fmt.Errorf("there is no rule %s%s", rule, meant(rule, s.ruleNames()))
	}
	text, name := r.Text, "rule "+rule
	for i, v := range values {
		var err error
		if text, err = setParam(r, text, v); err != nil {
			return nil, err
		}
		name += [...]string{" with ", " and "}[min(i, 1)] + v.Param + ": " + v.Text
	}
	l := newLoader(s.Options)
	l.slotsOf(s.Paths)
	l.set.Tables, l.scope = s.Tables, s.scope
	l.file(name, text)
	for _, d := range l.rules {
		r = l.readRule(d)
	}
	if len(l.errs) > 0 {
		return nil, l.errs.sorted()
	}
	r.At = s.Rule(rule).At
	l.set.traceRule(r)
	return r, nil
}

func (s *Set) ruleNames() (names []string) {
	for _, r := range s.Rules {
		names = append(names, r.Name)
	}
	return names
}

// meant is a hint in parentheses, or nothing.
func meant(name string, known []string) string {
	if hint := didYouMean(name, known); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// setParam puts a value in place of that of a param in the canonical text of a rule.
func setParam(r *Rule, text string, v ParamValue) (string, error) {
	tree, _ := yaml.Parse(text)
	n := tree.Get("rules").Get(r.Name).Get("params").Get(v.Param)
	if n == nil {
		var names []string
		for _, p := range r.Params {
			names = append(names, p.Name)
		}
		if len(names) == 0 {
			return "", fmt.Errorf("rule %s has no params: write params: {%s: …} and use the name in its condition", r.Name, v.Param)
		}
		return "", fmt.Errorf("rule %s has no param %s: it has %s%s", r.Name, v.Param, strings.Join(names, ", "), meant(v.Param, names))
	}
	if strings.ContainsAny(v.Text, "\n\r") || strings.TrimSpace(v.Text) == "" {
		return "", fmt.Errorf("rule %s: %q is no value of the param %s", r.Name, v.Text, v.Param)
	}
	value := v.Text
	if n.Style == yaml.Single || n.Style == yaml.Double {
		quoted, _ := json.Marshal(value) // cannot fail
		value = string(quoted)
	}
	out := text[:n.Offset] + value + text[n.End:]
	if again, errs := yaml.Parse(out); len(errs) > 0 || !sameKeys(tree, again) {
		return "", fmt.Errorf("rule %s: %q is no value of the param %s", r.Name, v.Text, v.Param)
	}
	return out, nil
}

// sameKeys reports whether two trees have the same keys in all mappings: a value has changed nothing else.
func sameKeys(a, b *yaml.Node) bool {
	if a.Kind != yaml.Map || b.Kind != yaml.Map {
		return a.Kind != yaml.Map && b.Kind != yaml.Map
	}
	return slices.EqualFunc(a.Entries, b.Entries, func(x, y yaml.Entry) bool {
		return x.Key.Text == y.Key.Text && sameKeys(x.Value, y.Value)
	})
}
