package ruletest

// matching pairs as many of n left sides with distinct right sides as can be: augmenting paths, each left side in turn
// taking the first right side it can, so that what is in order is paired in order.
type matching struct {
	n, m   int
	edge   func(i, j int) bool
	left   []int // of each right side: its partner, -1 if none
	rights []int // of each left side likewise
}

func newMatching(n, m int, edge func(i, j int) bool) *matching {
	k := &matching{n: n, m: m, edge: edge, left: make([]int, m), rights: make([]int, n)}
	for j := range k.left {
		k.left[j] = -1
	}
	for i := range n {
		k.augment(i, make([]bool, m))
	}
	for i := range k.rights {
		k.rights[i] = -1
	}
	for j, i := range k.left {
		if i >= 0 {
			k.rights[i] = j
		}
	}
	return k
}

// augment finds a partner for i, moving those who have one to others.
func (k *matching) augment(i int, visited []bool) bool {
	for j := range k.m {
		if visited[j] || !k.edge(i, j) {
			continue
		}
		visited[j] = true
		if k.left[j] < 0 || k.augment(k.left[j], visited) {
			k.left[j] = i
			return true
		}
	}
	return false
}

// right returns the partner of i, -1 if it has none.
func (k *matching) right(i int) int { return k.rights[i] }
