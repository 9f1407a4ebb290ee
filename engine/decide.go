package engine

import (
	"slices"

	"kelpie/rules"
	"kelpie/state"
)

// Verdict says that a rule with `decide` holds for an event (semantics.md, Alerts).
type Verdict struct {
	order
	Offset int64 // of the event, in its partition
	Rule   *rules.Rule
	Alert  string // the id of its alert; "" while it is pending, or where the cooldown keeps it from opening
}

// verdict notes that a rule with `decide` holds for the current event, whose judgement has been taken.
func (sh *shard) verdict(j *judgement, row *state.Row) {
	v := Verdict{order: sh.place(j.rule, ""), Offset: int64(j.seq & (1<<offsetBits - 1)), Rule: j.rule.Rule, Alert: sh.out.opened}
	if v.Alert == "" {
		if in, err := sh.load(j.rule, row); err == nil && in.state == firing {
			v.Alert = sh.change(j, &in, Updated, j.asOf, "").ID
		}
	}
	sh.out.verdicts = append(sh.out.verdicts, v)
}

// gatherVerdicts merges what the shards say of the events of the stride, in fold order.
func (e *Engine) gatherVerdicts(fx *Effects) {
	from := len(fx.Verdicts)
	for _, sh := range e.shards {
		fx.Verdicts = append(fx.Verdicts, sh.out.verdicts...)
	}
	slices.SortStableFunc(fx.Verdicts[from:], func(a, b Verdict) int { return a.order.compare(&b.order) })
}
