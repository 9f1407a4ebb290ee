package topics

import (
	"fmt"
	"sync/atomic"
)

// figures are what a Copier has done since it was opened.
type figures struct {
	done                              atomic.Uint64 // up to this number nothing is left to be copied
	copied, givenUp, missed, failures atomic.Int64
	failing                           atomic.Bool // the last attempt has failed
}

// Stats counts what a Copier has done since it was opened.
type Stats struct {
	Copied   int64 // entries that are in the topic
	GivenUp  int64 // entries that the topic does not take
	Missed   int64 // entries that had to go before they could be copied, since too many waited
	Failures int64 // attempts that will be made again
	Waiting  int64 // entries that are to be copied
	Failing  bool  // the last attempt has failed
}

// Stats returns how the Copier stands.
func (c *Copier) Stats() Stats {
	f := &c.figures
	return Stats{
		Copied: f.copied.Load(), GivenUp: f.givenUp.Load(), Missed: f.missed.Load(), Failures: f.failures.Load(), Failing: f.failing.Load(),
		Waiting: c.list.waiting(f.done.Load()),
	}
}

// Setting names the setting that the topic is of: rejected.kafka, decisions.kafka.
func (c *Copier) Setting() string { return c.list.setting() }

// Topic names the topic to which is copied.
func (c *Copier) Topic() string { return c.o.Topic }

// Remarks returns what somebody should see to, in words that anybody may read.
func (c *Copier) Remarks() (all []string) {
	s, name, setting := c.Stats(), c.list.name(), c.list.setting()
	if s.Failing {
		all = append(all, fmt.Sprintf("%s cannot be copied to their topic at the moment (%s), %d wait: the service's log says why", name, setting, s.Waiting))
	}
	if s.GivenUp > 0 {
		all = append(all, fmt.Sprintf("%d %s are not in their topic, which does not take them (%s)", s.GivenUp, name, setting))
	}
	if s.Missed > 0 {
		all = append(all, fmt.Sprintf("%d %s are not in their topic: there was no room to keep them until it could be reached (%s)", s.Missed, name, setting))
	}
	return all
}
