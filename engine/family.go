package engine

import (
	"slices"

	"kelpie/rules"
)

// A family are rules of one name in one scope that have the same windows and differ in what they make of them: the points of
// a sweep, or a rule before and after its threshold was changed. On an event the window facts of a family are computed once,
// for the first of its rules, and each of the others asks its condition only.

// family is what the rules of one family share.
type family struct {
	varied uint64 // bits of the facts that are not the same in all of them
}

// setFamilies finds the families of the scope.
func (s *scope) setFamilies() {
	for i, rp := range s.rules {
		for _, o := range s.rules[:i] {
			if o.Name != rp.Name || !sameWindows(o.Rule, rp.Rule) {
				continue
			}
			if o.family == nil {
				o.family = &family{}
			}
			rp.family = o.family
			rp.family.varied |= differing(o.Rule, rp.Rule)
			break
		}
	}
}

// sameWindows reports whether the rules have the same window facts, tables and fields of previous events, in the same
// order.
func sameWindows(a, b *rules.Rule) bool {
	return len(a.Facts) <= 64 &&
		slices.EqualFunc(a.Facts, b.Facts, func(x, y *rules.Fact) bool {
			return (x.Expr == nil) == (y.Expr == nil) && (x.Expr != nil || x.Text == y.Text && pathsText(x.By) == pathsText(y.By))
		}) &&
		slices.EqualFunc(a.TableRefs, b.TableRefs, func(x, y rules.TableRef) bool { return x.Table == y.Table && x.Field == y.Field }) &&
		slices.EqualFunc(a.PrevRefs, b.PrevRefs, func(x, y rules.PrevRef) bool { return x.Fact == y.Fact && x.Slot == y.Slot })
}

// differing returns the bits of the expressions of `let` that differ between the rules, or use one that does.
func differing(a, b *rules.Rule) (bits uint64) {
	for i, f := range b.Facts {
		if f.Expr == nil {
			continue
		}
		if f.Text != a.Facts[i].Text {
			bits |= 1 << i
		}
		for _, k := range f.Expr.Facts {
			bits |= bits >> k & 1 << i
		}
	}
	return bits
}

// join makes the judgement at hand, which has come to nothing, that of another rule of the family. What differs is computed
// anew.
func (sh *shard) join(rp *rulePlan) {
	sh.judged.rule = rp
	sh.computed &^= rp.family.varied
	sh.env.Missing, sh.env.Err = "", nil
}

// supply computes those of some facts that are not there yet.
func (sh *shard) supply(j *judgement, need []int) {
	for _, i := range need {
		if sh.computed>>i&1 == 0 {
			sh.evalFact(j, i)
			sh.computed |= 1 << i
		}
	}
}
