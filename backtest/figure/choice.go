package figure

import (
	"fmt"
	"strconv"

	"github.com/expr-lang/expr/parser"

	"kelpie/backtest"
)

// Quantity is a figure, or what is computed of several.
type Quantity struct {
	c  Condition
	of term
}

// ParseQuantity reads a quantity: a condition without its comparison.
func ParseQuantity(text string) (*Quantity, error) {
	tree, err := parser.Parse(dashes.ReplaceAllStringFunc(text, bracketed))
	if err != nil {
		return nil, wrong(text, err)
	}
	q := &Quantity{c: Condition{text: text}}
	if q.of, err = q.c.compile(tree.Node, quantity); err != nil {
		return nil, wrong(text, err)
	}
	return q, nil
}

// Check says before a run what it will not be able to answer.
func (q *Quantity) Check(s Scope) error { return q.c.Check(s) }

// usual is what the best has most of where nobody says so.
func usual(res *backtest.Result, budget *Condition) string {
	switch {
	case res.Labels == nil:
		return "alerts"
	case budget == nil:
		return "f1"
	}
	return "recall"
}

// Best chooses among the points of a sweep. by is what the best has most of, of those that keep to the budget; nil: with
// labels of recall under a budget and of f1 without one, else of alerts. Of points that are equal in that, the one with fewer alerts is better. budget
// may be nil. The result is nil if nothing was swept. A point of which the budget says neither yes nor no does not keep
// to it.
func Best(res *backtest.Result, budget *Condition, by *Quantity) (*backtest.Choice, error) {
	if by == nil {
		var err error
		if by, err = ParseQuantity(usual(res, budget)); err != nil {
			return nil, err
		}
	}
	choice := &backtest.Choice{By: by.c.text}
	if budget != nil {
		choice.Budget = budget.text
	}
	var most, alerts float64
	points := 0
	for i := range res.Variants {
		p := &res.Variants[i]
		if p.Role != backtest.Point {
			continue
		}
		points++
		one, said := swept(p), ""
		if budget != nil {
			holds, figures, err := budget.Holds(res, one)
			if err != nil || !holds {
				continue
			}
			said = "; " + figures
		}
		choice.Within++
		x := by.of(&view{res: res, today: one, against: against(res)})
		n := float64(one.Total.Alerts)
		if x.known && (choice.Best == nil || x.number > most || x.number == most && n < alerts) {
			most, alerts = x.number, n
			choice.Best = chosen(p, by.c.text+" is "+text(x.number)+said)
		}
	}
	if points == 0 {
		return nil, nil
	}
	choice.Curve, choice.Knee = knee(res)
	return choice, nil
}

func chosen(p *backtest.VariantResult, said string) *backtest.Chosen {
	return &backtest.Chosen{Variant: p.Name, Params: p.Params, Said: said}
}

func text(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// swept is a point of a sweep as figures are asked of it: a figure that names no rule is one of those that change.
func swept(p *backtest.VariantResult) *backtest.VariantResult {
	one := *p
	_, f := p.Swept()
	one.Total = *f
	return &one
}

func wrong(text string, err error) error {
	return fmt.Errorf("%q: %s", text, message(err))
}
