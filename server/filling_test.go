package server

import (
	"testing"
	"time"

	"kelpie/engine"
)

// TestFilling says when windows will be filled, from the speed so far.
func TestFilling(t *testing.T) {
	if fillingOf(nil, time.Time{}) != nil {
		t.Error("nothing is being filled")
	}
	began := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	f := &engine.Filling{Version: "v", Rules: []string{"r"}, From: 1000, At: 1000, To: 5000, Began: began, Share: 0.25, Short: time.Minute}
	if x := fillingOf(f, began); x.Ready != "" || x.Missing != 60 {
		t.Errorf("before anything is folded: %+v", x)
	}
	f.At = 2000
	if x := fillingOf(f, began.Add(10*time.Second)); x.Ready != "2026-01-01T10:00:40Z" || x.Began != "2026-01-01T10:00:00Z" {
		t.Errorf("a quarter after ten seconds: %+v", x)
	}
}
