package rules

import (
	"slices"
	"testing"
)

// TestFirst: the first part of a join says of itself what it reads, and holds wherever the join does.
func TestFirst(t *testing.T) {
	for _, c := range []struct {
		src, first string // "" where there is none
		facts      []int
	}{
		{"n > 5 and spend > 3", "n > 5", []int{0}},
		{"n > 4 and spend > 3 and hot", "n > 4", []int{0}},
		{"(n + spend > 1 and hot) and spend > 3", "n + spend > 1", []int{0, 1}},
		{"samples(usual) >= 10 and usual < n", "samples(usual) >= 10", []int{3}},
		{"avg0 > 1 and n > 4", "avg0 > 1", []int{2}},
		{"credit.limit > n and hot", "credit.limit > n", []int{0}},
		{"n > 5 or spend > 3", "", nil},
		{"n > 5", "", nil},
		{"prev.amount > 3 and n > 5", "", nil},
	} {
		w := newWorld(sample)
		x, err := Compile(c.src, &w.scope)
		if err != nil {
			t.Fatal(showError(c.src, err))
		}
		first, ok := x.First()
		if ok != (c.first != "") {
			t.Errorf("%s: a first part: %v", c.src, ok)
		}
		if !ok {
			continue
		}
		want, err := Compile(c.first, &w.scope)
		if err != nil {
			t.Fatal(showError(c.first, err))
		}
		if first.Canon != want.Canon || !slices.Equal(first.Facts, c.facts) {
			t.Errorf("%s: the first part is %s and reads the facts %v; want %s, %v", c.src, first.Canon, first.Facts, want.Canon, c.facts)
		}
		holds, known := first.Test(&w.env)
		if truth, _ := x.Test(&w.env); truth && !(holds && known) {
			t.Errorf("%s holds, and its first part does not", c.src)
		}
	}
}
