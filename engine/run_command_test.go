package engine_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/state"
)

// alertsIn returns the alerts of a state, oldest first.
func alertsIn(t *testing.T, fs vfs.FS) []*alert.Alert {
	t.Helper()
	s, err := state.Open("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := alert.List(s, alert.Query{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCommands has people acknowledge, label and resolve an alert: it is in the log, the receivers are told, a rule that
// still holds opens an alert of its own, and a state that is made anew from the log is the same.
func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		for range 3 {
			more <- order("c1", "eu")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		burst := ""
		for key, id := range w.notify.(*told).got {
			if key == id+"/opened" {
				burst = id
			}
		}
		f := func(c engine.Command, want error) {
			t.Helper()
			if c.By == "" {
				c.By = "ann"
			}
			err := l.service.Command(t.Context(), c)
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%+v: %v, want %v", c, err, want)
			}
		}
		f(engine.Command{Kind: journal.AlertAcknowledged, Alert: burst, Comment: "on it"}, nil)
		f(engine.Command{Kind: journal.AlertLabelled, Alert: burst, By: "bob", Verdict: alert.TruePositive}, nil)
		f(engine.Command{Kind: journal.AlertLabelled, Alert: burst[:9], Verdict: alert.TruePositive}, engine.ErrNoAlert)
		f(engine.Command{Kind: journal.AlertResolved, Alert: burst}, nil)
		quiet := alert.Silence{By: "ann", From: time.Now().UnixMilli(), To: time.Now().Add(time.Hour).UnixMilli()}
		if _, err := l.service.AddSilence(t.Context(), quiet); err == nil {
			t.Error("a silence of everything is taken")
		}
		quiet.Match = alert.Matchers{must(alert.ParseMatcher(`rule="burst"`))}
		id, err := l.service.AddSilence(t.Context(), quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.service.ExpireSilence(t.Context(), "no such", "bob", ""); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("a silence that is not there is ended: %v", err)
		}
		if err := l.service.ExpireSilence(t.Context(), id, "bob", "over"); err != nil {
			t.Error(err)
		}
		if err := l.service.ExpireSilence(t.Context(), id, "bob", "again"); !errors.Is(err, alert.ErrSilenceOver) {
			t.Errorf("a silence is ended twice: %v", err)
		}
		f(engine.Command{Kind: journal.AlertResolved, Alert: burst}, engine.ErrOver)
		f(engine.Command{Kind: journal.AlertLabelled, Alert: burst, By: "bob", Verdict: alert.FalsePositive}, nil)
		if err := l.service.Command(t.Context(), engine.Command{Kind: journal.AlertLabelled, Alert: burst, By: "bob", Verdict: "maybe"}); err == nil {
			t.Error("any word is a verdict")
		}
		if n := l.service.Figures().Open["burst"]; n != 0 {
			t.Errorf("%d alerts are open after one was resolved", n)
		}
		more <- order("c1", "eu")
		time.Sleep(time.Second) // a commit has been a moment ago
		if n := l.service.Figures().Open["burst"]; n != 1 {
			t.Errorf("%d alerts are open though the rule still holds", n)
		}
		l.halt()
		if err := l.service.Command(t.Context(), engine.Command{Kind: journal.AlertResolved, Alert: burst, By: "ann"}); !errors.Is(err, engine.ErrNotRunning) {
			t.Errorf("a command to a service that has ended: %v", err)
		}

		all := alertsIn(t, w.fs)
		a := all[0]
		if a.ID != burst || a.Reason != alert.ByHand || a.Acknowledged == nil || a.Acknowledged.By != "ann" || a.Acknowledged.Comment != "on it" ||
			a.Verdict == nil || a.Verdict.Word != alert.FalsePositive || a.ResolvedBy == nil {
			t.Errorf("the alert is %+v", a)
		}
		for _, step := range []string{"/opened", "/resolved"} {
			if w.notify.(*told).got[burst+step] != burst {
				t.Errorf("nobody was told %s%s", burst, step)
			}
		}
		again := vfs.NewMem()
		copyLog(t, w.fs, again)
		w.fs, w.inputs = again, nil
		w.untilEnd = true
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		fresh := alertsIn(t, again)
		if len(fresh) != len(all) {
			t.Fatalf("%d alerts from the log, %d live", len(fresh), len(all))
		}
		for i := range all {
			got, _ := fresh[i].MarshalJSON()
			want, _ := all[i].MarshalJSON()
			if string(got) != string(want) {
				t.Errorf("from the log\n%s\nlive\n%s", got, want)
			}
		}
	})
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}
