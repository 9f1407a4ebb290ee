package alert_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
)

// TestSlowForAnHour has a receiver take 25 s for every answer, for an hour in which more comes than it takes. Another one is
// told of everything at once meanwhile; the slow one is told of all of it, in order, within a time that the length of its
// queue explains.
func TestSlowForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, vfs.NewMem())
		defer w.stop()
		atOnce, unlimited := time.Duration(0), 0
		w.spec.GroupInterval = time.Second
		for _, name := range []string{"slow", "other"} {
			w.spec.Receivers = append(w.spec.Receivers, townReceiver{ReceiverSpec: alert.ReceiverSpec{Name: name, Limit: &unlimited}})
			w.spec.Routes = append(w.spec.Routes, alert.RouteSpec{Receiver: name, GroupBy: []string{"customer"}, GroupWait: &atOnce, Continue: true})
		}
		if err := w.begin(); err != nil {
			t.Fatal(err)
		}
		slow, other := w.receivers["slow/hook"], w.receivers["other/hook"]
		slow.set("slow", 25*time.Second)
		for i := range 4 * 60 {
			w.open(fmt.Sprint("a", i), map[string]string{"key.customer": fmt.Sprint("c", i)})
			if i >= 8 {
				if err := w.book.Resolve(fmt.Sprint("a", i-8), time.Now().UnixMilli(), alert.Condition); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.commit(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(15 * time.Second)
			synctest.Wait()
			if n := other.count(); n != min(i+1, 8)+2*max(0, i+1-8) {
				t.Fatalf("%v: %d notifications have reached the other receiver", time.Since(w.start), n)
			}
		}
		// Of an alert that has resolved before its turn nothing is to be said but that.
		if n := slow.count(); n < 60*60/25-1 || n > 60*60/25 {
			t.Errorf("%d notifications within an hour, each of which takes 25 s", n)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		for _, p := range []*post{slow, other} {
			for _, text := range lawful(p, false) {
				t.Errorf("%s: %s", p.name, text)
			}
			for i, knows := 0, p.knows(); i < 4*60; i++ {
				want := alert.Resolved
				if i >= 4*60-8 {
					want = alert.Firing
				}
				if got := knows[fmt.Sprint("a", i)]; got != want {
					t.Errorf("%s thinks that a%d is %q, and it is %s", p.name, i, got, want)
				}
			}
		}
		if s := w.d.RouterStats().Receivers; s[0].Waiting+s[1].Waiting > 0 || s[0].Failures+s[0].GivenUp > 0 {
			t.Errorf("at the end: %+v", s)
		}
	})
}
