package deadletter

import (
	"fmt"
	"sync/atomic"
)

// figures are what a Copier has done since it was opened.
type figures struct {
	done                              atomic.Uint64 // up to this sequence number nothing is left to be copied
	copied, givenUp, missed, failures atomic.Int64
	failing                           atomic.Bool // the last attempt has failed
}

// Stats counts what a Copier has done since it was opened.
type Stats struct {
	Copied   int64 // events that are in the topic
	GivenUp  int64 // events that the topic does not take
	Missed   int64 // events that were pushed out of the list before they could be copied
	Failures int64 // attempts that will be made again
	Waiting  int64 // events that are to be copied
	Failing  bool  // the last attempt has failed
}

// Stats returns how the Copier stands.
func (c *Copier) Stats() Stats {
	f := &c.figures
	return Stats{
		Copied: f.copied.Load(), GivenUp: f.givenUp.Load(), Missed: f.missed.Load(), Failures: f.failures.Load(), Failing: f.failing.Load(),
		Waiting: max(0, int64(c.o.Store.RejectedCounts().Total-f.done.Load())),
	}
}

// Remarks returns what somebody should see to, in words that anybody may read.
func (c *Copier) Remarks() (all []string) {
	s := c.Stats()
	if s.Failing {
		all = append(all, fmt.Sprintf("refused events cannot be copied to their topic at the moment (rejected.kafka), %d wait: the service's log says why", s.Waiting))
	}
	if s.GivenUp > 0 {
		all = append(all, fmt.Sprintf("%d refused events are not in their topic, which does not take them (rejected.kafka)", s.GivenUp))
	}
	if s.Missed > 0 {
		all = append(all, fmt.Sprintf("%d refused events are not in their topic: there was no room to keep them until it could be reached (rejected.max)", s.Missed))
	}
	return all
}
