package state

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortRows compares with the library's sort: hashes that are spread evenly, that lie close together or far apart, that
// are equal, and the same row twice.
func TestSortRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []uint64{1, 2, 1000, 1 << 40, 1<<64 - 1} {
		for _, n := range []int{0, 1, 2, 3, 100, 5000} {
			rows := make([]dirtyRow, n)
			for i := range rows {
				rows[i] = dirtyRow{r.Uint64N(spread), uint32(r.IntN(n))}
			}
			want := slices.Clone(rows)
			slices.SortFunc(want, func(a, b dirtyRow) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.id, b.id)) })
			got := make([]dirtyRow, n)
			if sortRows(got, rows, nil); !slices.Equal(got, want) {
				t.Errorf("%d rows with hashes below %d are not in order", n, spread)
			}
		}
	}
}
