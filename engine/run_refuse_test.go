package engine_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/state"
)

// TestRefuseIsDurable holds up the writes of the state: Refuse returns when they are done and not before, and a crash then
// leaves what was refused in its list.
func TestRefuseIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hold atomic.Bool
		gate, mem := make(chan struct{}), vfs.NewCrashableMem()
		w := newWorld(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if hold.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "data/state") {
				<-gate
			}
			return nil
		})))
		in, _ := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		synctest.Wait()
		hold.Store(true)
		var returned atomic.Bool
		go func() {
			at := event.Position{Stream: "http", Kind: event.LogPosition, Offset: 1}
			if err := l.service.Refuse(t.Context(), "http", []engine.Rejection{{Position: at, Reason: event.MissingType, Raw: []byte("{}")}}); err != nil {
				t.Error(err)
			}
			returned.Store(true)
		}()
		synctest.Wait()
		if returned.Load() {
			t.Error("Refuse returns before anything is written")
		}
		hold.Store(false)
		close(gate)
		synctest.Wait()
		left := mem.CrashClone(vfs.CrashCloneCfg{})
		if !returned.Load() {
			t.Error("Refuse does not return though everything is written")
		}
		l.halt()
		s, err := state.Open("data/state", state.Options{FS: left})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if n := s.RejectedCounts(); n.Total != 1 || n.ByReason[string(event.MissingType)] != 1 {
			t.Errorf("after a crash %+v are refused", n)
		}
	})
}
