package event

import (
	"fmt"
	"math"
	"testing"
)

func TestKeySet(t *testing.T) {
	var k keySet
	k.epoch = math.MaxUint32 - 2 // it wraps around on the way
	for range 5 {
		k.reset()
		for object := range uint64(3) {
			for i := range 1000 {
				key := fmt.Appendf(nil, "k%d", i)
				if !k.add(object, key) || k.add(object, key) {
					t.Fatalf("object %d, key %s", object, key)
				}
			}
		}
	}
	if n := len(k.slots); n != 8192 {
		t.Errorf("%d slots for 3,000 keys", n)
	}
}
