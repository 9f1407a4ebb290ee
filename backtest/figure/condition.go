package figure

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"kelpie/backtest"
)

// Condition is a condition over figures that has been read.
type Condition struct {
	text  string
	holds term
	reads []reference // in order of the text
}

// reference is a figure that a condition reads.
type reference struct {
	text    string
	against bool
	rule    string // "": all
	name    string
	per     float64 // ms by which it is divided as a rate; 0: it is none
}

// Parse reads a condition.
func Parse(text string) (*Condition, error) {
	tree, err := parser.Parse(dashes.ReplaceAllStringFunc(text, bracketed))
	if err != nil {
		return nil, wrong(text, err)
	}
	c := &Condition{text: text}
	if c.holds, err = c.compile(tree.Node, truth); err != nil {
		return nil, wrong(text, err)
	}
	if len(c.reads) == 0 {
		return nil, fmt.Errorf("%q: it asks for no figure; there are %s", text, strings.Join(Names(), ", "))
	}
	return c, nil
}

// String is the condition as it was written.
func (c *Condition) String() string { return c.text }

// dashes finds the names with dashes before a dot, and texts, which are left alone.
var dashes = regexp.MustCompile(`"[^"]*"|'[^']*'|(?:\bagainst\.)?\b[A-Za-z_]\w*(?:-\w+)+\.`)

// bracketed writes the name of a rule so that its dashes are no signs.
func bracketed(found string) string {
	if found[0] == '"' || found[0] == '\'' {
		return found
	}
	name, isAgainst := strings.CutPrefix(strings.TrimSuffix(found, "."), "against.")
	name = "rules[" + strconv.Quote(name) + "]."
	if isAgainst {
		name = "against." + name
	}
	return name
}

// Scope is what a run has: what a condition may ask for.
type Scope struct {
	Rules   []string // of today
	Against []string // rules of the set that today's are compared with; nil: there is none
	Labels  bool     // there are labels
	Score   string   // the rule by whose score events are ranked; ""
}

// Check says before a run what it will not be able to answer.
func (c *Condition) Check(s Scope) error {
	for _, r := range c.reads {
		if why := r.lacks(s); why != "" {
			return fmt.Errorf("%q: %s: %s", c.text, r.text, why)
		}
	}
	return nil
}

// lacks says why a run does not have the figure; "" if it has it.
func (r *reference) lacks(s Scope) string {
	list, where := s.Rules, ""
	if r.against {
		if list, where = s.Against, " among those that are compared"; list == nil {
			return "nothing is compared, see --against"
		}
	}
	if r.rule != "" && !slices.Contains(list, r.rule) {
		return fmt.Sprintf("there is no rule %s%s; there are %s", r.rule, where, strings.Join(list, ", "))
	}
	switch n := known[r.name].needs; {
	case n != anyRun && !s.Labels:
		return "it needs labels, see --labels"
	case n == scored && (s.Score == "" || s.Score != r.rule):
		return "it is a figure of the rule by whose score events are ranked, see --score"
	}
	return ""
}

// Holds asks whether the condition is true of a result: of today's rules, or with point of that variant. said are the
// figures that it reads with their values. An error says that the condition has no truth.
func (c *Condition) Holds(res *backtest.Result, point *backtest.VariantResult) (holds bool, said string, err error) {
	v := view{res: res, today: &res.Variants[0], against: against(res)}
	if point != nil {
		v.today = point
	}
	var parts []string
	for _, r := range c.reads {
		text := "has no value"
		if x := v.read(&r); x.known {
			text = "is " + strconv.FormatFloat(x.number, 'g', 4, 64)
		}
		if part := r.text + " " + text; !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	said = strings.Join(parts, ", ")
	x := c.holds(&v)
	if !x.known {
		return false, said, fmt.Errorf("%q can be answered with neither yes nor no: %s", c.text, said)
	}
	return x.truth, said, nil
}

// against is the variant that today's rules are compared with, nil if there is none.
func against(res *backtest.Result) *backtest.VariantResult {
	for i := range res.Variants {
		if res.Variants[i].Role == backtest.Against {
			return &res.Variants[i]
		}
	}
	return nil
}

// message is what the parser says, without the text and where in it, which has been written anew.
func message(err error) string {
	var e *file.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
