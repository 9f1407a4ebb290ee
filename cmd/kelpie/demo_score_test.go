package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/state"
	"kelpie/traffic"
)

func TestScore(t *testing.T) {
	s, err := state.Open("state", state.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := s.NewBatch()
	put := func(rule, key string, opened int64, st alert.State) {
		t.Helper()
		id := alert.ID(rule, []string{key}, opened, alert.Opener{})
		a := &alert.Alert{ID: id, Rule: rule, Key: []string{key}, Opened: opened, State: st, Resolved: opened + 1, Message: "says so"}
		if err := alert.Put(b, a); err != nil {
			t.Fatal(err)
		}
	}
	put("burst", "ann", 1500, alert.Resolved) // planted
	put("burst", "ann", 1600, alert.Firing)   // found twice
	put("burst", "bob", 1000, alert.Firing)   // before it was planted
	put("storm", "cart", 9000, alert.Resolved)
	if err := errors.Join(s.Commit(b, true), b.Close()); err != nil {
		t.Fatal(err)
	}
	labels := []traffic.Label{
		{Rule: "burst", Key: "ann", From: 1500, To: 1600},
		{Rule: "burst", Key: "bob", From: 1001, To: 1600},
		{Rule: "storm", Key: "cart", From: 8000, To: 9000},
	}
	sc, err := newScore([]string{"burst", "quiet", "storm"}, labels, s)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sc.write(&out); err != nil {
		t.Fatal(err)
	}
	const want = `   rule  planted  found  missed  extra  resolved
  burst        2      1       1      2         1
  quiet        0      0       0      0         0
  storm        1      1       0      0         1
    all        3      2       1      2         2
missed: burst of bob, 1970-01-01T00:00:01.001Z to 1970-01-01T00:00:01.600Z
extra: burst of bob, opened 1970-01-01T00:00:01.000Z: says so
extra: burst of ann, opened 1970-01-01T00:00:01.600Z: says so
`
	if out.String() != want {
		t.Errorf("the score is\n%s, want\n%s", out.String(), want)
	}
}
