package alert_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/alert"
	"kelpie/alert/alerttest"
)

// TestCrashAtEveryWrite cuts the power before the k-th write of the store, for every k, and starts again: what had
// been committed arrives, before the crash or after it.
func TestCrashAtEveryWrite(t *testing.T) {
	const commits = 6
	for k, more := 0, true; more && !t.Failed(); k++ {
		synctest.Test(t, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			var mu sync.Mutex
			var crashed *vfs.MemFS
			writes, acked, ackedAtCrash := 0, 0, 0
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				mu.Lock()
				defer mu.Unlock()
				if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
					return nil
				}
				if writes++; writes == k+1 {
					crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, uint64(k)))})
					ackedAtCrash = acked
				}
				return nil
			}))
			r := recorder(nil)
			w := newWorld(t, fs, alert.Receiver{Name: "r", Notifier: r})
			for i := range commits {
				w.tell(fmt.Sprintf("%d opened", i), fmt.Sprintf("%d resolved", i))
				mu.Lock()
				acked = i + 1
				mu.Unlock()
				synctest.Wait()
			}
			w.stop()
			if more = crashed != nil; !more {
				return
			}
			before := r.Keys()
			w = newWorld(t, crashed, alert.Receiver{Name: "r", Notifier: r})
			synctest.Wait()
			w.stop()
			arrived := append(before, r.Keys()...)
			for i := range ackedAtCrash {
				for _, kind := range []alert.Kind{alert.KindOpened, alert.KindResolved} {
					if key := alerttest.Message(i, kind).Key; !slices.Contains(arrived, key) {
						t.Errorf("crash at write %d: %s never arrived", k, key)
					}
				}
			}
		})
	}
}
