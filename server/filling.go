package server

import (
	"time"

	"kelpie/engine"
)

// Filling says how far windows are filled from the log for rules that wait for them, while those before go on. Members may
// be added to its JSON form.
type Filling struct {
	Version string   `json:"version"` // of the rules that are to run
	Rules   []string `json:"rules"`   // of them, those whose windows are filled
	From    int64    `json:"from"`    // offset in the log at which it began
	At      int64    `json:"at"`      // how far it is
	To      int64    `json:"to"`      // where the log ends
	Began   string   `json:"began"`
	Ready   string   `json:"ready,omitempty"` // when it will be done, at the speed that it has had; absent while nobody can say
	Share   float64  `json:"share"`           // of one core that it takes at most
	Missing float64  `json:"missing_seconds"` // how much of the windows the log does not hold any more
}

// fillingOf returns what is being filled; nil if nothing is.
func fillingOf(f *engine.Filling, now time.Time) *Filling {
	if f == nil {
		return nil
	}
	x := &Filling{
		Version: f.Version, Rules: f.Rules, From: f.From, At: f.At, To: f.To, Began: f.Began.UTC().Format(time.RFC3339),
		Share: f.Share, Missing: f.Short.Seconds(),
	}
	if left, ok := f.Left(now); ok {
		x.Ready = now.Add(left).UTC().Format(time.RFC3339)
	}
	return x
}
