package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kelpie/state"
)

// TestTimersInOrder holds that the calendar gives what is due by a watermark, all of it and in order, while timers of any
// time come in, those for the past included.
func TestTimersInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTimers()
		var model []int64
		w := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "start")
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			for range rapid.IntRange(0, 8).Draw(t, "timers") {
				due := w + rapid.Int64Range(-20_000, 4_000_000).Draw(t, "due")
				c.push(timer{due: due})
				model = append(model, due)
			}
			slices.Sort(model)
			if first := append(model, state.Never)[0]; c.next() != first {
				t.Fatalf("next is %d, not %d", c.next(), first)
			}
			w += rapid.Int64Range(0, 1_000_000).Draw(t, "step")
			for c.reach(w) {
				at := c.bound
				if x := c.pop(); len(model) == 0 || x.due != model[0] || at != x.due {
					t.Fatalf("at %d: %d came where %v waited; bound %d", w, x.due, model, at)
				}
				model = model[1:]
			}
			if len(model) > 0 && model[0] <= w {
				t.Fatalf("at %d: %d did not come", w, model[0])
			}
		}
	})
}
