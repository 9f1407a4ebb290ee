package rules

import (
	"testing"

	"kelpie/event"
)

// TestLimit: where an expression has a limit, it is false of whatever the limit does not hold for.
func TestLimit(t *testing.T) {
	sc := &Scope{Facts: map[string]FactName{"n": {Index: 0, Type: NumberType}, "m": {Index: 1, Type: NumberType}}}
	for src, want := range map[string]bool{
		"n > 5": true, "n >= 5": true, "n < 5": true, "n <= 5": true, "5 < n": true, "5 >= n": true,
		"n > 5 and m > 1": true, "n > 5 and (m > 1 or n < 3)": true,
		"n > 2.5": false, "n > m": false, "n == 5": false, "n > 5 or m > 1": false, "not (n > 5)": false, "n + 1 > 5": false,
	} {
		x, err := Compile(src, sc)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		l, ok := x.Limit()
		if ok != want {
			t.Errorf("%s: a limit: %t, want %t", src, ok, want)
		}
		for n := int64(3); ok && n < 8; n++ {
			held := false
			for m := range int64(3) {
				truth, known := x.Test(&Env{Facts: []event.Value{event.IntValue(n), event.IntValue(m)}})
				if held = held || truth; !l.Holds(n) && (truth || !known) {
					t.Errorf("%s is %t (%t) of %d, which its limit denies", src, truth, known, n)
				}
			}
			if l.Holds(n) && !held {
				t.Errorf("%s is never true of %d, which its limit allows", src, n)
			}
		}
	}
}
