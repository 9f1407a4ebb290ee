package engine

// counters count what a shard has seen; by rule or table where that says more.
type counters struct {
	evaluated, missing, notReady, errors, tooLate, late []int64
	opened, resolved                                    []int64
	lastError                                           []string
	tableMissing                                        []int64
	mismatches                                          int64
}

func (c *counters) init(p *Plan) {
	n := len(p.rules)
	for _, s := range []*[]int64{&c.evaluated, &c.missing, &c.notReady, &c.errors, &c.tooLate, &c.late, &c.opened, &c.resolved} {
		*s = make([]int64, n)
	}
	c.lastError = make([]string, n)
	c.tableMissing = make([]int64, len(p.Set.Tables))
}
