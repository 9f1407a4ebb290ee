package backtest

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"kelpie/rules"
)

// Sweep is the values that a param of a rule takes in turn.
type Sweep struct {
	Rule, Param string
	Values      []string // as they would be written in YAML
}

// mostPoints bounds how many variants one run has.
const mostPoints = 1000

// ParseSweep reads RULE.PARAM=VALUES: a list (3,5,8) or a range with both ends (3..20, 5%..50%/5%, 1m..10m/30s). The step
// of a range is 1 of its unit where it is not given.
func ParseSweep(text string) (Sweep, error) {
	left, values, ok := strings.Cut(text, "=")
	i := strings.LastIndexByte(left, '.')
	if !ok || i <= 0 || i == len(left)-1 || values == "" {
		return Sweep{}, fmt.Errorf("sweep %q: write RULE.PARAM=3..20, or a list of values: RULE.PARAM=3,5,8", text)
	}
	s := Sweep{Rule: left[:i], Param: left[i+1:]}
	var err error
	if from, to, isRange := strings.Cut(values, ".."); isRange {
		s.Values, err = span(from, to)
	} else {
		s.Values, err = list(values)
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("sweep %q: %w", text, err)
	}
	return s, nil
}

// list splits values at commas, but for those in quotes or brackets.
func list(text string) (values []string, err error) {
	depth, quote, start := 0, rune(0), 0
	add := func(end int) {
		v := strings.TrimSpace(text[start:end])
		if v == "" {
			err = errors.New("a value is empty")
		} else if !slices.Contains(values, v) {
			values = append(values, v)
		}
		start = end + 1
	}
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ',' && depth == 0:
			add(i)
		}
	}
	add(len(text))
	return values, err
}

// span lists the values of a range, both ends included if the steps meet them.
func span(from, to string) ([]string, error) {
	to, step, given := strings.Cut(to, "/")
	a, err := parseQuantity(from)
	if err != nil {
		return nil, err
	}
	b, err := parseQuantity(to)
	if err != nil {
		return nil, err
	}
	s := quantity{number: big.NewRat(1, 1), unit: b.unit}
	if given {
		if s, err = parseQuantity(step); err != nil {
			return nil, err
		}
	} else if !a.number.IsInt() || !b.number.IsInt() {
		return nil, fmt.Errorf("give the step of a range that is not of whole numbers: %s..%s/0.1", from, to)
	}
	unit, err := common(&a, &b, &s)
	if err != nil {
		return nil, err
	}
	if s.number.Sign() <= 0 || a.number.Cmp(b.number) > 0 {
		return nil, fmt.Errorf("a range goes up: from %s to %s by a step above 0", from, to)
	}
	var values []string
	for x := new(big.Rat).Set(a.number); x.Cmp(b.number) <= 0; x.Add(x, s.number) {
		if len(values) == mostPoints {
			return nil, fmt.Errorf("the range has more than %d values", mostPoints)
		}
		values = append(values, write(x, unit))
	}
	return values, nil
}

// quantity is a number with a unit: "" for none, "%", or one of durations.
type quantity struct {
	number *big.Rat
	unit   string
}

func parseQuantity(text string) (quantity, error) {
	text = strings.TrimSpace(text)
	n := strings.TrimRight(text, "%abcdefghijklmnopqrstuvwxyz")
	q := quantity{unit: text[len(n):]}
	var ok bool
	if q.number, ok = new(big.Rat).SetString(n); !ok || strings.ContainsAny(n, "/_xX") {
		return q, fmt.Errorf("%q is neither a number, a percentage nor a duration", text)
	}
	if q.unit == "" || q.unit == "%" {
		return q, nil
	}
	if _, err := rules.ParseDuration(text); err != nil {
		return q, err
	}
	return q, nil
}

// common brings quantities to one unit: durations of several to milliseconds.
func common(qs ...*quantity) (unit string, err error) {
	same := true
	for _, q := range qs {
		same = same && q.unit == qs[0].unit
	}
	if same {
		return qs[0].unit, nil
	}
	for _, q := range qs {
		if q.unit == "" || q.unit == "%" {
			return "", errors.New("both ends of a range and its step have the same unit")
		}
		ms, err := rules.ParseDuration("1" + q.unit)
		if err != nil {
			return "", err
		}
		q.number.Mul(q.number, big.NewRat(ms, 1))
	}
	return "ms", nil
}

// write writes a value as a rule would have it.
func write(x *big.Rat, unit string) string {
	text := x.RatString()
	if !x.IsInt() {
		n, exact := x.FloatPrec()
		if !exact {
			n = 12
		}
		text = x.FloatString(n)
	}
	if unit == "ms" {
		return rules.FormatDuration(x.Num().Int64())
	}
	return text + unit
}

// Points returns a variant of the rules for each value of the sweep, or each pair of values of two sweeps.
func Points(set *rules.Set, sweeps ...Sweep) ([]Variant, error) {
	points := [][]Setting{nil}
	for _, s := range sweeps {
		var next [][]Setting
		for _, p := range points {
			for _, v := range s.Values {
				next = append(next, append(slices.Clone(p), Setting{Rule: s.Rule, Param: s.Param, Text: v}))
			}
		}
		points = next
	}
	if len(sweeps) == 0 {
		return nil, nil
	}
	if len(points) > mostPoints {
		return nil, fmt.Errorf("sweep: %d points are more than %d", len(points), mostPoints)
	}
	var variants []Variant
	for _, p := range points {
		v, err := point(set, p)
		if err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		variants = append(variants, v)
	}
	return variants, nil
}

// point is the rules with some params set.
func point(set *rules.Set, settings []Setting) (Variant, error) {
	v := Variant{Role: Point, Params: settings}
	x := *set
	x.Rules = slices.Clone(set.Rules)
	values := map[string][]rules.ParamValue{}
	for i, s := range settings {
		values[s.Rule] = append(values[s.Rule], rules.ParamValue{Param: s.Param, Text: s.Text})
		if i > 0 {
			v.Name += " "
		}
		v.Name += s.Rule + "." + s.Param + "=" + s.Text
	}
	for i := range settings {
		s := &settings[i]
		r, err := set.Vary(s.Rule, values[s.Rule]...)
		if err != nil {
			return v, err
		}
		x.Rules[slices.Index(set.Rules, set.Rule(s.Rule))] = r
		for _, p := range r.Params {
			if p.Name == s.Param {
				s.Value = p.Value
			}
		}
	}
	v.Set = &x
	return v, nil
}
