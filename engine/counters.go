package engine

// counters count what a shard has seen; by rule or table where that says more.
type counters struct {
	evaluated, missing, notReady, errors, tooLate, late []int64
	opened, resolved                                    []int64
	lastError                                           []string
	names                                               [][]MissingName // what was missing
	tableMissing                                        []int64
	mismatches                                          int64
}

func (c *counters) init(p *Plan) {
	n := len(p.rules)
	for _, s := range c.byRule() {
		*s = make([]int64, n)
	}
	c.lastError, c.names = make([]string, n), make([][]MissingName, n)
	c.tableMissing = make([]int64, len(p.Set.Tables))
}

// byRule are the counters of rules.
func (c *counters) byRule() []*[]int64 {
	return []*[]int64{&c.evaluated, &c.missing, &c.notReady, &c.errors, &c.tooLate, &c.late, &c.opened, &c.resolved}
}

// forget sets the counters of a rule back.
func (c *counters) forget(rule int) {
	for _, s := range c.byRule() {
		(*s)[rule] = 0
	}
	c.lastError[rule], c.names[rule] = "", nil
}

// MissingName is a name that was missing, and how often a rule abstained for it.
type MissingName struct {
	Name  string
	Count int64
}

// mostNames is how many names of one rule are told apart.
const mostNames = 32

// lacked counts that a rule abstained because a name was missing.
func (c *counters) lacked(rule int, name string) {
	c.missing[rule]++
	list := c.names[rule]
	for i := range list {
		if list[i].Name == name {
			list[i].Count++
			return
		}
	}
	if len(list) < mostNames {
		c.names[rule] = append(list, MissingName{name, 1})
	}
}
