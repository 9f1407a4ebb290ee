package cards

// grid finds terminals near a place without looking at all of them.
type grid struct {
	terminals []terminal
	cells     [20][20][]int32 // squares of the map whose side is the reach
}

func newGrid(t []terminal) *grid {
	g := &grid{terminals: t}
	for i := range t {
		c := &g.cells[cell(t[i].x)][cell(t[i].y)]
		*c = append(*c, int32(i))
	}
	return g
}

func cell(v float64) int { return min(19, max(0, int(v/reach))) }

// near returns the terminals within reach of a place, in order of their numbers by square.
func (g *grid) near(x, y float64) []int32 {
	var out []int32
	for i := max(0, cell(x)-1); i <= min(19, cell(x)+1); i++ {
		for j := max(0, cell(y)-1); j <= min(19, cell(y)+1); j++ {
			for _, n := range g.cells[i][j] {
				if t := &g.terminals[n]; (t.x-x)*(t.x-x)+(t.y-y)*(t.y-y) < reach*reach {
					out = append(out, n)
				}
			}
		}
	}
	return out
}
