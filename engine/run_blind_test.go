package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/engine"
)

// TestServiceBlind has a rule see nothing for longer than ever: it may be blind, also after a restart, until it sees again.
func TestServiceBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		f := func(rule string, want bool) {
			t.Helper()
			synctest.Wait()
			if q := l.service.Figures().Quiet[rule]; q.Blind(time.Now()) != want {
				t.Errorf("%s: blind is %v, after %+v", rule, !want, q)
			}
		}
		for range 25 {
			more <- order("c1", "eu")
			time.Sleep(7 * time.Minute)
		}
		f("burst", false)
		f("visit", false) // never saw anything: nobody knows what is usual
		time.Sleep(6 * time.Minute)
		f("burst", false) // 13 minutes, and it was quiet for 7 before
		time.Sleep(2 * time.Minute)
		f("burst", true)
		l.halt()
		in, more = feed("shop")
		w.inputs = []engine.Input{in}
		l = start(t, w)
		time.Sleep(time.Minute + time.Second)
		f("burst", true)
		more <- order("c1", "eu")
		time.Sleep(time.Second)
		f("burst", false)
		time.Sleep(20 * time.Minute)
		f("burst", false) // that was the longest silence, and is usual now
		l.halt()
	})
}
